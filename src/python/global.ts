/**
 * A class or a function that a pickle refers to by module and name. Nothing is imported, so it is not known which of the two
 * it is, or whether it exists.
 */
export class PythonGlobal {
  /** E.g. `persistent.mapping`. */
  readonly module: string;
  /** E.g. `PersistentMapping`; dotted if it is nested in a class. */
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
