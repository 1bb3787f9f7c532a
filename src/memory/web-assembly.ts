/** Of WebAssembly's API what is used here. TypeScript knows it only as a part of browsers. */
interface WebAssemblyApi {
  readonly Memory: {
    new (size: { initial: number; maximum: number; shared: true }): SharedMemory
    new (size: { initial: number; maximum: number }): { readonly buffer: ArrayBuffer }
  }
  readonly Module: new (code: Uint8Array) => object
  readonly Instance: new (
    module: object,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => { readonly exports: unknown }
}

/** A WebAssembly.Memory of a fixed size. A clone of it on another thread is the same memory. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer
}

declare const WebAssembly: WebAssemblyApi

export const webAssembly = WebAssembly

const PAGE_BYTES = 65_536
const SLACK_BYTES = 64

/** A memory with these bytes at its beginning, and 64 line feeds and 64 zeros behind them, as a scanner wants it. */
export function memoryOf(bytes: Uint8Array): SharedMemory {
  const pages = Math.ceil((bytes.length + 2 * SLACK_BYTES) / PAGE_BYTES)
  const memory = new webAssembly.Memory({ initial: pages, maximum: pages, shared: true })
  const view = new Uint8Array(memory.buffer)
  view.set(bytes)
  view.fill(0x0a, bytes.length, bytes.length + SLACK_BYTES)
  return memory
}
