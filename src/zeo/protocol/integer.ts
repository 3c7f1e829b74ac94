/** A number where that is exact, else a bigint: what `Value` makes of a Python `int`. */
export function toInteger(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
