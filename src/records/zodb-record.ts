import { attributesOf } from '../python/attributes.js';
import type { PythonGlobal } from '../python/global.js';
import type { PersistentReference } from '../python/persistent-reference.js';
import { contentOf, type RecordContent } from './record-content.js';

/** The content of a record's pickles. */
export interface RecordParts {
  readonly class: PythonGlobal | PersistentReference;
  readonly newArgs: readonly unknown[] | undefined;
  readonly state: unknown;
  readonly references: readonly PersistentReference[];
}

/** A decoded record of a ZODB storage: the state of one object at one time. Returned by `decodeRecord`. */
export class ZodbRecord implements RecordParts {
  /** The object's class; a reference if the class is a persistent object itself. */
  readonly class: PythonGlobal | PersistentReference;
  /** The arguments for `__new__`, if the class has any (`__getnewargs__`). */
  readonly newArgs: readonly unknown[] | undefined;
  /** The argument for the object's `__setstate__`, as described at `decodeRecord`. */
  readonly state: unknown;
  /** All references in the record, in order and with repetitions, including weak ones and those to other databases. */
  readonly references: readonly PersistentReference[];
  #content: RecordContent | undefined;

  constructor(parts: RecordParts) {
    this.class = parts.class;
    this.newArgs = parts.newArgs;
    this.state = parts.state;
    this.references = parts.references;
  }

  /** The dotted name, e.g. `BTrees.OOBTree.OOBTree`; for a persistent class its oid in hexadecimal digits. */
  get className(): string {
    return this.class.toString();
  }

  /** The object's attributes; empty if its state is not a dict of them. */
  get attributes(): ReadonlyMap<string, unknown> {
    return attributesOf(this.state);
  }

  /** The content of a container of `persistent` or `BTrees`; `undefined` for an object of any other class. */
  get content(): RecordContent | undefined {
    this.#content ??= contentOf(this.className, this.state);
    return this.#content;
  }
}
