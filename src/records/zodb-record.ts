import { attributesOf } from '../python/attributes.js';
import type { PythonGlobal } from '../python/global.js';
import type { PersistentReference } from '../python/persistent-reference.js';
import { contentOf, type RecordContent } from './record-content.js';

/** What the pickles of a record say. */
export interface RecordParts {
  readonly class: PythonGlobal | PersistentReference;
  readonly newArgs: readonly unknown[] | undefined;
  readonly state: unknown;
  readonly references: readonly PersistentReference[];
}

/** What is in one record of a ZODB storage: the state of one object at one time. Made by `decodeRecord`. */
export class ZodbRecord implements RecordParts {
  /** The object's class; a reference if the class is a persistent object itself. */
  readonly class: PythonGlobal | PersistentReference;
  /** The arguments for `__new__`, if the class asked for some (`__getnewargs__`). */
  readonly newArgs: readonly unknown[] | undefined;
  /** What the object's `__setstate__` would be given, as `decodeRecord` describes it. */
  readonly state: unknown;
  /** All references in the record, in their order, as often as they are written; those to weak and foreign objects, too. */
  readonly references: readonly PersistentReference[];
  #content: RecordContent | undefined;

  constructor(parts: RecordParts) {
    this.class = parts.class;
    this.newArgs = parts.newArgs;
    this.state = parts.state;
    this.references = parts.references;
  }

  /** Dotted, e.g. `BTrees.OOBTree.OOBTree`; for a persistent class its oid in hexadecimal digits. */
  get className(): string {
    return this.class.toString();
  }

  /** The object's attributes; none if its state is no dict of them. */
  get attributes(): ReadonlyMap<string, unknown> {
    return attributesOf(this.state);
  }

  /** What a container of `persistent` or `BTrees` holds; `undefined` for an object of any other class. */
  get content(): RecordContent | undefined {
    this.#content ??= contentOf(this.className, this.state);
    return this.#content;
  }
}
