/*
 * Words for booleans and byte sizes, in upper or lower case. The accepted booleans differ as in the originals: ZConfig
 * (`ZConfig/datatypes.py: asBoolean`) accepts neither 1 nor 0, and only zodburi (`zodburi/datatypes.py: convert_bool`) accepts
 * t and f. So each reader has its own table, and accepts no more than its original.
 */
export type BooleanWords = ReadonlyMap<string, boolean>;

export const configBooleans = table('yes true on', 'no false off');
export const environmentBooleans = table('yes true on 1', 'no false off 0');
export const uriBooleans = table('yes true on 1 t', 'no false off 0 f');

function table(yes: string, no: string): BooleanWords {
  const entries = (words: string, value: boolean) => words.split(' ').map((word) => [word, value] as const);
  return new Map([...entries(yes, true), ...entries(no, false)]);
}

export function readBoolean(words: BooleanWords, text: string): boolean | undefined {
  return words.get(text.toLowerCase());
}

export const byteSizeInWords = 'a number of bytes, or of KB, MB or GB';

/**
 * Reads a size such as `10MB`, in bytes; `undefined` if it is malformed. ZConfig and zodburi agree on powers of 1024.
 *
 * @param readNumber reads the number before the unit, in which the two differ
 */
export function readByteSize(
  text: string,
  readNumber: (digits: string) => number | undefined,
): number | undefined {
  const power = 1 + ['kb', 'mb', 'gb'].indexOf(text.slice(-2).toLowerCase());
  const number = readNumber(power === 0 ? text : text.slice(0, -2));
  return number === undefined ? undefined : number * 1024 ** power;
}
