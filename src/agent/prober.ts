import { KeepAliveError } from '../model/errors.js';
import type { KeepAliveTarget } from '../model/target.js';
import { pingChannel } from '../observability/channels.js';
import { redactText } from '../observability/redaction.js';
import { causeInWords, type Diagnosis } from '../tcp/diagnosis.js';
import type { Board } from '../threads/board.js';
import type { Conclusion } from '../threads/contract.js';
import { OutageTracker } from './outage-tracker.js';
import { type DeadConnection, Outage } from './ping/outage.js';
import { Ping } from './ping/ping.js';
import type { PingOutcome } from './ping/ping-outcome.js';
import type { TrackedTarget } from './ping/tracked-target.js';
import { PingTrace } from './report/ping-trace.js';
import type { Reporter } from './report/reporter.js';
import type { Settings } from './settings.js';

export interface ProberOptions {
  readonly settings: Settings;
  readonly board: Board;
  readonly reporter: Reporter;
  /** By slot of the board. */
  readonly targets: ReadonlyMap<number, TrackedTarget>;
}

/**
 * Pings the targets that the worker names, if there is a need to, and ends their pings as the worker concludes.
 *
 * Rules:
 * - Listeners may remove a target, or stop the agent, in the middle of each step: whatever was reported is followed by a
 *   look at whether the target is still there.
 * - A dead connection is dropped before its lock comes free, and fenced by its generation: the next one is not touched.
 */
export class Prober {
  readonly #settings: Settings;
  readonly #board: Board;
  readonly #reporter: Reporter;
  readonly #outages: OutageTracker;
  readonly #targets: ReadonlyMap<number, TrackedTarget>;
  /**
   * The pings that are out, by slot of the board: at most one of each target. Not a Map: from the tables that it leaves behind as
   * pings come and go V8 still reaches those that were in them, so that it would copy, and keep for a while, a sixth of all.
   */
  readonly #pings: (Ping | undefined)[] = [];
  #closed = false;

  constructor({ settings, board, reporter, targets }: ProberOptions) {
    this.#settings = settings;
    this.#board = board;
    this.#reporter = reporter;
    this.#outages = new OutageTracker(reporter);
    this.#targets = targets;
  }

  /**
   * Begins a ping, unless the target is gone or there is no need to. It may have ended when this returns.
   *
   * @param onEnded called once, if a ping is returned
   */
  begin(id: number, onEnded: () => void): Ping | undefined {
    const tracked = this.#targets.get(id);
    if (tracked === undefined || !this.#isDue(tracked)) return undefined;
    tracked.pings += 1;
    this.#reporter.pingStarted(tracked);
    if (this.#isGone(tracked)) return undefined;
    const trace = pingChannel.hasSubscribers ? new PingTrace(tracked.identity()) : undefined;
    const ping = new Ping(tracked, this.#board, (outcome, ended) => {
      if (this.#pings[id] === ended) this.#pings[id] = undefined;
      this.#note(tracked, outcome);
      trace?.ended(outcome);
      onEnded();
    });
    this.#pings[id] = ping;
    if (trace === undefined) ping.start();
    else trace.run(() => ping.start());
    return ping;
  }

  /** Does what the worker has concluded about the ping of that number, if it is still out. */
  conclude(id: number, number: number, conclusion: Conclusion): void {
    const tracked = this.#targets.get(id);
    const ping = this.#pings[id];
    if (tracked === undefined || ping?.number !== number) return;
    switch (conclusion.verdict) {
      case 'alive':
        ping.concludeByBytes();
        return;
      case 'slow':
        tracked.verdict = 'slow';
        if (conclusion.isSilent) this.#reporter.pingHangs(tracked);
        else this.#reporter.pingSlow(tracked);
        ping.keepWaiting();
        return;
      case 'busy':
        if (!ping.proceedWithoutLock()) return;
        tracked.verdict = 'busy';
        this.#reporter.lockBusy(tracked);
        return;
      case 'dead':
        this.#reporter.contain(tracked, () =>
          this.#declareDead(tracked, ping, conclusion.silentMs, conclusion.diagnosis),
        );
        // Unless it has ended by that.
        ping.conclude({ verdict: 'abandoned' });
    }
  }

  /** Ends every ping that is out, as when the worker that watched over them is gone. Their locks come free. */
  abandonAll(): void {
    for (const ping of this.#pings) ping?.conclude({ verdict: 'abandoned' });
  }

  /** From now on nothing is pinged any more, whatever the worker has asked for. */
  close(): void {
    this.#closed = true;
    for (const tracked of this.#targets.values()) this.#outages.forget(tracked);
    this.abandonAll();
  }

  /** The target was removed. */
  forget(tracked: TrackedTarget): void {
    tracked.isGone = true;
    this.#outages.forget(tracked);
    this.#pings[tracked.id]?.conclude({ verdict: 'abandoned' });
  }

  /** Whether there is a connection to ping, and a need to. */
  #isDue(tracked: TrackedTarget): boolean {
    // A ping that is still out when the worker asks again has been overtaken, by a stall or by other bytes than its reply.
    this.#pings[tracked.id]?.supersede();
    if (this.#isGone(tracked)) return false;
    try {
      const { target } = tracked;
      if (!target.ready) {
        tracked.enter('down');
        this.#outages.stillDown(tracked);
        return false;
      }
      if (tracked.outage !== undefined || target.generation !== tracked.generation) {
        this.#outages.seenReady(tracked);
        if (this.#isGone(tracked)) return false;
      }
      const switched: unknown = target.ensureProbes?.(this.#settings.periodMs);
      // What an async one rejects with does not keep the ping from being sent.
      if (switched !== undefined) this.#reporter.contain(tracked, () => switched);
      if (!this.#settings.skipActive || !this.#isActive(tracked)) return true;
      tracked.enter('alive');
      tracked.verdict = 'active';
      this.#reporter.pingNotNeeded(tracked);
    } catch (error) {
      this.#note(tracked, { verdict: 'failed', error });
    }
    return false;
  }

  /** Whether a listener has just removed the target, or stopped the agent. */
  #isGone(tracked: TrackedTarget): boolean {
    return this.#closed || tracked.isGone;
  }

  #isActive({ target }: TrackedTarget): boolean {
    const agoMs = lastReceivedAgoMs(target);
    return agoMs !== undefined && agoMs < this.#settings.periodMs;
  }

  #declareDead(tracked: TrackedTarget, ping: Ping, silentMs: number, diagnosis: Diagnosis): void {
    const { target } = tracked;
    // The silent connection is already gone; neither its successor nor the reconnect must be disturbed.
    if (target.generation !== ping.generation || !target.ready) {
      ping.conclude({ verdict: 'abandoned' });
      return;
    }
    tracked.noteConnection();
    const death: DeadConnection = {
      at: new Date(),
      error: silence(tracked.name, ping.wasSent, silentMs, diagnosis),
      silentMs,
      timeToDetectMs: Math.round(lastReceivedAgoMs(target) ?? ping.sentAgoMs),
      diagnosis,
      outage: new Outage(performance.now(), diagnosis, tracked.address),
      backAt: undefined,
    };
    // Dropped before the lock comes free, so that whoever waits for the lock does not get a half-dead connection.
    this.#reporter.contain(tracked, () => target.drop(death.error, ping.generation));
    ping.conclude({ verdict: 'dead', error: death.error, death });
    if (this.#isGone(tracked)) return;
    this.#outages.begin(tracked, death.outage);
  }

  #note(tracked: TrackedTarget, outcome: PingOutcome): void {
    tracked.note(outcome);
    this.#reporter.pingEnded(tracked, outcome);
  }
}

function lastReceivedAgoMs({ lastReceivedAt }: KeepAliveTarget): number | undefined {
  return lastReceivedAt === undefined ? undefined : performance.now() - lastReceivedAt;
}

function silence(name: string, wasPinged: boolean, silentMs: number, diagnosis: Diagnosis): KeepAliveError {
  const seconds = (silentMs / 1000).toFixed(1);
  const words =
    wasPinged || diagnosis !== 'path-or-host-gone'
      ? `sent no byte for ${seconds} s after a ping; ${causeInWords[diagnosis]}`
      : `acknowledged nothing for ${seconds} s, so the host or the path to it is gone`;
  return new KeepAliveError('ERR_KEEPALIVE_TIMEOUT', `${redactText(name)} ${words}`, { retryable: true });
}
