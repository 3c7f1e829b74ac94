import type { PythonGlobal } from './global.js';

/** The optional parts of a reference. */
export interface PersistentReferenceDetails {
  readonly class?: PythonGlobal | PersistentReference | undefined;
  readonly database?: string | undefined;
  readonly weak?: boolean;
}

/**
 * A reference to an object that has a record of its own.
 *
 * | in the record (`ZODB/serialize.py`) | here |
 * | --- | --- |
 * | `(oid, class)`, `(oid, (module, name))` | `oid`, `class` |
 * | `oid` | `oid` |
 * | `['m', (database, oid, class)]` | `oid`, `class`, `database` |
 * | `['n', (database, oid)]` | `oid`, `database` |
 * | `['w', (oid,)]`, formerly `[oid]` | `oid`, `weak` |
 * | `['w', (oid, database)]` | `oid`, `database`, `weak` |
 */
export class PersistentReference {
  /** Eight bytes, a copy. */
  readonly oid: Uint8Array;
  /** The object's class at the time of writing; a persistent class is itself a reference. */
  readonly class: PythonGlobal | PersistentReference | undefined;
  /** The name of the object's database; `undefined` for that of the record. */
  readonly database: string | undefined;
  /** A weak reference does not keep its object from being packed away: its record may be gone. */
  readonly weak: boolean;

  constructor(oid: Uint8Array, details: PersistentReferenceDetails = {}) {
    this.oid = oid;
    this.class = details.class;
    this.database = details.database;
    this.weak = details.weak ?? false;
  }

  /** The oid as sixteen hexadecimal digits, for use as a key: a `Map` compares references by identity. */
  toString(): string {
    return Buffer.from(this.oid).toString('hex');
  }
}
