/*
 * Text for a terminal. What a server, a file or the command line names may hold anything: everything that is shown goes
 * through `oneLine` first, so that no byte of it steers the terminal. Widths are columns, not characters.
 */
import stringWidth from 'string-width';
import { printable } from '../../model/printable.js';

/** Longer than any line; a peer's error may be longer still. */
const maxLength = 2000;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Printable, on one line, and not endless. */
export function oneLine(text: string): string {
  return printable(text.slice(0, maxLength).replace(/\s+/g, ' '));
}

/** The columns that a text takes. */
export function widthOf(text: string): number {
  return stringWidth(text);
}

/** Cut to a width, with an ellipsis for what is missing at the end. */
export function truncate(text: string, width: number): string {
  return stringWidth(text) <= width ? text : `${head(split(text), width - 1)}…`;
}

/** The same with the ellipsis in the middle: names differ at either end. */
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

/** At most so many lines of that width, broken between words; the last one with an ellipsis when that is not enough. */
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

/** As many of the characters as fit; of reversed ones, in their right order again. */
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
