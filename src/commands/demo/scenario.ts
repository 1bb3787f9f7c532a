/** The story that the demonstration tells, over and over where it is longer: who does what, when. */

export interface Scenario {
  readonly durationMs: number
  /** One telling of the story. */
  readonly cycleMs: number
  /** Events a second on an ordinary day. */
  readonly eventsPerSecond: number
  /** In the spike there are so many times as many. */
  readonly spike: number
}

export type Mood =
  | { readonly kind: 'fine' }
  | { readonly kind: 'slow'; readonly delayMs: number }
  | { readonly kind: 'throttling'; readonly status: 429 | 503; readonly retryAfterS: number }

interface Scene {
  /** Parts of the cycle, 0 to 1. */
  readonly from: number
  readonly to: number
}

const SPIKE: Scene = { from: 0.3, to: 0.48 }
/** Part of the spike's events that are malformed. */
const MALFORMED_SHARE = 0.03
const FINE: Mood = { kind: 'fine' }

/** First alone, so that one sees what a buffer is for; then in the middle of the spike, when it hurts. */
const siemScenes: readonly (Scene & { readonly mood: Mood })[] = [
  { from: 0.12, to: 0.19, mood: { kind: 'throttling', status: 429, retryAfterS: 1 } },
  { from: 0.38, to: 0.45, mood: { kind: 'throttling', status: 503, retryAfterS: 1 } },
  { from: 0.52, to: 0.6, mood: { kind: 'slow', delayMs: 300 } },
]

/** Events a second that the SIEM can be given: with half of the spike it would keep up at once. */
export function siemEventsPerSecond({ eventsPerSecond, spike }: Scenario): number {
  return Math.round(eventsPerSecond * Math.max(2, spike / 2))
}

function placeIn({ cycleMs }: Scenario, elapsedMs: number): number {
  return (elapsedMs % cycleMs) / cycleMs
}

function within(place: number, { from, to }: Scene): boolean {
  return place >= from && place < to
}

/** Whether the senders send as much as they can of a spike. */
export function spikeAt(scenario: Scenario, elapsedMs: number): boolean {
  return elapsedMs < scenario.durationMs && within(placeIn(scenario, elapsedMs), SPIKE)
}

export function malformedShareAt(scenario: Scenario, elapsedMs: number): number {
  return spikeAt(scenario, elapsedMs) ? MALFORMED_SHARE : 0
}

export function moodAt(scenario: Scenario, elapsedMs: number): Mood {
  if (elapsedMs >= scenario.durationMs) return FINE
  const place = placeIn(scenario, elapsedMs)
  return siemScenes.find((scene) => within(place, scene))?.mood ?? FINE
}

/** Events that all senders together have had to send by then: the rate, summed up. */
export function eventsDueBy(scenario: Scenario, elapsedMs: number): number {
  const { durationMs, cycleMs, eventsPerSecond, spike } = scenario
  const untilMs = Math.min(elapsedMs, durationMs)
  const cycles = Math.floor(untilMs / cycleMs)
  const place = placeIn(scenario, untilMs)
  const inSpike = Math.min(Math.max(place - SPIKE.from, 0), SPIKE.to - SPIKE.from)
  const inSpikesMs = (cycles * (SPIKE.to - SPIKE.from) + inSpike) * cycleMs
  return ((untilMs + inSpikesMs * (spike - 1)) / 1000) * eventsPerSecond
}

/** How long one spike lasts. */
export function spikeMs({ cycleMs }: Scenario): number {
  return (SPIKE.to - SPIKE.from) * cycleMs
}
