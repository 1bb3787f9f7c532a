/** What cases are put together from. */

export const NOTHING_LOST = {
  lost: { atMost: 0 },
  duplicates: { atMost: 0 },
  strange: { atMost: 0 },
  unbalanced: { atMost: 0 },
} as const

/** Nothing lost, and no more memory than the collector says at start. */
export const withinMemory = { ...NOTHING_LOST, rss_percent: { atMost: 100 } } as const

export const flood = {
  kind: 'flood',
  aboutS: 12,
  form: 'ndjson',
  events: 4_000_000,
  malformedShare: 0,
  outage: null,
  warmUpS: 2,
  deadSink: false,
  answers: false,
  sink: {},
  journal: 'memory',
} as const

export const twoConnections = {
  mode: 'tcp',
  connections: 2,
  eventsPerWrite: 500,
  eventsPerSecond: null,
} as const

export const overTcp = { source: { type: 'tcp' }, load: twoConnections } as const

export const overHttp = {
  source: { type: 'http' },
  load: { ...twoConnections, mode: 'http', connections: 4 },
} as const

/** So many that one commit serves several: with four, most of the time each waits for its own. */
export const overHttp16 = { ...overHttp, load: { ...overHttp.load, connections: 16 } } as const
