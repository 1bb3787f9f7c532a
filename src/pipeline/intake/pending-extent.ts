import { RUN, RUN_BEGIN, RUN_OUTCOME, runWord } from '../../memory/frame-region.ts'
import type { RecordError } from '../../scan/worker-context.ts'
import type { DecodeArea } from './decode-space.ts'
import type { ExtentTerms } from './extent-terms.ts'
import type { Run } from './lane.ts'

/** A worker may die so often on an extent without a suspect before the record that it began with is tried alone. */
const BLIND_DEATHS_MAX = 2

const NO_ERRORS: readonly RecordError[] = []

/** What a worker's death says of an extent: nothing yet; a record is tried alone; it failed alone, and is given up. */
export type TrialVerdict = 'retried' | 'suspected' | 'condemned'

/** What the worker says of one run. */
export interface RunAnswer {
  readonly records: number
  readonly accepted: number
  readonly rejected: number
  readonly shed: number
  readonly outcome: number
  readonly state: number
}

/** What a run's stream is told. */
export interface Telling extends RunAnswer {
  readonly run: Run
  readonly errors: readonly RecordError[]
  /** Records of the stream before these. */
  readonly firstIndex: number
  /** All of the run's bytes are done with. */
  readonly complete: boolean
}

/** An extent between cut and commit: what the main thread keeps beside its ring entry. Used again for that entry. */
export class PendingExtent {
  slab = -1
  /** Where the whole extent ends; the part at work is in the ring. */
  end = 0
  region = 0
  /** Slab of the region, where it is not the extent's own. */
  tableSlab = -1
  capacity = 0
  runs: Run[] = []
  own = false
  terms: ExtentTerms | null = null
  /** For decoded events; null: none needed, or not yet there. */
  area: DecodeArea | null = null
  /** The area before was too small for a single event. */
  wantsWhole = false
  /** The worker is done with the part, and its dead letters are on disk. */
  settled = false
  #errors = NO_ERRORS
  /** Offset of the record that killed a worker, 0: none. */
  suspect = 0
  suspectDeaths = 0
  #blindDeaths = 0

  /** All runs have the terms of the first. */
  begin(extent: Pick<PendingExtent, 'slab' | 'end' | 'region' | 'capacity' | 'runs' | 'own'>): void {
    this.slab = extent.slab
    this.end = extent.end
    this.region = extent.region
    this.tableSlab = -1
    this.capacity = extent.capacity
    this.runs = extent.runs
    this.own = extent.own
    this.terms = extent.runs[0]!.stream.terms
    this.area = null
    this.wantsWhole = false
    this.suspect = this.suspectDeaths = this.#blindDeaths = 0
  }

  settle(errors: readonly RecordError[] = NO_ERRORS): void {
    this.settled = true
    this.#errors = errors
  }

  unsettle(): void {
    this.settled = false
    this.#errors = NO_ERRORS
  }

  /** The worker died at the slow record at `slowAt` (0: at none) of the part that begins at `from`. */
  blame(slowAt: number, from: number): TrialVerdict {
    if (slowAt === 0 && ++this.#blindDeaths <= BLIND_DEATHS_MAX) return 'retried'
    const suspect = slowAt === 0 ? from : slowAt
    this.suspectDeaths = this.suspect === suspect ? this.suspectDeaths + 1 : 1
    this.suspect = suspect
    this.#blindDeaths = 0
    return this.suspectDeaths > 1 ? 'condemned' : 'suspected'
  }

  /** What the worker wrote into the region, copied: once a frame has the region, a sink may give it back any time. */
  runAnswers(words: Int32Array): RunAnswer[] {
    return this.runs.map((_, index) => {
      const word = runWord(this.region, index)
      return {
        records: words[word + RUN.RECORDS]!,
        accepted: words[word + RUN.ACCEPTED]!,
        rejected: words[word + RUN.REJECTED]!,
        shed: words[word + RUN.SHED]!,
        outcome: words[word + RUN.OUTCOME]!,
        state: words[word + RUN.STATE]!,
      }
    })
  }

  /** What every run's stream is to be told when the part is committed, all before `consumed` being done with. */
  tellings(answers: readonly RunAnswer[], consumed: number, finished: boolean): Telling[] {
    return this.runs.map((run, index) => {
      const answer = answers[index]!
      const { stream } = run
      const errors =
        answer.rejected > 0 && this.#errors.length > 0
          ? this.#errors.filter((error) => error.run === index)
          : NO_ERRORS
      const firstIndex = stream.runFramed(answer)
      const complete = finished || this.#endOf(index) <= consumed
      if (complete && answer.outcome === RUN_OUTCOME.BAD_FRAMING) stream.badFraming = true
      return { run, ...answer, errors, firstIndex, complete }
    })
  }

  /** A part is committed: what is left are the runs, and the suspect, from `consumed` on. */
  advance(answers: readonly RunAnswer[], consumed: number): void {
    this.settled = false
    const first = this.runs.findIndex((_, index) => this.#endOf(index) > consumed)
    const kept = this.runs.slice(first)
    const run = kept[0]!
    kept[0] = {
      ...run,
      from: consumed,
      state: answers[first]!.state,
      kind: consumed > run.from ? run.kind & ~RUN_BEGIN : run.kind,
    }
    this.runs = kept
    if (consumed > this.suspect) this.suspect = this.suspectDeaths = 0
  }

  #endOf(index: number): number {
    return this.runs[index + 1]?.from ?? this.end
  }
}
