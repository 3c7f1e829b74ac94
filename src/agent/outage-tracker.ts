import { attempt } from '../model/target.js';
import { Outage } from './ping/outage.js';
import type { TrackedTarget } from './ping/tracked-target.js';
import type { Reporter } from './report/reporter.js';

/** Tracks outages from the loss of a connection to the next one. Reconnecting is up to the target. */
export class OutageTracker {
  readonly #reporter: Reporter;

  constructor(reporter: Reporter) {
    this.#reporter = reporter;
  }

  /** A target has lost its connection, and is expected to get another. */
  begin(tracked: TrackedTarget, outage: Outage): void {
    tracked.outage = outage;
    if (tracked.onConnected !== undefined) return;
    // A target that emits nothing is looked at when its next ping is due.
    this.#reporter.contain(tracked, () => {
      if (tracked.target.once === undefined) return undefined;
      tracked.onConnected = () => {
        tracked.onConnected = undefined;
        if (tracked.outage !== undefined) this.#reporter.contain(tracked, () => this.seenReady(tracked));
      };
      return tracked.target.once('connected', tracked.onConnected);
    });
  }

  /** A ping was due, and the target was not ready. */
  stillDown(tracked: TrackedTarget): void {
    if (tracked.outage === undefined) {
      const nowMs = performance.now();
      const lostAt = attempt(() => tracked.target.lostAt);
      // A target that counts by another clock would have been down for a negative time.
      const sinceMs = typeof lostAt === 'number' && lostAt <= nowMs ? lostAt : nowMs;
      this.begin(tracked, new Outage(sinceMs, 'unknown', undefined));
    }
    this.#reporter.connectionDown(tracked, tracked.outage as Outage);
  }

  /** A target has a connection, which ends its outage; or it has another one than it had. */
  seenReady(tracked: TrackedTarget): void {
    const { outage, generation: previous } = tracked;
    tracked.noteConnection();
    if (outage !== undefined) this.#end(tracked, outage);
    else if (previous !== undefined && tracked.generation !== previous)
      this.#reporter.connectionReplaced(tracked, previous);
  }

  /** Nobody waits for it any more: it was removed, or the agent stopped. */
  forget(tracked: TrackedTarget): void {
    tracked.outage = undefined;
    const { onConnected } = tracked;
    if (onConnected === undefined) return;
    tracked.onConnected = undefined;
    this.#reporter.contain(tracked, () => tracked.target.off?.('connected', onConnected));
  }

  #end(tracked: TrackedTarget, outage: Outage): void {
    tracked.outage = undefined;
    outage.reconnected(performance.now(), tracked.address);
    if (tracked.lastDeath?.outage === outage) tracked.lastDeath.backAt = new Date();
    this.#reporter.connectionBack(tracked, outage);
  }
}
