import { attributesOf } from './attributes.js';
import { PythonGlobal } from './global.js';
import { PersistentReference } from './persistent-reference.js';

/** What a pickle may call: a class or a function, one that another call returned, or a persistent class. */
export type Callee = PythonGlobal | PythonObject | PersistentReference;

/**
 * Any Python object that has no counterpart here: what its pickle says of how to make it. Nothing has been called.
 *
 * It is mutable, and its fields are what pickle filled in: `None` of Python is `null`, what was not there is `undefined`.
 */
export class PythonObject {
  /** What would be called: mostly its class; a function; or what another call would return. */
  readonly class: Callee;
  /** What it would be called with. */
  readonly args: readonly unknown[];
  readonly kwargs: ReadonlyMap<unknown, unknown> | undefined;
  /** What `__setstate__` would be given, or what `__dict__` would be updated with. */
  state: unknown;
  /** What would be appended, if it is a kind of list. */
  items: unknown[] | undefined;
  /** What would be set, if it is a kind of dict. */
  entries: Map<unknown, unknown> | undefined;

  constructor(cls: Callee, args: readonly unknown[], kwargs?: ReadonlyMap<unknown, unknown>) {
    this.class = cls;
    this.args = args;
    this.kwargs = kwargs;
    this.state = undefined;
    this.items = undefined;
    this.entries = undefined;
  }

  /** The attributes in the state, slots included; none if it is a state of another shape. */
  get attributes(): ReadonlyMap<string, unknown> {
    return attributesOf(this.state);
  }
}

/** Whether it is something that could be called in Python. */
export function isCallee(value: unknown): value is Callee {
  return (
    value instanceof PythonGlobal || value instanceof PythonObject || value instanceof PersistentReference
  );
}
