/** One subject of a comparison. */
export interface Variant<Result> {
  readonly name: string;
  measure(): Promise<Result>;
}

/**
 * Measures each variant in several rounds, in turn (ABAB…), so that other load on the machine affects all of them. Each round
 * begins with a different variant.
 */
export async function interleave<Result>(
  variants: readonly Variant<Result>[],
  rounds: number,
  progress: (line: string) => void,
): Promise<Map<string, Result[]>> {
  const results = new Map<string, Result[]>(variants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < variants.length; turn++) {
      const variant = variants[(round + turn) % variants.length] as Variant<Result>;
      progress(`${variant.name}, ${round + 1} of ${rounds}`);
      results.get(variant.name)?.push(await variant.measure());
    }
  }
  return results;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** @param share 0 to 1; the nearest rank */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) * share;
  // The median of an even number is interpolated; other ranks are not.
  return share === 0.5
    ? ((sorted[Math.floor(middle)] as number) + (sorted[Math.ceil(middle)] as number)) / 2
    : (sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] as number);
}

/** The median and the range, for a figure. */
export function summary(values: readonly number[]): { value: number; range: readonly [number, number] } {
  return { value: median(values), range: [Math.min(...values), Math.max(...values)] };
}
