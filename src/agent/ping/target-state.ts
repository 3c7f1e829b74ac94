import type { StorageFact, Verdict } from '../../model/events.js';
import { attempt, type KeepAliveStorage } from '../../model/target.js';
import { LockProxy } from './lock-proxy.js';
import type { Death, Outage } from './outage.js';
import type { Ping, PingOutcome } from './ping.js';
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

/** The agent's record of one registered storage. */
export class Member {
  /** Its slot on the board. */
  readonly id: number;
  /** The name that the registry has it by. */
  readonly name: string;
  readonly storage: KeepAliveStorage;
  readonly lock: LockProxy;
  /** Of all storages. */
  readonly roundTrips: RoundTrips;
  /** Whether the storage has been taken out of the registry. */
  isGone = false;
  ping: Ping<Member> | undefined;
  deliveredBytes = 0;
  deliveredGeneration = 0;
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
  #generation: number | undefined;
  #address: string | undefined;

  constructor(id: number, name: string, storage: KeepAliveStorage, roundTrips: RoundTrips) {
    this.id = id;
    this.name = name;
    this.storage = storage;
    this.lock = new LockProxy(storage);
    this.roundTrips = roundTrips;
  }

  get state(): StorageState {
    return this.#state;
  }

  /** When it came into its state, in milliseconds of `Date.now()`. */
  get stateSinceMs(): number {
    return this.#stateSinceMs;
  }

  /** The connection that it was last seen with. */
  get generation(): number | undefined {
    return this.#generation;
  }

  /** The server of that connection. */
  get address(): string | undefined {
    return this.#address;
  }

  /** Which connection a fact is about. */
  fact(): StorageFact {
    return { name: this.name, address: this.#address, generation: this.#generation };
  }

  /** Looks which connection it has now. */
  noteConnection(): void {
    const { generation } = this.storage;
    if (generation === this.#generation) return;
    this.#generation = generation;
    this.#address = attempt(() => this.storage.address);
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
      case 'stalled':
        this.verdict = 'stalled';
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
        if (outcome.result === 'dead') this.lastDeath = outcome.death;
    }
  }
}
