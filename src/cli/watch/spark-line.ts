const bars = [...'▁▂▃▄▅▆▇█'];

/**
 * A graph of one line: the last values that there is room for, from zero to the highest of them.
 *
 * @example sparkLine([1, 2, 4, 8], 8) // '▁▂▄█'
 */
export function sparkLine(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const highest = Math.max(...shown);
  return shown.map((value) => bars[barOf(value, highest)]).join('');
}

function barOf(value: number, highest: number): number {
  return highest > 0 ? Math.max(0, Math.ceil((value / highest) * bars.length) - 1) : 0;
}
