import { isId } from '../../zodb/ids.js';
import { isDict, type Value } from '../encoding/values.js';
import { keyError, posKeyError, typeError } from '../memory-storage/python-errors.js';

/** The arguments of one call, read by position and checked; Python would raise a `TypeError` as well. */
export class Arguments {
  readonly #method: string;
  readonly #values: readonly Value[];

  /** @throws ServerError `TypeError` for a call with fewer arguments than `least`, or more than `most` */
  checkCount(least: number, most: number): void {
    const { length } = this.#values;
    if (length >= least && length <= most) return;
    const expected = least === most ? `${least}` : `${least} to ${most}`;
    throw typeError(`${this.#method}() takes ${expected} arguments but ${length} were given`);
  }

  constructor(method: string, values: readonly Value[]) {
    this.#method = method;
    this.#values = values;
  }

  any(index: number): Value {
    const value = this.#values[index];
    if (value === undefined) throw typeError(`${this.#method}() is missing argument ${index + 1}`);
    return value;
  }

  /** The value, or `fallback` where the call has fewer arguments. */
  optional(index: number, fallback: Value): Value {
    const value = this.#values[index];
    return value === undefined ? fallback : value;
  }

  text(index: number): string {
    const value = this.any(index);
    if (typeof value !== 'string') throw this.#wrong(index, 'str');
    return value;
  }

  bytes(index: number): Uint8Array {
    const value = this.any(index);
    if (!(value instanceof Uint8Array)) throw this.#wrong(index, 'bytes');
    return value;
  }

  /** An object id or a transaction id. */
  id(index: number): Uint8Array {
    const value = this.bytes(index);
    if (!isId(value)) throw this.#wrong(index, '8 bytes');
    return value;
  }

  /** An object id. Of anything else that could be a key there is no object, as ZODB's mapping storage has it. */
  oid(index: number): Uint8Array {
    const value = this.any(index);
    if (isId(value)) return value;
    const isKey = value === null || typeof value !== 'object' || value instanceof Uint8Array;
    throw isKey ? posKeyError(value) : this.#wrong(index, '8 bytes');
  }

  idOrNull(index: number): Uint8Array | null {
    return this.optional(index, null) === null ? null : this.id(index);
  }

  /** A float or an integer. */
  number(index: number): number {
    const value = this.any(index);
    if (typeof value !== 'number' && typeof value !== 'bigint') throw this.#wrong(index, 'a number');
    return Number(value);
  }

  /** An integer, the nearest number for one that is beyond ±(2^53 − 1); `fallback` where the call has fewer arguments. */
  integer(index: number, fallback?: number): number {
    const given = this.#values[index];
    const value = this.#toInteger(given === undefined ? fallback : given);
    if (value === undefined) throw this.#wrong(index, 'int');
    return value;
  }

  /** The number of an iterator; by anything else there is none. */
  iterator(index: number): number {
    const value = this.any(index);
    const number = this.#toInteger(value);
    if (number === undefined) throw keyError(value);
    return number;
  }

  /** The numbers of iterators in a list; what else is in it is the number of none. */
  iterators(index: number): number[] {
    const value = this.any(index);
    if (!Array.isArray(value)) throw this.#wrong(index, 'a list');
    return value.map((item) => this.#toInteger(item)).filter((number) => number !== undefined);
  }

  /** Of a dict, or nothing of `None`. */
  entries(index: number): [Value, Value][] {
    const value = this.optional(index, null);
    if (value === null) return [];
    if (value instanceof Map) return [...value];
    if (isDict(value)) return Object.entries(value);
    throw this.#wrong(index, 'dict');
  }

  #toInteger(value: Value | undefined): number | undefined {
    return typeof value === 'bigint' || Number.isInteger(value) ? Number(value) : undefined;
  }

  #wrong(index: number, wanted: string) {
    return typeError(`${this.#method}() argument ${index + 1} must be ${wanted}`);
  }
}
