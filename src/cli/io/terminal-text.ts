/*
 * Text for a terminal. Text from a server, a file or the command line may contain anything. All of it passes through
 * `oneLine` before it is shown, so that no byte of it can control the terminal. Widths are columns, not characters.
 */
import stringWidth from 'string-width';
import { printable } from '../../model/printable.js';

/** In characters: more than any line shows, but a peer's error may be longer still. */
const maxLength = 2000;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Makes text printable, puts it on one line, and limits its length. */
export function oneLine(text: string): string {
  return printable(text.slice(0, maxLength).replace(/\s+/g, ' '));
}

/** The number of columns that a text takes up. */
export function widthOf(text: string): number {
  return stringWidth(text);
}

/** Truncates a text to a width, with an ellipsis at the end. */
export function truncate(text: string, width: number): string {
  return stringWidth(text) <= width ? text : `${head(split(text), width - 1)}…`;
}

/** The same with the ellipsis in the middle, because names differ at either end. */
export function truncateMiddle(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  const characters = split(text);
  const left = head(characters, Math.floor((width - 1) / 2));
  const right = head(characters.reverse(), Math.ceil((width - 1) / 2), true);
  return `${left}…${right}`;
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - stringWidth(text)));
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - stringWidth(text))) + text;
}

/** At most `maxLines` lines of that width, broken between words; the last one ends with an ellipsis if text is left over. */
export function wrap(text: string, width: number, maxLines: number): readonly string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) as string;
    const longer = line === '' ? word : `${line} ${word}`;
    if (lines.length === maxLines || line === '' || stringWidth(longer) <= width)
      lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.map((line) => truncate(line, width));
}

function split(text: string): string[] {
  return Array.from(graphemes.segment(text), ({ segment }) => segment);
}

/** As many of the characters as fit. With `reversed` they come in reverse, and are put back in order. */
function head(characters: readonly string[], width: number, reversed = false): string {
  let text = '';
  let used = 0;
  for (const character of characters) {
    used += stringWidth(character);
    if (used > width) break;
    text = reversed ? character + text : text + character;
  }
  return text;
}
