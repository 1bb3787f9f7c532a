/** Stacks with a weight, merged into a tree: samples, bytes, or whatever else is counted by where it happened. */

/** One call from one place: what it took itself, and with all that it called. */
export class Frame {
  readonly name: string
  readonly callees = new Map<string, Frame>()
  self = 0

  constructor(name: string) {
    this.name = name
  }

  /** `stack` from the outermost call to the innermost one. */
  add(stack: readonly string[], weight: number): void {
    const innermost = stack.reduce((frame, name) => frame.callee(name), this as Frame)
    innermost.self += weight
  }

  callee(name: string): Frame {
    let callee = this.callees.get(name)
    if (callee === undefined) this.callees.set(name, (callee = new Frame(name)))
    return callee
  }

  total(): number {
    return [...this.callees.values()].reduce((sum, callee) => sum + callee.total(), this.self)
  }

  /** What each name took itself, wherever it was called from; the most first. */
  selfByName(): [string, number][] {
    const byName = new Map<string, number>()
    this.#addSelf(byName)
    return [...byName].toSorted(([, a], [, b]) => b - a)
  }

  #addSelf(byName: Map<string, number>): void {
    if (this.self > 0) byName.set(this.name, (byName.get(this.name) ?? 0) + this.self)
    for (const callee of this.callees.values()) callee.#addSelf(byName)
  }
}

interface CallFrame {
  readonly functionName: string
  readonly url: string
  readonly lineNumber: number
}

interface CpuNode {
  readonly id: number
  readonly callFrame: CallFrame
  readonly children?: readonly number[]
}

/** What `Profiler.stop` answers. */
export interface CpuProfile {
  readonly nodes: readonly CpuNode[]
  readonly samples: readonly number[]
  /** Microseconds from the sample before; the first one's, since the profiler was told to start, are its own. */
  readonly timeDeltas: readonly number[]
}

/** Microseconds by stack. */
export function addCpuProfile(root: Frame, { nodes, samples, timeDeltas }: CpuProfile): void {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const weights = new Map<number, number>()
  for (const [index, id] of samples.entries()) {
    // What was sampled lasted until the next sample.
    weights.set(id, (weights.get(id) ?? 0) + Math.max(0, timeDeltas[index + 1] ?? 0))
  }
  const visit = ({ id, callFrame, children = [] }: CpuNode, parent: Frame): void => {
    const frame = callFrame.functionName === '(root)' ? parent : parent.callee(nameOf(callFrame))
    frame.self += weights.get(id) ?? 0
    for (const child of children) visit(byId.get(child)!, frame)
  }
  visit(nodes[0]!, root)
}

interface HeapNode {
  readonly callFrame: CallFrame
  readonly selfSize: number
  readonly children: readonly HeapNode[]
}

/** What `HeapProfiler.stopSampling` answers. */
export interface HeapProfile {
  readonly head: HeapNode
}

/** Bytes by stack. */
export function addHeapProfile(root: Frame, { head }: HeapProfile): void {
  const visit = ({ callFrame, selfSize, children }: HeapNode, parent: Frame): void => {
    const frame = callFrame.functionName === '(root)' ? parent : parent.callee(nameOf(callFrame))
    frame.self += selfSize
    for (const child of children) visit(child, frame)
  }
  visit(head, root)
}

/** `function file:line`, the file without the way to it. */
function nameOf({ functionName, url, lineNumber }: CallFrame): string {
  const name = functionName === '' ? '(anonymous)' : functionName
  if (url === '') return name
  const file = url.replace(/^file:\/\//, '').replace(/^.*\/(?=(src|workers|node_modules)\/)/, '')
  return `${name} ${file}:${lineNumber + 1}`
}
