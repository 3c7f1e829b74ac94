/** Python's `datetime.date`. */
export class PythonDate {
  /** 1 to 9999. */
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;

  constructor(year: number, month: number, day: number) {
    this.year = year;
    this.month = month;
    this.day = day;
  }

  /** `2024-02-29`, as Python's `isoformat` has it. */
  toString(): string {
    const [year, month, day] = [String(this.year), String(this.month), String(this.day)];
    return `${year.padStart(4, '0')}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  }
}
