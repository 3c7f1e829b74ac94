import { RoundTrips } from '#src/agent/ping/round-trips.js';
import { TrackedTarget } from '#src/agent/ping/tracked-target.js';
import type { KeepAliveTarget, Lock } from '#src/model/target.js';
import type { Board } from '#src/threads/board.js';

/** A lock with one holder, first come first served, and no fast path: every ping of it goes through the queue. */
export class QueueLock implements Lock {
  held = false;
  readonly #waiting: (() => void)[] = [];

  async acquire(signal?: AbortSignal): Promise<() => void> {
    if (this.held) {
      await new Promise<void>((resolve, reject) => {
        this.#waiting.push(resolve);
        signal?.addEventListener('abort', () => {
          this.#waiting.splice(this.#waiting.indexOf(resolve), 1);
          reject(signal.reason);
        });
      });
    }
    this.held = true;
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.held = false;
      this.#waiting.shift()?.();
    };
  }
}

/** A storage without a server, that does what the test says. Beside the real ones, for what those would never do. */
export class ScriptedTarget implements KeepAliveTarget {
  ready = true;
  generation = 1;
  lastReceivedAt: number | undefined;
  lostAt: number | undefined;
  lock: Lock = new QueueLock();
  pings = 0;
  readonly drops: { error: Error; generation: number }[] = [];
  readonly #answer: (signal: AbortSignal) => unknown;

  constructor(answer: (signal: AbortSignal) => unknown = () => undefined) {
    this.#answer = answer;
  }

  ping(signal: AbortSignal): Promise<unknown> {
    this.pings += 1;
    return this.#answer(signal) as Promise<unknown>;
  }

  drop(error: Error, generation: number): void {
    this.drops.push({ error, generation });
    this.generation += 1;
  }
}

/** A peer that never answers; the storage says that it has heard nothing since it began. */
export function silentTarget(): ScriptedTarget {
  const storage = new ScriptedTarget(() => new Promise(() => {}));
  storage.lastReceivedAt = performance.now();
  return storage;
}

/** The agent's record of a target, with a slot of that board. */
export function trackedBy(board: Board, name: string, target: KeepAliveTarget): TrackedTarget {
  const onReleaseFailed = (_tracked: TrackedTarget, error: unknown) => {
    throw error;
  };
  return new TrackedTarget({
    id: board.occupy(),
    name,
    target,
    roundTrips: new RoundTrips(),
    onReleaseFailed,
  });
}
