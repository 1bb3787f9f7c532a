import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { KIB } from '../../src/base/units.ts'
import { FRAME_KIND, FRAME_MAGIC, HEADER, HEADER_BYTES, frameBytes } from '../../src/memory/frame-region.ts'

const FLIPS_MAX = 8
const BLANK_BYTES = 4 * KIB

export interface Damage {
  readonly what: string
  /** Events in what was cut off the end of the log: nothing is left that could tell of them. */
  readonly untold: number
}

/** Damages one segment of a journal that nobody writes to. null: there is none yet. */
export function damageSegment(directory: string, random: () => number): Damage | null {
  const names = readdirSync(directory)
    .filter((name) => name.endsWith('.frames'))
    .toSorted()
  const name = names[Math.floor(random() * names.length)]
  if (name === undefined) return null
  const path = join(directory, name)
  const bytes = readFileSync(path)
  if (bytes.length === 0) return null
  const roll = random()
  const at = Math.floor(random() * bytes.length)
  if (roll < 0.2) {
    writeFileSync(path, bytes.subarray(0, at))
    return { what: `${name} cut at ${at}`, untold: name === names.at(-1) ? eventsBehind(bytes, at) : 0 }
  }
  if (roll < 0.3) {
    bytes.fill(0, at, Math.min(at + BLANK_BYTES, bytes.length))
    writeFileSync(path, bytes)
    return { what: `${name} blank from ${at}`, untold: 0 }
  }
  const flips = 1 + Math.floor(random() * FLIPS_MAX)
  for (let flip = 0; flip < flips; flip++) {
    const offset = Math.floor(random() * bytes.length)
    bytes[offset]! ^= 1 << Math.floor(random() * 8)
  }
  writeFileSync(path, bytes)
  return { what: `${name}: ${flips} bits`, untold: 0 }
}

/** Events of the frames that do not end before `cut`. */
function eventsBehind(bytes: Buffer, cut: number): number {
  let events = 0
  const word = (at: number, index: number) => bytes.readUInt32LE(at + 4 * index)
  for (let at = 0; at + HEADER_BYTES <= bytes.length; at += 8) {
    if (word(at, HEADER.MAGIC) !== FRAME_MAGIC || word(at, HEADER.KIND) !== FRAME_KIND.EVENTS) continue
    const records = word(at, HEADER.RECORDS)
    if (at + frameBytes(word(at, HEADER.RUNS), records, word(at, HEADER.BYTES)) > cut) events += records
  }
  return events
}
