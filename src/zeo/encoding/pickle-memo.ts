import { ProtocolError } from '../../model/errors.js';

/**
 * The values that a pickle refers to again.
 *
 * A container is sealed when it is fetched: a shared value may no longer change, so that it can neither contain itself
 * nor grow beyond what its fetching was charged.
 */
export class PickleMemo {
  readonly #values = new Map<number, unknown>();
  readonly #sealed = new Set<unknown>();
  readonly #replaced = new Map<unknown, unknown>();

  get size(): number {
    return this.#values.size;
  }

  put(index: number, value: unknown): void {
    this.#values.set(index, value);
  }

  /** @throws ProtocolError for an index that was never set. */
  get(index: number): unknown {
    if (!this.#values.has(index))
      throw new ProtocolError(`Pickle fetches memo entry ${index}, which it never set`);
    const value = this.#values.get(index);
    const current = this.#replaced.get(value) ?? value;
    if (typeof current === 'object' && current !== null) this.#sealed.add(current);
    return current;
  }

  isSealed(value: unknown): boolean {
    return this.#sealed.has(value);
  }

  /** Fetches return the other value from now on, as for a dict that became a Map. */
  replace(value: unknown, by: unknown): void {
    this.#replaced.set(value, by);
  }
}
