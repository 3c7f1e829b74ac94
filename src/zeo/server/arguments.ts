import { isId } from '../../zodb/ids.js';
import { entriesOf, numberOf, typeName } from '../encoding/python-values.js';
import type { Value } from '../encoding/values.js';
import { posKeyError, typeError } from '../memory-storage/python-errors.js';

/** The arguments that a method takes. */
export interface Signature {
  /** Their names in Python. */
  readonly parameters: readonly string[];
  /** How many of them a call must have. */
  readonly required: number;
}

/**
 * The arguments of one call, read by position. ZEO's own server decides which are accepted, and by which exception the
 * others are refused.
 */
export class Arguments {
  readonly #name: string;
  readonly #values: readonly Value[];

  /** @throws ServerError `TypeError` for too few or too many. */
  constructor(name: string, { parameters, required }: Signature, values: readonly Value[]) {
    this.#name = name;
    this.#values = values;
    if (values.length > parameters.length) throw tooMany(name, required, parameters.length, values.length);
    if (values.length < required) throw missing(name, parameters.slice(values.length, required));
  }

  get all(): readonly Value[] {
    return this.#values;
  }

  /** The one by which each call within a transaction names it. */
  get last(): Value {
    return this.any(this.#values.length - 1);
  }

  /** A required argument. */
  any(index: number): Value {
    return this.#values[index] as Value;
  }

  /** An optional argument, or `fallback` for a call without it; `None` is a value. */
  optional(index: number, fallback: Value): Value {
    const value = this.#values[index];
    return value === undefined ? fallback : value;
  }

  bytes(index: number): Uint8Array {
    const value = this.any(index);
    if (!(value instanceof Uint8Array)) throw this.#wrong(index, 'bytes');
    return value;
  }

  bytesOrNull(index: number): Uint8Array | null {
    return this.any(index) === null ? null : this.bytes(index);
  }

  /**
   * The id of an object to look up. There is no object by any other value that can be a key, as ZODB's mapping storage has
   * it; its file storage has an assertion for other types.
   */
  oid(index: number): Uint8Array {
    const value = this.any(index);
    if (isId(value)) return value;
    throw entriesOf(value) === undefined
      ? posKeyError(value)
      : typeError(`unhashable type: '${typeName(value)}'`);
  }

  /** A number, the nearest one for an integer that is beyond ±(2^53 − 1). */
  number(index: number, fallback?: number): number {
    const number = numberOf(this.#values[index] === undefined ? fallback : this.#values[index]);
    if (number === undefined) throw this.#wrong(index, 'a number');
    return Number(number);
  }

  #wrong(index: number, wanted: string) {
    return typeError(`${this.#name}() argument ${index + 1} must be ${wanted}`);
  }
}

/* Python's own messages, which count `self`. */

function tooMany(name: string, required: number, most: number, given: number) {
  const range = required === most ? most + 1 : `from ${required + 1} to ${most + 1}`;
  const noun = `positional argument${most === 0 ? '' : 's'}`;
  return typeError(`ZEOStorage.${name}() takes ${range} ${noun} but ${given + 1} were given`);
}

function missing(name: string, parameters: readonly string[]) {
  const names = parameters.map((parameter) => `'${parameter}'`);
  const last = names.pop();
  const list = names.length === 0 ? last : `${names.join(', ')}${names.length > 1 ? ',' : ''} and ${last}`;
  const noun = `positional argument${parameters.length === 1 ? '' : 's'}`;
  return typeError(`ZEOStorage.${name}() missing ${parameters.length} required ${noun}: ${list}`);
}
