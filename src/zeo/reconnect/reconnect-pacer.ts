/** With fewer storages than this at one address, reconnects are not paced. */
const minPacedStorages = 100;
/**
 * The share of the storages that may reconnect per second. A server should see at most a tenth; this is a little less,
 * because jitter can move an attempt into a neighbouring second.
 */
const sharePerSecond = 0.08;

/**
 * Spreads the reconnects of a process: when a thousand connections are lost at once, they do not all reconnect to the
 * server, or its successor, at the same moment.
 *
 * Rules:
 * - The attempts at each address get evenly spaced slots, and a random moment within the slot.
 * - An attempt that comes while no slot is taken starts at once.
 * - Addresses are independent: the storages of one server do not delay those of another.
 */
export class ReconnectPacer {
  readonly #now: () => number;
  readonly #random: () => number;
  /** By address; only addresses that a storage has. */
  readonly #queues = new Map<string, Queue>();

  constructor(now = () => performance.now(), random = Math.random) {
    this.#now = now;
    this.#random = random;
  }

  /** Counts a storage at each of its addresses, until {@link leave} is called with the same ones. */
  join(addresses: readonly string[]): void {
    for (const address of addresses) {
      const queue = this.#queues.get(address);
      if (queue === undefined)
        this.#queues.set(address, { storages: 1, nextSlotMs: Number.NEGATIVE_INFINITY });
      else queue.storages += 1;
    }
  }

  leave(addresses: readonly string[]): void {
    for (const address of addresses) {
      const queue = this.#queues.get(address);
      if (queue === undefined) continue;
      queue.storages -= 1;
      if (queue.storages === 0) this.#queues.delete(address);
    }
  }

  /** Takes the next slot at an address, and returns how many milliseconds the attempt has to wait. */
  delayMs(address: string): number {
    const queue = this.#queues.get(address);
    if (queue === undefined || queue.storages < minPacedStorages) return 0;
    const spacingMs = 1000 / (queue.storages * sharePerSecond);
    const nowMs = this.#now();
    const slotMs = Math.max(nowMs, queue.nextSlotMs);
    queue.nextSlotMs = slotMs + spacingMs;
    return slotMs === nowMs ? 0 : slotMs - nowMs + this.#random() * spacingMs;
  }
}

interface Queue {
  /** Number of storages that have this address. */
  storages: number;
  /** Start of the next free slot, on the clock of the pacer. */
  nextSlotMs: number;
}

/** The pacer of all storages of this process. */
export const reconnectPacer = new ReconnectPacer();
