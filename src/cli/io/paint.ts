import { styleText } from 'node:util';

/** The meaning of a piece of text, which determines its colour. */
export type Style = 'good' | 'bad' | 'uncertain' | 'faint' | 'strong';

/** Colours a piece of text. Applied last: escape codes have a length but no width. */
export type Paint = (style: Style, text: string) => string;

const formats: Readonly<Record<Style, Parameters<typeof styleText>[0]>> = {
  good: 'green',
  bad: ['bold', 'red'],
  uncertain: 'yellow',
  faint: 'dim',
  strong: 'bold',
};

const inColour: Paint = (style, text) => styleText(formats[style], text, { validateStream: false });
const plain: Paint = (_style, text) => text;

/**
 * Colours for a terminal that can show them, unless `NO_COLOR` (https://no-color.org) is set; `FORCE_COLOR` overrides both.
 */
export function paintFor(isTerminal: boolean, env: NodeJS.ProcessEnv): Paint {
  const { FORCE_COLOR: force, NO_COLOR: no, TERM: term } = env;
  if (force !== undefined) return force === '0' || force === 'false' ? plain : inColour;
  return isTerminal && !no && term !== 'dumb' ? inColour : plain;
}
