/**
 * What a pickle names by module and name: a class or a function. Nothing is imported, so which of the two it is, and
 * whether there is such a thing at all, is not known.
 */
export class PythonGlobal {
  /** E.g. `persistent.mapping`. */
  readonly module: string;
  /** E.g. `PersistentMapping`; dotted for what is nested in a class. */
  readonly name: string;

  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
  }

  /** The dotted name, e.g. `persistent.mapping.PersistentMapping`. */
  toString(): string {
    return `${this.module}.${this.name}`;
  }
}
