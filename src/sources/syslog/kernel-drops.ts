import { readFileSync, readlinkSync } from 'node:fs'

/** What the kernel's table says of a UDP socket. */
export interface SocketRow {
  /** Datagrams dropped since the socket was made, most of them because its buffer was full; goes on at 0 behind 2^32-1. */
  readonly drops: number
  /** What waits to be read, with the kernel's own overhead. */
  readonly unreadBytes: number
}

const COLUMN = { QUEUES: 4, INODE: 9, DROPS: 12 } as const

/**
 * Finds a socket in the text of /proc/net/udp or udp6 (proc(5)):
 *
 *     sl  local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode ref pointer drops
 *
 * Queues are hexadecimal. Undefined where it isn't there.
 */
export function findSocket(table: string, inode: number): SocketRow | undefined {
  const mark = ` ${inode} `
  for (let at = table.indexOf(mark); at !== -1; at = table.indexOf(mark, at + 1)) {
    const end = table.indexOf('\n', at)
    const line = table.slice(table.lastIndexOf('\n', at) + 1, end === -1 ? undefined : end)
    const columns = line.trim().split(/\s+/)
    // A user id can be the same number.
    if (Number(columns[COLUMN.INODE]) !== inode) continue
    const unread = columns[COLUMN.QUEUES]?.split(':')[1] ?? '0'
    return { drops: Number(columns[COLUMN.DROPS]) >>> 0, unreadBytes: Number.parseInt(unread, 16) }
  }
  return undefined
}

export interface KernelDropsOptions {
  readonly family: 'udp4' | 'udp6'
  /** Of the socket. */
  readonly fd: number
  /** The files below /proc, for tests. */
  readonly read?: (path: string) => string
  readonly readLink?: (path: string) => string
}

/** Datagrams that the kernel dropped before one socket could be read: counted by Linux, and nowhere else to be learnt. */
export class KernelDrops {
  readonly #table: string
  readonly #inode: number
  readonly #read: (path: string) => string
  #lastDrops = 0
  /** Since the socket was made. */
  total = 0
  unreadBytes = 0

  private constructor(table: string, inode: number, read: (path: string) => string) {
    this.#table = table
    this.#inode = inode
    this.#read = read
  }

  /** Null where the kernel has no such table: it is not Linux, or /proc is not there. */
  static of(options: KernelDropsOptions): KernelDrops | null {
    const { family, fd } = options
    const read = options.read ?? ((path: string) => readFileSync(path, 'latin1'))
    const readLink = options.readLink ?? ((path: string) => readlinkSync(path, 'latin1'))
    try {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(readLink(`/proc/self/fd/${fd}`)) ?? []
      const table = family === 'udp6' ? '/proc/self/net/udp6' : '/proc/self/net/udp'
      const drops = new KernelDrops(table, Number(inode), read)
      return drops.look() ? drops : null
    } catch {
      return null
    }
  }

  /** Reads the table again. False where the socket is not in it, which changes nothing. */
  look(): boolean {
    let row: SocketRow | undefined
    try {
      row = findSocket(this.#read(this.#table), this.#inode)
    } catch {
      row = undefined
    }
    if (row === undefined) return false
    // The kernel counts in 32 bits.
    this.total += (row.drops - this.#lastDrops) >>> 0
    this.#lastDrops = row.drops
    this.unreadBytes = row.unreadBytes
    return true
  }
}
