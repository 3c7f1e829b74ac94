import { RoundTrips } from '#src/agent/ping/round-trips.js';
import { TrackedTarget } from '#src/agent/ping/tracked-target.js';
import type { KeepAliveTarget, Lock } from '#src/model/target.js';
import type { Board } from '#src/threads/board.js';

/** A lock with one holder, first come, first served, without `tryAcquire`: every ping waits in the queue. */
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

/** A target without a server, controlled by the test: for behaviour that real targets do not have. */
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

/** A target whose peer never replies, and which has received nothing since it was created. */
export function silentTarget(): ScriptedTarget {
  const storage = new ScriptedTarget(() => new Promise(() => {}));
  storage.lastReceivedAt = performance.now();
  return storage;
}

/** The agent's record of a target, with a slot of `board`. */
export function trackedBy(board: Board, name: string, target: KeepAliveTarget): TrackedTarget {
  const onReleaseFailed = (_tracked: TrackedTarget, error: unknown) => {
    throw error;
  };
  const answersInOrder = target.answersInOrder === true;
  return new TrackedTarget({
    id: board.occupy(answersInOrder),
    name,
    target,
    answersInOrder,
    hangTimeoutMs: 0,
    roundTrips: new RoundTrips(),
    onReleaseFailed,
  });
}
