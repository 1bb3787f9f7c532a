/** Of WebAssembly's API what is used here. TypeScript knows it only as a part of browsers. */
interface WebAssemblyApi {
  readonly Memory: new (size: { initial: number; maximum: number; shared: true }) => SharedMemory
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
