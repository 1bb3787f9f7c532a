/**
 * Access to the scanner's own memory, the second one of the module: AssemblyScript knows one memory only, which is the
 * arena. The build replaces these imports by single instructions.
 */
@external('own', 'load32')
export declare function own32(at: i32): i32
@external('own', 'load64')
export declare function own64(at: i32): i64
@external('own', 'loadF64')
export declare function ownF64(at: i32): f64
@external('own', 'load128')
export declare function own128(at: i32): v128
@external('own', 'store32')
export declare function setOwn32(at: i32, value: i32): void
@external('own', 'store64')
export declare function setOwn64(at: i32, value: i64): void
@external('own', 'storeF64')
export declare function setOwnF64(at: i32, value: f64): void
@external('own', 'store128')
export declare function setOwn128(at: i32, value: v128): void
