import type { Frame } from './stacks.ts'

/** Narrower than this share of the whole it can't be seen. */
const SHARE_MIN = 0.0005
const ROW_PX = 17

const STYLE = `
body { font: 12px sans-serif; margin: 12px } h2 { font-size: 14px; margin: 18px 0 4px }
.graph { position: relative; overflow: hidden } .all { position: relative; width: 100% }
.all div { position: absolute; height: ${ROW_PX - 1}px; line-height: ${ROW_PX - 1}px; overflow: hidden; white-space: nowrap;
  box-sizing: border-box; border-right: 1px solid #fff; padding-left: 2px; cursor: pointer; font-size: 11px }`

/** A click makes a frame as wide as the graph; another one on the widest goes back. */
const SCRIPT = `
for (const frame of document.querySelectorAll('.all div')) frame.onclick = () => {
  const all = frame.parentElement, width = parseFloat(frame.style.width), left = parseFloat(frame.style.left)
  const back = width > 99 || all.dataset.of === String(left) + '/' + width
  all.dataset.of = back ? '' : left + '/' + width
  all.style.width = back ? '100%' : 100 * 100 / width + '%'
  all.style.marginLeft = back ? 0 : -100 * left / width + '%'
}`

/** A page of its own: a graph for each tree, calls below their callers. `unit` says what the weights are. */
export function flamePage(title: string, unit: string, trees: ReadonlyMap<string, Frame>): string {
  const graphs = [...trees].map(([name, root]) => {
    const total = root.total()
    const boxes: string[] = []
    const depth = addBoxes(boxes, [...root.callees.values()], { from: 0, level: 0, total, unit })
    return (
      `<h2>${escaped(name)}: ${amount(total, unit)}</h2>\n` +
      `<div class="graph" style="height:${depth * ROW_PX}px"><div class="all">\n${boxes.join('\n')}\n</div></div>`
    )
  })
  return (
    `<!doctype html><meta charset="utf-8"><title>${escaped(title)}</title><style>${STYLE}</style>\n` +
    `<h1 style="font-size:16px">${escaped(title)}</h1>\n${graphs.join('\n')}\n<script>${SCRIPT}</script>\n`
  )
}

interface Place {
  /** Weight to the left of it. */
  readonly from: number
  readonly level: number
  readonly total: number
  readonly unit: string
}

/** Returns how many levels there are in all. */
function addBoxes(boxes: string[], frames: readonly Frame[], place: Place): number {
  const { level, total, unit } = place
  let { from } = place
  let depth = level
  for (const frame of frames.toSorted((a, b) => b.total() - a.total())) {
    const weight = frame.total()
    if (weight / total < SHARE_MIN) continue
    const percent = (value: number) => ((100 * value) / total).toFixed(3)
    const tip = `${frame.name}: ${percent(weight)} %, ${amount(weight, unit)}; itself ${percent(frame.self)} %`
    boxes.push(
      `<div style="left:${percent(from)}%;width:${percent(weight)}%;top:${level * ROW_PX}px;background:${colorOf(frame.name)}" ` +
        `title="${escaped(tip)}">${escaped(frame.name)}</div>`,
    )
    depth = Math.max(
      depth,
      addBoxes(boxes, [...frame.callees.values()], { ...place, from, level: level + 1 }),
    )
    from += weight
  }
  return Math.max(depth, level + (frames.length > 0 ? 1 : 0))
}

export function amount(weight: number, unit: string): string {
  if (unit === 'µs') return `${(weight / 1e6).toFixed(2)} s`
  return unit === 'bytes' ? `${(weight / 2 ** 20).toFixed(2)} MiB` : `${weight} ${unit}`
}

/** By where the code is from: ours warm, packages green, Node and the rest grey. */
function colorOf(name: string): string {
  if (/ (src|workers)\//.test(name)) return `hsl(${20 + (hash(name) % 35)} 85% 65%)`
  if (name.includes('node_modules/')) return `hsl(${100 + (hash(name) % 40)} 45% 68%)`
  return `hsl(210 10% ${74 + (hash(name) % 12)}%)`
}

function hash(text: string): number {
  let sum = 0
  for (const char of text) sum = (sum * 31 + char.codePointAt(0)!) >>> 0
  return sum
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`)
}
