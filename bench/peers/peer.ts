/** What is known of a program that does, more or less, what Spillway does. */

/** How events come in: lines of JSON over TCP, the same in requests, or RFC 5424 in lines over TCP. */
export type WayIn = 'tcp' | 'http' | 'syslog'

/** `{port}` to listen on, `{url}` and `{sink_port}` to deliver to, `{directory}` for what it writes, `{way}`, `{config}`. */
export type Template = string

export interface Peer {
  readonly name: string
  /** Looked for on the PATH, and where `.ci/clients` unpacks; `node` is the one that runs the benchmark. */
  readonly program: string
  /** Prints a version, or fails where something else that it needs is missing. */
  readonly probe: readonly string[]
  readonly args: readonly Template[]
  /** Files of its folder that are written, filled in, as `{config}`; null: it needs none. Without an entry it can't take events so. */
  readonly ways: Readonly<Partial<Record<WayIn, string | null>>>
  /** What each event must have to be passed on. */
  readonly checks: string
  /** Where an event is when the sender has its answer. */
  readonly durability: string
  /** Answers of an Elasticsearch are waited for: by the receiver of our own. */
  readonly bulk?: true
  /** Of the events of a case: fewer for those that take long. */
  readonly eventsShare: number
  /** What it is known to do that a reader of its figures must know, and where its vendor says so. */
  readonly limits: readonly string[]
  readonly documents: readonly string[]
  /** Whether this configuration has been run by those who wrote it, and with which version. */
  readonly tried: string | null
}
