/** Python's `str(Decimal)`. Each digit can match in one place only, as the text may be long and malformed at its end. */
const decimalText = /^[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|Inf(?:inity)?|s?NaN\d*)$/;

/** Python's `decimal.Decimal`, to the last digit: `1.50` is not `1.5`. */
export class PythonDecimal {
  /** As Python writes it: `1.50`, `-1E+3`, `NaN`, `Infinity`. Libraries for decimals read it. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** Whether a text is what Python's `str(Decimal)` returns. */
  static isText(text: string): boolean {
    return decimalText.test(text);
  }

  toString(): string {
    return this.text;
  }

  /** The nearest number. */
  toNumber(): number {
    if (this.text.includes('NaN')) return Number.NaN;
    if (this.text.includes('Inf')) return this.text.startsWith('-') ? -Infinity : Infinity;
    return Number(this.text);
  }
}

/** Python's `complex`. */
export class PythonComplex {
  readonly real: number;
  readonly imaginary: number;

  constructor(real: number, imaginary: number) {
    this.real = real;
    this.imaginary = imaginary;
  }
}
