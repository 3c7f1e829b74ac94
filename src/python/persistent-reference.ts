import type { PythonGlobal } from './global.js';

/** What a reference may say beside the oid. */
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
 * | `['w', (oid,)]`, and `[oid]` of old | `oid`, `weak` |
 * | `['w', (oid, database)]` | `oid`, `database`, `weak` |
 */
export class PersistentReference {
  /** Eight bytes, a copy of its own. */
  readonly oid: Uint8Array;
  /** The object's class when the reference was written; a class that is persistent itself is a reference. */
  readonly class: PythonGlobal | PersistentReference | undefined;
  /** The name of the database that the object is in; `undefined` for the one that the record is in. */
  readonly database: string | undefined;
  /** A weak reference does not keep its object from being packed away: there may be no record any more. */
  readonly weak: boolean;

  constructor(oid: Uint8Array, details: PersistentReferenceDetails = {}) {
    this.oid = oid;
    this.class = details.class;
    this.database = details.database;
    this.weak = details.weak ?? false;
  }

  /** The oid as sixteen hexadecimal digits: references are objects, so a `Map` does not find them by their oid. */
  toString(): string {
    return Buffer.from(this.oid).toString('hex');
  }
}
