/** Whether something may be drawn in place: a terminal that understands how. */
export function isLive(output: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  return output.isTTY === true && env['TERM'] !== 'dumb'
}

/**
 * What cannot be written is no reason to break off in the middle: the exit code still tells how it went. A reader that is
 * gone (`| head`) is nothing to speak of; of anything else, such as a full disk, standard error is told, and 0 becomes 1.
 */
export function surviveBrokenOutput(onReaderGone: () => void = () => {}): void {
  const { stdout, stderr } = process
  let told = false
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') onReaderGone()
    else {
      if (!told) stderr.write(`cannot write to standard output: ${error.message}\n`)
      process.exitCode = 1
    }
    told = true
  })
  stderr.on('error', () => {})
}
