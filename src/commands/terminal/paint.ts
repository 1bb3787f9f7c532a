/** Colours, where they are wanted (https://no-color.org): each function wraps a text in the codes for its meaning. */

const CODES = { strong: '1', quiet: '2', good: '32', busy: '33', bad: '31', accent: '36' } as const

export type Meaning = keyof typeof CODES
export type Paint = Readonly<Record<Meaning, (text: string) => string>>

export function createPaint(coloured: boolean): Paint {
  const wrap = (code: string) => (text: string) => (coloured ? `\x1b[${code}m${text}\x1b[0m` : text)
  return {
    strong: wrap(CODES.strong),
    quiet: wrap(CODES.quiet),
    good: wrap(CODES.good),
    busy: wrap(CODES.busy),
    bad: wrap(CODES.bad),
    accent: wrap(CODES.accent),
  }
}

/** Whether to colour: a terminal, no NO_COLOR in the environment, no `--no-color`. */
export function wantsColour(
  output: { readonly isTTY?: boolean },
  asked: boolean,
  env: NodeJS.ProcessEnv,
): boolean {
  return asked && output.isTTY === true && (env['NO_COLOR'] ?? '') === ''
}
