import type { KeepAliveError } from '../errors.js';
import type { KeepAliveStorage } from '../storage.js';
import type { Outage } from './outage.js';
import type { Ping, PingOutcome, Verdict } from './ping.js';
import type { RoundTrips } from './round-trips.js';

/** What is known of a storage, by its last ping. */
export type StorageState =
  /** Not pinged yet. */
  | 'new'
  | 'alive'
  /** Its last ping failed, or it was declared dead, and it has not been pinged since. */
  | 'failed'
  | 'dead'
  /** Not connected when its ping was due. */
  | 'down';

/** A connection that was declared dead. */
export interface Death {
  readonly at: Date;
  readonly error: KeepAliveError;
  readonly silentMs: number;
  /** What came of it. */
  readonly outage: Outage;
  backAt: Date | undefined;
}

/** The agent's record of one registered storage. */
export class Member {
  /** Its slot on the board. */
  readonly id: number;
  /** The name that the registry has it by. */
  readonly name: string;
  readonly storage: KeepAliveStorage;
  /** Of all storages. */
  readonly roundTrips: RoundTrips;
  ping: Ping | undefined;
  verdict: Verdict | undefined;
  pings = 0;
  failures = 0;
  lastFailure: { readonly at: Date; readonly error: unknown } | undefined;
  lastDeath: Death | undefined;
  /** While it has no connection, as far as the agent has noticed. */
  outage: Outage | undefined;
  /** Listens to the storage, which has been asked to tell when it is connected. */
  onConnected: (() => void) | undefined;
  #state: StorageState = 'new';
  #stateSinceMs = Date.now();

  constructor(id: number, name: string, storage: KeepAliveStorage, roundTrips: RoundTrips) {
    this.id = id;
    this.name = name;
    this.storage = storage;
    this.roundTrips = roundTrips;
  }

  get state(): StorageState {
    return this.#state;
  }

  /** When it came into its state, in milliseconds of `Date.now()`. */
  get stateSinceMs(): number {
    return this.#stateSinceMs;
  }

  enter(state: StorageState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#stateSinceMs = Date.now();
  }

  note(outcome: PingOutcome): void {
    switch (outcome.result) {
      case 'abandoned':
        return;
      case 'succeeded':
        this.enter('alive');
        this.verdict = outcome.verdict;
        if (outcome.roundTripMs !== undefined) this.roundTrips.record(this.id, outcome.roundTripMs);
        return;
      case 'failed':
      case 'dead':
        this.enter(outcome.result);
        this.verdict = outcome.result;
        this.failures += 1;
        this.lastFailure = { at: new Date(), error: outcome.error };
    }
  }
}
