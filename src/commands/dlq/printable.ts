/** What strangers wrote, on a terminal. */

/** What would move a terminal's cursor, change its colours or turn the writing around is shown as an escape. */
export function printable(text: string): string {
  return text.replace(
    // oxlint-disable-next-line no-control-regex -- these are what is looked for
    /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** `2026-11-22 08:00:13Z` of an ISO 8601 time. */
export function shortTime(iso: string): string {
  return printable(iso.replace('T', ' ').replace(/\.\d+Z$/, 'Z'))
}
