import type { KeepAliveStorage } from '../storage.js';
import type { Outage } from './outage.js';
import type { Ping, PingOutcome } from './ping.js';

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
  ping: Ping | undefined;
  state: StorageState = 'new';
  pings = 0;
  failures = 0;
  /** Of the last answered ping, in milliseconds. */
  roundTripMs: number | undefined;
  lastFailure: { readonly at: Date; readonly error: unknown } | undefined;
  /** While it has no connection, as far as the agent has noticed. */
  outage: Outage | undefined;
  /** Whether the storage has been asked to tell when it is connected. */
  awaitsConnection = false;

  constructor(id: number, name: string, storage: KeepAliveStorage) {
    this.id = id;
    this.name = name;
    this.storage = storage;
  }

  note(outcome: PingOutcome): void {
    switch (outcome.result) {
      case 'abandoned':
        return;
      case 'succeeded':
        this.state = 'alive';
        this.roundTripMs = outcome.roundTripMs ?? this.roundTripMs;
        return;
      case 'failed':
      case 'dead':
        this.state = outcome.result;
        this.failures += 1;
        this.lastFailure = { at: new Date(), error: outcome.error };
    }
  }
}
