/** Whether something may be drawn in place: a terminal that understands how. */
export function isLive(output: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  return output.isTTY === true && env['TERM'] !== 'dumb'
}

/** A reader that is gone (`| head`) is no reason to break off: the exit code still tells how it went. */
export function ignoreBrokenPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error
    })
  }
}
