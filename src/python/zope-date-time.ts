/** What `Date` can represent, in microseconds from the epoch. */
const maxMicroseconds = 8.64e21;

/** Zope's `DateTime`: a point in time, and the name of the zone in which Zope shows it. */
export class ZopeDateTime {
  /** Since 1970 in UTC. */
  readonly microseconds: number | bigint;
  /** E.g. `GMT+2`, which is two hours ahead of Greenwich in Zope, or `Europe/Berlin`; its offset is not in the record. */
  readonly timezone: string;
  /** Whether it was made without a time zone: Zope then assumes UTC. */
  readonly timezoneNaive: boolean;

  constructor(microseconds: number | bigint, timezone: string, timezoneNaive: boolean) {
    this.microseconds = microseconds;
    this.timezone = timezone;
    this.timezoneNaive = timezoneNaive;
  }

  /** The time in UTC with the zone's name, `2024-07-01T10:00:00.000001Z[GMT+2]`, or neither of the two if it is naive. */
  toString(): string {
    const moment = this.#moment;
    if (moment === undefined) return `${this.microseconds} microseconds since 1970`;
    const beyond = String(this.#beyondMilliseconds).padStart(3, '0');
    const zone = this.timezoneNaive ? '' : `Z[${this.timezone}]`;
    return `${moment.toISOString().slice(0, -1)}${beyond}${zone}`;
  }

  /** The point in time, to the millisecond; `undefined` for a naive one, and beyond the range of `Date`. */
  toDate(): Date | undefined {
    return this.timezoneNaive ? undefined : this.#moment;
  }

  get #moment(): Date | undefined {
    if (Math.abs(Number(this.microseconds)) > maxMicroseconds) return undefined;
    return new Date(Number((BigInt(this.microseconds) - this.#beyondMilliseconds) / 1_000n));
  }

  /** 0 to 999, before 1970 as well. */
  get #beyondMilliseconds(): bigint {
    return ((BigInt(this.microseconds) % 1_000n) + 1_000n) % 1_000n;
  }
}
