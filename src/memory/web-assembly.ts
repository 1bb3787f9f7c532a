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

export function pagesFor(byteCount: number): number {
  return Math.ceil(byteCount / PAGE_BYTES)
}

/**
 * A memory for so many bytes, with 64 line feeds behind them, and 64 zeros behind those: a scanner that runs past the end of
 * an unfinished value stops there, never outside.
 */
export function scannedMemory(byteCount: number): SharedMemory {
  const pages = pagesFor(byteCount + 2 * SLACK_BYTES)
  const memory = new webAssembly.Memory({ initial: pages, maximum: pages, shared: true })
  new Uint8Array(memory.buffer).fill(0x0a, byteCount, byteCount + SLACK_BYTES)
  return memory
}

/** One with these bytes. */
export function memoryOf(bytes: Uint8Array): SharedMemory {
  const memory = scannedMemory(bytes.length)
  new Uint8Array(memory.buffer).set(bytes)
  return memory
}
