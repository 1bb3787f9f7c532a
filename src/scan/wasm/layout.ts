/**
 * The scanner's own memory, which no other thread sees; offsets and sizes in bytes. The kernel (AssemblyScript) and
 * `program.ts`, which fills it, share this file, so it holds nothing but numbers.
 *
 *     0      results of the last accepted record
 *     16     settings
 *     64     powers of ten
 *     256    memo of keys
 *     PROGRAM_AT   what the schema asks for: nodes that point to one another
 */
export const SEVERITY_AT = 0
export const LINE_BREAKS_AT = 4
export const TIME_AT = 8

/** The node of the record's value. */
export const ROOT_AT = 16
export const MAX_DEPTH_AT = 20
export const SEVERITY_ABSENT_AT = 24

/** Doubles: 1, 10, ... 1e15. */
export const POWERS_AT = 64
/** Up to 15 digits are exact in a double, and so is their division by a power of ten up to 1e22: one rounding. */
export const EXACT_DIGITS = 15

/** Two slots that are no keys: before a record's first key, and for keys that are too long to be kept. Then the table. */
export const MEMO_AT = 256
export const MEMO_SLOTS = 256
export const SLOT_BYTES = 128
export const SLOT_TEXT = 0
export const SLOT_MASK = 32
export const SLOT_LENGTH = 64
/** The object node that the key stands in. */
export const SLOT_OBJECT = 68
/** Its member; 0: none that is declared. */
export const SLOT_MEMBER = 72
/** Slot of the key that came next. */
export const SLOT_NEXT = 76

export const PROGRAM_AT = 33_280

/** A value node; 0 in its place: any value. */
export const VALUE_BYTES = 112
export const VALUE_KINDS = 0
export const VALUE_STRING_RULES = 4
/** Code points. */
export const VALUE_MIN_LENGTH = 8
export const VALUE_MAX_LENGTH = 12
/** List of the texts that a string may be, and how many. */
export const VALUE_TEXTS = 16
export const VALUE_TEXT_COUNT = 20
/** Index of tests that JavaScript makes. */
export const VALUE_TESTS = 24
export const VALUE_NUMBER_RULES = 28
/** Doubles. */
export const VALUE_MINIMUM = 32
export const VALUE_MAXIMUM = 40
export const VALUE_EXCLUSIVE_MINIMUM = 48
export const VALUE_EXCLUSIVE_MAXIMUM = 56
/** Doubles that a number may be, and how many. */
export const VALUE_NUMBERS = 64
export const VALUE_NUMBER_COUNT = 68
/** 0: any object, any array. */
export const VALUE_OBJECT = 72
export const VALUE_ARRAY = 76
/** List of the texts that mean a severity, and how many. */
export const VALUE_LEVELS = 80
export const VALUE_LEVEL_COUNT = 84

export const KIND_NULL = 1
export const KIND_TRUE = 2
export const KIND_FALSE = 4
export const KIND_STRING = 8
export const KIND_NUMBER = 16
export const KIND_OBJECT = 32
export const KIND_ARRAY = 64
export const CAPTURE_SEVERITY = 128
export const CAPTURE_TIME = 256

/** The text itself is looked at, so that it must be without escapes. */
export const STRING_PLAIN = 1
export const STRING_RFC3339 = 2
export const STRING_LENGTH = 4
export const STRING_TEXTS = 8
export const STRING_TESTS = 16

export const NUMBER_BOUNDED = 1
export const NUMBER_INTEGER = 2
/** An integer within 0..99, as severities are. */
export const NUMBER_SMALL = 4
/** Neither bounds nor values: any that is finite. */
export const NUMBER_FINITE = 8

/** An object node. */
export const OBJECT_BYTES = 32
export const OBJECT_MEMBERS = 0
export const OBJECT_MEMBER_COUNT = 4
/** How many members must be there. */
export const OBJECT_REQUIRED = 8
/** Value node of members that are not declared, or NONE. */
export const OBJECT_OTHERS = 12
export const OBJECT_COUNT_MAX = 16
/** A key with escapes may be one that is declared. */
export const OBJECT_PLAIN_KEYS = 20
export const NONE = -1

export const MEMBER_BYTES = 32
/** 64 bits: the object in which it was seen last. */
export const MEMBER_SEEN = 0
export const MEMBER_VALUE = 8
export const MEMBER_TEXT = 12
export const MEMBER_LENGTH = 16
/** 1 or 0. */
export const MEMBER_REQUIRED = 20

export const ARRAY_BYTES = 16
export const ARRAY_ITEMS = 0
export const ARRAY_COUNT_MIN = 4
export const ARRAY_COUNT_MAX = 8

/** An entry in a list of texts. Texts are padded to whole 16 bytes. */
export const TEXT_BYTES = 16
export const TEXT_AT = 0
export const TEXT_LENGTH = 4
/** That the text means; NONE. */
export const TEXT_SEVERITY = 8
