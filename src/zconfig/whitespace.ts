/*
 * White space as in Python's `str.strip()`, `str.split()` and `\s`. JavaScript's differs: it includes the byte order mark,
 * but not the information separators and U+0085.
 */

/** The characters, for a character class of a regular expression. */
export const space = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

const isSpace = new RegExp(`[${space}]`);
const notSpace = new RegExp(`[^${space}]`);
const words = new RegExp(`[^${space}]+`, 'g');

/** Without white space at either end. */
export function strip(text: string): string {
  return stripStart(stripEnd(text));
}

export function stripStart(text: string): string {
  const start = text.search(notSpace);
  return start < 0 ? '' : text.slice(start);
}

/** A loop, because an expression that ends in `\s*$` takes quadratic time on a long gap in the middle. */
export function stripEnd(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace.test(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

/** The first word and the rest after the gap, as `str.split(None, 1)`. */
export function splitFirst(text: string): readonly [first: string, rest: string] {
  const gap = text.search(isSpace);
  return gap < 0 ? [text, ''] : [text.slice(0, gap), stripStart(text.slice(gap))];
}

export function splitWords(text: string): readonly string[] {
  return text.match(words) ?? [];
}
