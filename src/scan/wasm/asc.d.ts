/**
 * The compiler of AssemblyScript, as far as it is used here. tsconfig.json puts this in the place of its own declarations,
 * which make the types of its language global: with them `[].at(0)` is never undefined, in all of this project.
 */
export function main(
  argv: readonly string[],
  options: {
    readonly stderr?: { write(text: string): void }
    readonly writeFile: (name: string, contents: Uint8Array | string) => void
  },
): Promise<{ readonly error: Error | null }>
