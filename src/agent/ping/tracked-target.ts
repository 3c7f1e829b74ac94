import type { ConnectionEvent, Verdict } from '../../model/events.js';
import { attempt, type KeepAliveTarget } from '../../model/target.js';
import { type LockOwner, LockProxy } from './lock-proxy.js';
import type { DeadConnection, Outage } from './outage.js';
import type { PingOutcome } from './ping-outcome.js';
import type { RoundTrips } from './round-trips.js';

/** The state of a connection, by its last ping. */
export type ConnectionState =
  /** Not pinged yet. */
  | 'new'
  | 'alive'
  /** Its last ping failed. */
  | 'failed'
  /** It was declared dead, and its successor has not been pinged yet. */
  | 'dead'
  /** Not connected when its ping was due. */
  | 'down';

export interface TrackedTargetOptions {
  /** Its slot on the board. */
  readonly id: number;
  /** Its name in the registry. */
  readonly name: string;
  readonly target: KeepAliveTarget;
  /** Whether its server answers in order, as the target said when it was opened. */
  readonly answersInOrder: boolean;
  /** For how long its server may be silent after a ping that its host has acknowledged. */
  readonly hangTimeoutMs: number;
  /** The round trips of all targets. */
  readonly roundTrips: RoundTrips;
  /** Receives what releasing its lock throws. */
  readonly onReleaseFailed: (tracked: TrackedTarget, error: unknown) => void;
}

/**
 * The agent's record of one registered target.
 *
 * Rules:
 * - The state is that of the last ping that ended, or `down`. An abandoned or stalled ping does not change it.
 * - Once `isGone`, nothing in it changes any more.
 */
export class TrackedTarget implements LockOwner {
  /** Its slot on the board. */
  readonly id: number;
  readonly name: string;
  readonly target: KeepAliveTarget;
  readonly answersInOrder: boolean;
  readonly hangTimeoutMs: number;
  readonly lock: LockProxy;
  /** The round trips of all targets. */
  readonly roundTrips: RoundTrips;
  /** Whether the target was removed from the registry. */
  isGone = false;
  verdict: Verdict | undefined;
  pings = 0;
  failures = 0;
  lastFailure: { readonly at: Date; readonly error: unknown } | undefined;
  lastDeath: DeadConnection | undefined;
  /** The outage that the agent has noticed, until the target is connected again. */
  outage: Outage | undefined;
  /** The agent's listener for the target's `connected`. */
  onConnected: (() => void) | undefined;
  /** How many bytes are known to have arrived on connection `#deliveredGeneration`: those up to its last answered ping. */
  #deliveredBytes = 0;
  #deliveredGeneration = 0;
  #state: ConnectionState = 'new';
  /** A number until somebody asks. */
  #stateSince: number | Date = Date.now();
  #generation: number | undefined;
  #address: string | undefined;
  readonly #onReleaseFailed: TrackedTargetOptions['onReleaseFailed'];

  constructor(options: TrackedTargetOptions) {
    this.id = options.id;
    this.name = options.name;
    this.target = options.target;
    this.answersInOrder = options.answersInOrder;
    this.hangTimeoutMs = options.hangTimeoutMs;
    this.roundTrips = options.roundTrips;
    this.#onReleaseFailed = options.onReleaseFailed;
    this.lock = new LockProxy(this);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** When it entered its state. The same `Date` each time, which a status of thousands has in an instant. */
  get stateSince(): Date {
    if (typeof this.#stateSince === 'number') this.#stateSince = new Date(this.#stateSince);
    return this.#stateSince;
  }

  /** The generation of the connection that the agent last saw. */
  get generation(): number | undefined {
    return this.#generation;
  }

  /** The address of its server, if the target knows it. */
  get address(): string | undefined {
    return this.#address;
  }

  /** The fields that all its events have in common. */
  identity(): ConnectionEvent {
    return { name: this.name, address: this.#address, generation: this.#generation };
  }

  /** Updates `generation` and `address` if it has a new connection. */
  noteConnection(): void {
    const { generation } = this.target;
    if (generation === this.#generation) return;
    this.#generation = generation;
    this.#address = attempt(() => this.target.address);
  }

  /** Records that the first `writtenBytes` bytes written to the connection of this generation have arrived. */
  noteDelivered(writtenBytes: number, generation: number): void {
    this.#deliveredBytes = writtenBytes;
    this.#deliveredGeneration = generation;
  }

  /** How many of the first `writtenBytes` bytes written to the connection of this generation may still be on their way. */
  bytesAhead(writtenBytes: number, generation: number): number {
    const delivered = generation === this.#deliveredGeneration ? this.#deliveredBytes : 0;
    return Math.max(0, writtenBytes - delivered);
  }

  enter(state: ConnectionState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#stateSince = Date.now();
  }

  releaseFailed(error: unknown): void {
    this.#onReleaseFailed(this, error);
  }

  /** Records how its ping ended. */
  note(outcome: PingOutcome): void {
    switch (outcome.verdict) {
      case 'abandoned':
        return;
      case 'stalled':
        break;
      case 'failed':
      case 'dead':
        this.enter(outcome.verdict);
        this.failures += 1;
        this.lastFailure = { at: new Date(), error: outcome.error };
        if (outcome.verdict === 'dead') this.lastDeath = outcome.death;
        break;
      default:
        this.enter('alive');
        if (outcome.roundTripMs !== undefined) this.roundTrips.record(this.id, outcome.roundTripMs);
    }
    this.verdict = outcome.verdict;
  }
}
