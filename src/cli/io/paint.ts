import { styleText } from 'node:util';

/** What a piece of text means; the colours follow from it. */
export type Style = 'good' | 'bad' | 'uncertain' | 'faint' | 'strong';

/** Gives a piece of text its colour. Comes last: codes have no width, but they have a length. */
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
 * Colours on a terminal, unless `NO_COLOR` (https://no-color.org) is set or it cannot show any; `FORCE_COLOR` overrides
 * both.
 */
export function paintFor(isTerminal: boolean, env: NodeJS.ProcessEnv): Paint {
  const { FORCE_COLOR: force, NO_COLOR: no, TERM: term } = env;
  if (force !== undefined) return force === '0' || force === 'false' ? plain : inColour;
  return isTerminal && !no && term !== 'dumb' ? inColour : plain;
}
