/** Writes what the README takes from the code, between markers such as `<!-- reference:errors -->`: `npm run docs`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { configReference } from '../../src/app/config/reference.ts'
import { errorTable } from '../../src/base/errors.ts'

export const readmeFile = new URL('../../README.md', import.meta.url)

/** The README with its references made anew. Throws where a marker is missing. */
export function withReferences(readme: string): string {
  const withErrors = replaceBetween(readme, 'reference:errors', errorReference())
  // Its headings stand below a heading of the README.
  return replaceBetween(withErrors, 'reference:config', configReference().trimEnd())
}

function errorReference(): string {
  const rows = Object.entries(errorTable).map(
    ([code, { message, exitCode, retryable }]) =>
      `| \`${code}\` | ${cell(message)} | ${exitCode} | ${retryable ? 'yes' : 'no'} |`,
  )
  return ['| code | message | exit code | can trying again help |', '|---|---|---|---|', ...rows].join('\n')
}

function cell(text: string): string {
  return text.replaceAll('\n', ' ').replaceAll('|', '\\|')
}

function replaceBetween(text: string, name: string, content: string): string {
  const open = `<!-- ${name} -->`
  const from = text.indexOf(open)
  const to = text.indexOf(`<!-- /${name} -->`, from)
  if (from === -1 || to === -1) throw new Error(`the README has no ${open} with its end`)
  return `${text.slice(0, from + open.length)}\n\n${content}\n\n${text.slice(to)}`
}

if (import.meta.main) writeFileSync(readmeFile, withReferences(readFileSync(readmeFile, 'utf8')))
