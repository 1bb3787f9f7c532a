/** Lists of CPUs as the kernel writes them, `0-3,8` (cpuset(7), "List format"), which taskset reads too. */

/** More than any kernel is built for; a wider range is none. */
const CPUS_MAX = 8192

/** The numbers in rising order, each once; null where the text is no such list. An empty text is an empty list. */
export function parseCpuList(text: string): number[] | null {
  const cpus = new Set<number>()
  for (const part of text.trim().split(',')) {
    if (part === '') continue
    const match = /^(\d+)(?:-(\d+))?$/.exec(part)
    const first = Number(match?.[1])
    const last = Number(match?.[2] ?? match?.[1])
    if (match === null || last < first || last >= CPUS_MAX) return null
    for (let cpu = first; cpu <= last; cpu++) cpus.add(cpu)
  }
  return [...cpus].toSorted((left, right) => left - right)
}

/** `0-3,8`; `none` of an empty list. */
export function formatCpuList(cpus: readonly number[]): string {
  const ranges: { first: number; last: number }[] = []
  for (const cpu of [...new Set(cpus)].toSorted((left, right) => left - right)) {
    const range = ranges.at(-1)
    if (range !== undefined && range.last === cpu - 1) range.last = cpu
    else ranges.push({ first: cpu, last: cpu })
  }
  const texts = ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`))
  return texts.join(',') || 'none'
}
