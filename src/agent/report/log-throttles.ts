import type { TrackedTarget } from '../ping/tracked-target.js';
import { LogThrottle } from './log-throttle.js';

/**
 * The throttles of the log lines, one for each target, and one for each thing of the agent's own that may
 * fail.
 *
 * Rules:
 * - Each is counted separately: one that fails often does not hold back the lines of another.
 * - Memory is bounded: the throttle of a target goes with it, and the others are few.
 */
export class LogThrottles {
  readonly #now: () => number;
  readonly #ofTargets = new WeakMap<TrackedTarget, LogThrottle>();
  readonly #ofAgent = new Map<string, LogThrottle>();

  /** @param now in milliseconds of a monotonic clock */
  constructor(now: () => number) {
    this.#now = now;
  }

  ofTarget(tracked: TrackedTarget): LogThrottle {
    const throttle = this.#ofTargets.get(tracked) ?? new LogThrottle(this.#now());
    this.#ofTargets.set(tracked, throttle);
    return throttle;
  }

  /** The throttle of a target that has failed; `undefined` if it has none. */
  ofFailed(tracked: TrackedTarget): LogThrottle | undefined {
    return this.#ofTargets.get(tracked);
  }

  /** Drops the throttle of a target whose failure is over. */
  forget(tracked: TrackedTarget): void {
    this.#ofTargets.delete(tracked);
  }

  /** @param what one of a few: they are kept */
  ofAgent(what: string): LogThrottle {
    const throttle = this.#ofAgent.get(what) ?? new LogThrottle(this.#now());
    throttle.expire(this.#now());
    this.#ofAgent.set(what, throttle);
    return throttle;
  }
}
