import type { Channel } from 'node:diagnostics_channel';
import type { EventEmitter } from 'node:events';
import { callListeners, contain } from '../../async/contain.js';
import type { KeepAliveError } from '../../model/errors.js';
import type { EventName, EventOf, KeepAliveEvents, Stall } from '../../model/events.js';
import { channels } from '../../observability/channels.js';
import type { KeepAliveLog } from '../../observability/log.js';
import { causeInWords } from '../../tcp/diagnosis.js';
import type { SocketDeath } from '../../threads/contract.js';
import type { Outage } from '../ping/outage.js';
import type { PingOutcome } from '../ping/ping-outcome.js';
import type { TrackedTarget } from '../ping/tracked-target.js';
import { LogLines } from './log-lines.js';

/** A socket whose connection was destroyed. */
export interface DeadSocket {
  /** Its destination. */
  readonly name: string;
  readonly address: string;
  /** The number of the socket, which the event has as `generation`. */
  readonly sequence: number;
  readonly error: KeepAliveError;
  readonly death: SocketDeath;
  /** Whether the socket has a listener for errors. */
  readonly isHeard: boolean;
}

const channelOf: { readonly [Name in EventName]?: Channel } = channels;

/**
 * Reports what happens: as log lines, as events of the agent, and on the channels. Reports that are only a log line are
 * inherited from {@link LogLines}.
 */
export class Reporter extends LogLines {
  readonly #events: EventEmitter<KeepAliveEvents>;

  constructor(log: KeepAliveLog, events: EventEmitter<KeepAliveEvents>) {
    super(log);
    this.#events = events;
  }

  pingStarted(tracked: TrackedTarget): void {
    this.logSending(tracked);
    if (this.#hasListeners('pingStarted')) this.#emit('pingStarted', tracked.identity());
  }

  pingEnded(tracked: TrackedTarget, outcome: PingOutcome): void {
    switch (outcome.verdict) {
      case 'abandoned':
      case 'stalled':
        return;
      case 'failed': {
        const { error } = outcome;
        this.logFailure(tracked, error);
        this.#emit('pingFailed', { ...tracked.identity(), error });
        return;
      }
      case 'dead': {
        const { error, silentMs, timeToDetectMs, diagnosis, outage } = outcome.death;
        const explanation = causeInWords[diagnosis];
        const event = { ...tracked.identity(), error, silentMs, timeToDetectMs, diagnosis, explanation };
        outage.isLogged = this.logDeath(tracked, event);
        this.#emit('connectionDied', event);
        return;
      }
      default:
        this.logSuccess(tracked, outcome);
        if (this.#hasListeners('pingSucceeded'))
          this.#emit('pingSucceeded', { ...tracked.identity(), ...outcome });
    }
  }

  /** A ping was due while the target was not connected. */
  connectionDown(tracked: TrackedTarget, outage: Outage): void {
    const { lastError: error } = tracked.target;
    outage.attemptFailed(error);
    const downForMs = outage.lastsMs(performance.now());
    const event = { ...tracked.identity(), downForMs, cause: outage.cause, error };
    this.logDown(tracked, event, outage);
    this.#emit('connectionDown', event);
  }

  connectionBack(tracked: TrackedTarget, outage: Outage): void {
    const { cause } = outage;
    const downForMs = outage.lastsMs(performance.now());
    const event = { ...tracked.identity(), downForMs, cause, explanation: causeInWords[cause] };
    if (outage.isLogged) this.logBack(tracked, event);
    this.#emit('connectionBack', event);
  }

  /** The target has a new connection since its last ping, without a noticed outage in between. */
  connectionReplaced(tracked: TrackedTarget, previousGeneration: number): void {
    this.logReplaced(tracked);
    this.#emit('connectionReplaced', { ...tracked.identity(), previousGeneration });
  }

  /** A watched socket was destroyed because its connection was dead. */
  socketDied({ name, address, sequence, error, death, isHeard }: DeadSocket): void {
    const { diagnosis, unansweredMs } = death;
    const event = {
      name,
      address,
      generation: sequence,
      error,
      silentMs: unansweredMs,
      timeToDetectMs: unansweredMs,
      diagnosis,
      explanation: causeInWords[diagnosis],
    };
    this.sockets.logDeath(event, death, isHeard);
    this.#emit('connectionDied', event);
  }

  stalled(stall: Stall): void {
    this.thread.stalled(stall);
    this.#emit('stalled', stall);
  }

  workerStarted(restarts: number): void {
    this.thread.up();
    this.#emit('workerStarted', { restarts });
  }

  workerLost(error: KeepAliveError, retryInMs: number): void {
    this.thread.lost(error, retryInMs);
    this.#emit('workerLost', { error, retryInMs });
  }

  /** Runs a step that calls into a target; what it throws, or a promise of it rejects with, is logged. */
  contain(tracked: TrackedTarget, step: () => unknown): void {
    contain(step, (error) => this.misbehaved(tracked, error));
  }

  /** Whether anyone listens; if not, the event need not be built. */
  #hasListeners(name: EventName): boolean {
    return this.#events.listenerCount(name) > 0 || channelOf[name]?.hasSubscribers === true;
  }

  /** A listener that throws must not stop the pings. */
  #emit<Name extends EventName>(name: Name, event: EventOf<Name>): void {
    channelOf[name]?.publish(event);
    callListeners(this.#events, name, [event], (error) => this.logListenerFailed(error, name));
  }
}
