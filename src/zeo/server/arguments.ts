import { isId } from '../ids.js';
import type { Value } from '../protocol/values.js';
import { typeError } from './python-errors.js';

/** The arguments of one call, read by position and checked; Python would raise a `TypeError` as well. */
export class Arguments {
  readonly #method: string;
  readonly #values: readonly Value[];

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
    return this.#values[index] ?? fallback;
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

  #wrong(index: number, wanted: string) {
    return typeError(`${this.#method}() argument ${index + 1} must be ${wanted}`);
  }
}
