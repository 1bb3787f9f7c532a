/**
 * The code points of Windows-1252, as the WHATWG Encoding Standard has it: the five bytes that Microsoft left undefined
 * are the control characters of the same number, so that every byte has a meaning and none is lost.
 */
export const WINDOWS_1252 = new Uint16Array(256)

/** Code points of the bytes 0x80 to 0x9f; all others are their own. */
const FROM_80 =
  '\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f' +
  '\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178'

for (let byte = 0; byte < 256; byte++) {
  WINDOWS_1252[byte] = byte >= 0x80 && byte < 0xa0 ? FROM_80.charCodeAt(byte - 0x80) : byte
}
