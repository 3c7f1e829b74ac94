import type { Drop } from './silent-drop.js';

/** Minimum, median and maximum in milliseconds, and of how many: `1201 / 1500 / 2890 (300 of 300)`. */
export function figures(times: readonly (number | undefined)[]): string {
  const known = times.filter((ms) => ms !== undefined).sort((one, other) => one - other);
  if (known.length === 0) return `never (0 of ${times.length})`;
  const [min, median, max] = [known[0], known[known.length >> 1], known.at(-1)].map((ms = 0) =>
    Math.round(ms),
  );
  return `${min} / ${median} / ${max} (${known.length} of ${times.length})`;
}

/** Without the time in which the application's main loop did not turn. */
export const turningMs = ({ foundMs, stalledMs }: Drop) => foundMs && foundMs - stalledMs;

export function byClientAndState(drops: readonly Drop[]): (readonly Drop[])[] {
  const groups = new Map<string, Drop[]>();
  for (const drop of drops) {
    const key = `${drop.name}, ${drop.state}`;
    groups.set(key, [...(groups.get(key) ?? []), drop]);
  }
  return [...groups.values()];
}

/** A line for each client and state. */
export function summary(drops: readonly Drop[]): string[] {
  return byClientAndState(drops).map((own) => {
    const found = figures(own.map(({ foundMs }) => foundMs));
    const turning = figures(own.map(turningMs));
    const heard = figures(own.map(({ heardMs }) => heardMs));
    const reasons = [...new Set(own.map(({ heardBy }) => heardBy ?? 'nothing'))].join(', ');
    const parts = [
      ...(own.some(({ foundMs }) => foundMs !== undefined) ? [`found ${found}, turning ${turning}`] : []),
      `heard ${heard} ${reasons}`,
      ...(own.some(({ backMs }) => backMs !== undefined)
        ? [`back ${figures(own.map(({ backMs }) => backMs))}`]
        : []),
    ];
    return `${own[0]?.name}, ${own[0]?.state}: ${parts.join('; ')}`;
  });
}
