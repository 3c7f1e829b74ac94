/** Prints what happens, one line an event, with the seconds since it began. */
export class Narrator {
  readonly #startedAt = performance.now();
  readonly #width: number;

  /** @param width of the column that says who */
  constructor(width: number) {
    this.#width = Math.max(width, 'this host'.length);
  }

  /** Seconds since the beginning. */
  get seconds(): number {
    return (performance.now() - this.#startedAt) / 1000;
  }

  say(who: string, what: string): void {
    console.log(`${this.seconds.toFixed(2).padStart(7)} s  ${who.padEnd(this.#width)} ${what}`);
  }
}

/** An error in a word: its code and message, and what caused it. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? ` (${String(error.code)})` : '';
  return `${error.message}${code}`;
}

/** A ping that came back. */
export function answered(roundTripMs: number | undefined): string {
  return roundTripMs === undefined
    ? 'alive, other bytes came'
    : `ping answered in ${roundTripMs.toFixed(1)} ms`;
}

/** Whether a storage lost its connection because this program closed it. */
export function isClosing(error: Error): boolean {
  return 'code' in error && error.code === 'ERR_ZEO_CLOSED';
}
