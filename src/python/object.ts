import { attributesOf } from './attributes.js';
import { PythonGlobal } from './global.js';
import { PersistentReference } from './persistent-reference.js';

/** What a pickle may call: a class or function, the result of another call, or a persistent class. */
export type Callee = PythonGlobal | PythonObject | PersistentReference;

/**
 * A Python object without a counterpart here, described by how its pickle would create it. Nothing has been called.
 *
 * It is mutable. Its fields are what the pickle contains: Python's `None` is `null`, an absent part is `undefined`.
 */
export class PythonObject {
  /** What would be called: usually its class, else a function, or the result of another call. */
  readonly class: Callee;
  /** The arguments of that call. */
  readonly args: readonly unknown[];
  readonly kwargs: ReadonlyMap<unknown, unknown> | undefined;
  /** The argument for `__setstate__`, or the attributes for `__dict__`. */
  state: unknown;
  /** The items to append, if it is a kind of list. */
  items: unknown[] | undefined;
  /** The entries to set, if it is a kind of dict. */
  entries: Map<unknown, unknown> | undefined;

  constructor(cls: Callee, args: readonly unknown[], kwargs?: ReadonlyMap<unknown, unknown>) {
    this.class = cls;
    this.args = args;
    this.kwargs = kwargs;
    this.state = undefined;
    this.items = undefined;
    this.entries = undefined;
  }

  /** The attributes in the state, including slots; empty for a state of another shape. */
  get attributes(): ReadonlyMap<string, unknown> {
    return attributesOf(this.state);
  }
}

/** Whether Python could call it. */
export function isCallee(value: unknown): value is Callee {
  return (
    value instanceof PythonGlobal || value instanceof PythonObject || value instanceof PersistentReference
  );
}
