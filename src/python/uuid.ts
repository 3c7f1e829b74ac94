/** Python's `uuid.UUID`. */
export class PythonUuid {
  /** Canonical: lower-case hexadecimal digits with hyphens. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** `00000010-0000-0000-0000-000000000005`, as Python's `str`. */
  toString(): string {
    return this.text;
  }
}
