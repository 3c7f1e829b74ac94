/** The range in which a duration is most likely in the right unit, in seconds. */
export interface LikelySeconds {
  readonly least?: number;
  readonly most: number;
}

/**
 * A warning that a duration, though allowed, was most likely meant in another unit; `undefined` if it is in the likely range.
 *
 * @param label the name of the option or of the environment variable
 */
export function unlikelySeconds(
  label: string,
  seconds: number,
  { least = 0, most }: LikelySeconds,
): string | undefined {
  if (seconds >= least && seconds <= most) return undefined;
  const wrong = seconds > most ? ', not milliseconds' : '';
  return `${label} is ${seconds} s (${inWords(seconds)}); the unit is seconds${wrong}`;
}

const units = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const;

/** As `8 h 20 min`: the two largest units that are not zero. */
function inWords(seconds: number): string {
  const index = units.findIndex(([, size]) => seconds >= size);
  const [larger, smaller] = [units[index], units[index + 1]];
  if (larger === undefined) return `${Number((seconds * 1000).toPrecision(3))} ms`;
  if (smaller === undefined) return `${Number(seconds.toPrecision(3))} s`;
  const perLarger = larger[1] / smaller[1];
  const count = Math.round(seconds / smaller[1]);
  const rest = count % perLarger;
  return `${Math.floor(count / perLarger)} ${larger[0]}${rest === 0 ? '' : ` ${rest} ${smaller[0]}`}`;
}
