import type { Figures } from './bench-case.ts'

/** What the figures of a case are to those of the case beside it; null where one of the two has none. */
export function compared(figures: Figures, beside: Figures): Figures {
  const both = (figure: string, of: (own: number, other: number) => number): number | null => {
    const { [figure]: own = null } = figures
    const { [figure]: other = null } = beside
    return own === null || other === null ? null : of(own, other)
  }
  return {
    cpu_s_per_million_beside: beside.cpu_s_per_million ?? null,
    times_beside: both('cpu_s_per_million', (own, other) => own / other),
    more_than_beside: both('cpu_s_per_million', (own, other) => own - other),
    events_per_s_beside: beside.events_per_s ?? null,
    share_beside: both('events_per_s', (own, other) => own / other),
    ...('p99_ms' in figures && {
      p99_ms_beside: beside.p99_ms ?? null,
      p99_times_beside: both('p99_ms', (own, other) => own / other),
    }),
  }
}
