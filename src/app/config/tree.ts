/** YAML text to a tree of nodes with positions. Maps are Maps, so a key such as `__proto__` is a name like any other. */
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Document, Node } from 'yaml'
import type { Scalar } from '../../base/config-keys.ts'
import { interpolate } from './interpolate.ts'
import type { Surroundings } from './interpolate.ts'
import type { Path, Position, ProblemList } from './problems.ts'

export interface ScalarNode extends Position {
  readonly kind: 'scalar'
  /** undefined where a reference in it has no value, which has been reported. */
  readonly value: Scalar | undefined
  /** The value came, even partly, from the environment or a file: it is never shown, and its text may be a number. */
  readonly secret: boolean
}

export interface MapNode extends Position {
  readonly kind: 'map'
  readonly entries: ReadonlyMap<string, MapEntry>
}

export interface MapEntry {
  readonly keyPosition: Position
  readonly node: ConfigNode
}

export interface ListNode extends Position {
  readonly kind: 'list'
  readonly items: readonly ConfigNode[]
}

export type ConfigNode = ScalarNode | MapNode | ListNode

/** Aliases are counted every time they are expanded, so these two stop bombs and cycles. */
const NODES_MAX = 50_000
const DEPTH_MAX = 64

/** The tree of a configuration file; undefined where the text is no YAML at all. Adds to `problems`. */
export function parseTree(
  text: string,
  problems: ProblemList,
  surroundings: Surroundings,
): ConfigNode | undefined {
  const lines = new LineCounter()
  // Duplicate keys are looked for below: the parser's own check takes quadratic time.
  const options = { lineCounter: lines, uniqueKeys: false, stringKeys: true, prettyErrors: false } as const
  let document: Document.Parsed
  try {
    document = parseDocument(text, { ...options, version: '1.2', logLevel: 'error', resolveKnownTags: false })
  } catch (error) {
    const reason = error instanceof RangeError ? 'nesting too deep' : String(error)
    problems.add('syntax', { line: 1, column: 1 }, [], 'YAML', reason)
    return undefined
  }
  for (const { pos, message } of [...document.errors, ...document.warnings]) {
    problems.add('syntax', positionAt(lines, pos[0]), [], 'YAML', firstLine(message))
  }
  if (document.errors.length > 0) return undefined
  return new TreeBuilder(document, lines, problems, surroundings).build()
}

class TreeBuilder {
  readonly #document: Document.Parsed
  readonly #lines: LineCounter
  readonly #problems: ProblemList
  readonly #surroundings: Surroundings
  /** What aliases stand for; the parser would search the document for each. */
  readonly #anchors = new Map<string, Node>()
  #nodeCount = 0
  #expandedAliases = 0

  constructor(
    document: Document.Parsed,
    lines: LineCounter,
    problems: ProblemList,
    surroundings: Surroundings,
  ) {
    this.#document = document
    this.#lines = lines
    this.#problems = problems
    this.#surroundings = surroundings
  }

  build(): ConfigNode | undefined {
    const root = this.#node(this.#document.contents, [], { line: 1, column: 1 })
    return this.#nodeCount > NODES_MAX ? undefined : root
  }

  #node(node: Node | null | undefined, path: Path, fallback: Position): ConfigNode {
    const position = node?.range ? positionAt(this.#lines, node.range[0]) : fallback
    this.#nodeCount++
    if (this.#nodeCount > NODES_MAX) return this.#tooLarge(position, path)
    if (path.length > DEPTH_MAX) {
      this.#problems.add('syntax', position, path.slice(0, 4), `nesting up to ${DEPTH_MAX} deep`, 'more')
      return nothingAt(position)
    }
    if (isAlias(node)) return this.#expand(node.source, path, position)
    if (node !== null && node !== undefined && node.anchor !== undefined && this.#expandedAliases === 0) {
      this.#anchors.set(node.anchor, node)
    }
    if (isMap(node)) return { kind: 'map', ...position, entries: this.#entries(node.items, path, position) }
    if (isSeq(node)) {
      const items = node.items.map((item, index) => this.#node(asNode(item), [...path, index], position))
      return { kind: 'list', ...position, items }
    }
    return isScalar(node) ? this.#scalar(node.value, path, position) : nothingAt(position)
  }

  #expand(anchor: string, path: Path, position: Position): ConfigNode {
    const target = this.#anchors.get(anchor)
    if (target === undefined) {
      this.#problems.add('syntax', position, path, `an anchor &${anchor} above`, 'none')
      return reportedAt(position)
    }
    this.#expandedAliases++
    const node = this.#node(target, path, position)
    this.#expandedAliases--
    return node
  }

  #entries(
    pairs: readonly { key: unknown; value: unknown }[],
    path: Path,
    fallback: Position,
  ): ReadonlyMap<string, MapEntry> {
    const entries = new Map<string, MapEntry>()
    for (const pair of pairs) {
      const key = asNode(pair.key)
      const name = isScalar(key) ? String(key.value) : ''
      const keyPosition = key?.range ? positionAt(this.#lines, key.range[0]) : fallback
      if (entries.has(name)) {
        this.#problems.add('invalid', keyPosition, [...path, name], 'each key once', 'it a second time')
      }
      entries.set(name, { keyPosition, node: this.#node(asNode(pair.value), [...path, name], keyPosition) })
      if (this.#nodeCount > NODES_MAX) break
    }
    return entries
  }

  #scalar(value: unknown, path: Path, position: Position): ScalarNode {
    if (typeof value === 'number' || typeof value === 'boolean') {
      return { kind: 'scalar', ...position, value, secret: false }
    }
    if (typeof value !== 'string') return nothingAt(position)
    const result = interpolate(value, this.#surroundings)
    if ('text' in result) return { kind: 'scalar', ...position, value: result.text, secret: result.secret }
    this.#problems.add('invalid', position, path, 'a value for each reference', result.reason)
    return reportedAt(position)
  }

  /** Said once: what follows is cut off. */
  #tooLarge(position: Position, path: Path): ScalarNode {
    if (this.#nodeCount === NODES_MAX + 1) {
      this.#problems.add('syntax', position, path, `at most ${NODES_MAX} values, aliases expanded`, 'more')
    }
    return nothingAt(position)
  }
}

function asNode(value: unknown): Node | undefined {
  return isNode(value) ? value : undefined
}

function nothingAt(position: Position): ScalarNode {
  return { kind: 'scalar', ...position, value: null, secret: false }
}

/** Stands for a value that is known to be wrong, so that it is reported once. */
function reportedAt(position: Position): ScalarNode {
  return { kind: 'scalar', ...position, value: undefined, secret: false }
}

function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset)
  return { line, column: col }
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0]!
}
