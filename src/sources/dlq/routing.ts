import { spwError } from '../../base/errors.ts'
import type { Letter } from '../../dlq/letter.ts'
import type { ExtentTerms } from '../../pipeline/intake/extent-terms.ts'
import { DLQ_SOURCE } from './config.ts'

/** Why a letter stays in the queue when it was chosen for a replay. */
export const SKIP_REASONS = {
  truncated: 'only the beginning of the record was kept',
  source_gone: 'the source has left the configuration (name --schema and --to)',
  sink_gone: 'the sink that it was given up for has left the configuration (name --to)',
  no_sink: 'no sink reads its source (name --to)',
  undecoded: 'a message that could not be decoded is no event',
  empty: 'there is no record to send',
  too_long: 'a slab is too small for it now',
} as const
export type SkipReason = keyof typeof SKIP_REASONS

/** What of the configuration says where a letter goes. */
export interface RoutingConfig {
  readonly sources: readonly { readonly name: string; readonly schema: string; readonly decoded: boolean }[]
  /** In the order of the topology; `inputs` are names of sources. */
  readonly sinks: readonly { readonly name: string; readonly inputs: readonly string[] }[]
  /** Names, in the order in which workers have them as rules. */
  readonly schemas: readonly string[]
}

/** What the operator chose in place of what a letter says. */
export interface RoutingChoice {
  readonly sinks?: readonly string[] | undefined
  readonly schema?: string | undefined
}

/** Between the name of a letter's first source and its first peer, where a replayed record has both as its peer. */
const PEER_SEPARATOR = ' '

/**
 * Where letters go: by which schema they are judged, and for which sinks they are meant. By default the current schema of the
 * source that a letter came in by first, and the sink that it was given up for, or, refused at ingest, all sinks whose
 * `inputs` hold that source.
 */
export class LetterRouting {
  readonly #config: RoutingConfig
  readonly #choice: RoutingChoice
  /** By schema and sinks, so that equal ones are the same. */
  readonly #terms = new Map<string, ExtentTerms>()

  /** Throws SPW_ERR_OPTION_INVALID for a sink or schema that is not in the configuration. */
  constructor(config: RoutingConfig, choice: RoutingChoice) {
    this.#config = config
    this.#choice = choice
    const { sinks, schemas } = config
    const known = sinks.map(({ name }) => name)
    for (const sink of choice.sinks ?? []) if (!known.includes(sink)) throw unknown('--to', sink, known)
    const { schema } = choice
    if (schema !== undefined && !schemas.includes(schema)) throw unknown('--schema', schema, schemas)
  }

  of(letter: Letter): ExtentTerms | SkipReason {
    if (letter.truncated === true) return 'truncated'
    const first = this.firstSource(letter)
    const source = this.#config.sources.find(({ name }) => name === first)
    const schema = this.#choice.schema ?? source?.schema
    if (schema === undefined) return 'source_gone'
    // A letter of its own, not one of a replay, of which the source has kept what was sent.
    if (source?.decoded === true && letter.sink === undefined && letter.source !== DLQ_SOURCE)
      return 'undecoded'
    const sinks = this.#sinksFor(letter, first, source !== undefined)
    return typeof sinks === 'string' ? sinks : this.#termsOf(schema, sinks)
  }

  /** Names of the sinks that these terms name. */
  namesOf({ meantFor }: ExtentTerms): string[] {
    return (meantFor ?? []).map((sink) => this.#config.sinks[sink]!.name)
  }

  #sinksFor({ sink }: Letter, first: string, isKnown: boolean): readonly number[] | SkipReason {
    const { sinks } = this.#config
    const chosen = this.#choice.sinks
    const isWanted = ({ name, inputs }: (typeof sinks)[number]) => {
      if (chosen !== undefined) return chosen.includes(name)
      return sink === undefined ? inputs.includes(first) : name === sink
    }
    const wanted = sinks.flatMap((one, index) => (isWanted(one) ? [index] : []))
    if (wanted.length > 0) return wanted
    if (sink !== undefined) return 'sink_gone'
    return isKnown ? 'no_sink' : 'source_gone'
  }

  #termsOf(schema: string, meantFor: readonly number[]): ExtentTerms {
    const key = `${schema} ${meantFor.join()}`
    let terms = this.#terms.get(key)
    if (terms === undefined) {
      terms = { rules: this.#config.schemas.indexOf(schema) + 1, meantFor }
      this.#terms.set(key, terms)
    }
    return terms
  }

  /** The source that a letter's record came in by first, also where a replay was refused. */
  firstSource({ source, peer = '' }: Letter): string {
    if (source !== DLQ_SOURCE) return source
    const end = peer.indexOf(PEER_SEPARATOR)
    if (end !== -1) return peer.slice(0, end)
    // A long name, cut.
    return this.#config.sources.find(({ name }) => peer !== '' && name.startsWith(peer))?.name ?? peer
  }

  /** The peer of a record that is replayed: its first source and peer, `push 192.0.2.7:49152`. */
  peerOf(letter: Letter): string {
    const { source, peer = '' } = letter
    return source === DLQ_SOURCE ? peer : `${source}${PEER_SEPARATOR}${peer}`
  }
}

function unknown(option: string, name: string, known: readonly string[]): Error {
  return spwError('SPW_ERR_OPTION_INVALID', {
    option,
    reason: `${name} is not in the configuration; what is: ${known.join(', ')}`,
  })
}
