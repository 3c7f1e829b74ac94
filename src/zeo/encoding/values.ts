import type { PythonGlobal } from '../../python/global.js';
import type { PythonObject } from '../../python/object.js';

/**
 * The values of a ZEO message, in either encoding.
 *
 * | Python | here | note |
 * | --- | --- | --- |
 * | `None`, `bool`, `str`, `float` | `null`, `boolean`, `string`, `number` | |
 * | `int` | `number`, or `bigint` beyond ±(2^53 − 1) | |
 * | `bytes` | `Uint8Array` | a view into the received frame, not a copy |
 * | `tuple`, `list` | array | msgpack does not tell them apart, so the protocol does not either; written as a tuple |
 * | `dict` with text keys only | object | |
 * | any other `dict` | `Map` | |
 * | exception instance from a server | `PythonException` | decoded by construction, never called; pickle only |
 * | any other class or object, e.g. a `datetime` | `PythonGlobal`, `PythonObject` | as in `zeo-keepalive/records`; pickle only; from a client, and to a peer, only types of Python itself, e.g. a `set` |
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Value[]
  | Dict
  | ReadonlyMap<Value, Value>
  | PythonException
  | PythonGlobal
  | PythonObject;

/** A `dict` with text keys only. Decoded ones have no prototype: `__proto__` is a key like any other. */
export type Dict = { readonly [key: string]: Value };

/** Whether a decoded value is a {@link Dict}. */
export function isDict(value: unknown): value is Dict {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === null;
}

/** An instance of a Python exception class that travelled inside a value: data only. */
export class PythonException {
  /** Dotted class name, e.g. `ZODB.POSException.ConflictError`. */
  readonly className: string;
  readonly args: readonly Value[];
  /** The instance's attributes, where they were sent. */
  readonly state: Value;

  constructor(className: string, args: readonly Value[], state: Value = null) {
    this.className = className;
    this.args = args;
    this.state = state;
  }
}

/** Matches a reply to its call: a positive integer, or `[oid, tid]` for `loadBefore` as in ZEO's own client. */
export type MessageId = Value;
