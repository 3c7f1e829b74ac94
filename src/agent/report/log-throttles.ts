import type { TrackedTarget } from '../ping/tracked-target.js';
import { LogThrottle } from './log-throttle.js';

/** How many destinations of sockets have a throttle of their own. */
const mostDestinations = 1000;

/**
 * The throttles of the log lines, one for each target, each socket destination, and each failure of the agent itself.
 *
 * Rules:
 * - Each is counted separately: one that fails often does not hold back the lines of another.
 * - Memory is bounded: the throttle of a target goes with it, and of the destinations only the latest have one.
 */
export class LogThrottles {
  readonly #now: () => number;
  readonly #ofTargets = new WeakMap<TrackedTarget, LogThrottle>();
  readonly #ofAgent = new Map<string, LogThrottle>();
  /** Least recently used first. */
  readonly #ofSockets = new Map<string, LogThrottle>();

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

  /** @param what the part of the agent that has failed */
  ofAgent(what: string): LogThrottle {
    const throttle = this.#ofAgent.get(what) ?? new LogThrottle(this.#now());
    throttle.expire(this.#now());
    this.#ofAgent.set(what, throttle);
    return throttle;
  }

  /** @param destination of the socket */
  ofSocket(destination: string): LogThrottle {
    const throttle = this.#ofSockets.get(destination) ?? new LogThrottle(this.#now());
    throttle.expire(this.#now());
    this.#ofSockets.delete(destination);
    this.#ofSockets.set(destination, throttle);
    const [oldest] = this.#ofSockets.keys();
    if (this.#ofSockets.size > mostDestinations && oldest !== undefined) this.#ofSockets.delete(oldest);
    return throttle;
  }
}
