import type { StorageStatus } from '../../agent/keep-alive.js';
import type { ClientStorage } from '../../zeo/client-storage.js';
import { printable } from '../terminal-text.js';
import type { Fact } from './fact.js';
import { RoundTripWindow } from './round-trips.js';
import type { DisplayState, Row, Trouble } from './snapshot.js';

/** One of the storages that are watched: what is known of it beyond what the agent and the storage tell when asked. */
export class WatchedStorage {
  readonly name: string;
  readonly storage: ClientStorage;
  readonly #roundTrips = new RoundTripWindow();
  #state: DisplayState = 'opening';
  #since = new Date();
  #trouble: Trouble | undefined;
  /** Declared dead, and not connected since. */
  #isDead = false;

  constructor(name: string, storage: ClientStorage) {
    this.name = name;
    this.storage = storage;
  }

  /** Takes in what happened to it. */
  note({ time, event, kind, text, fields }: Fact): void {
    if (typeof fields.roundTripMs === 'number') this.#roundTrips.add(fields.roundTripMs);
    if (event === 'storageDied') this.#isDead = true;
    if (event === 'connected') this.#isDead = false;
    const trouble = this.#trouble;
    if (kind === 'bad') {
      // What an outage began with says more than why the attempts to end it fail.
      const goesOn = trouble !== undefined && trouble.end === undefined && !this.storage.ready;
      this.#trouble = goesOn ? { ...trouble, latest: text } : { at: time, text };
    } else if (trouble !== undefined && isEnd(event)) this.#trouble = { ...trouble, end: text };
  }

  /** How it is now. Asked at each fact, so that the time since when it is so is right. */
  row(status: StorageStatus | undefined): Row {
    const state = this.#displayState(status);
    if (state !== this.#state) {
      this.#state = state;
      this.#since = new Date();
    }
    const { address } = this.storage;
    return {
      name: this.name,
      server: address === undefined ? undefined : printable(address),
      state,
      since: this.#since,
      pings: status?.pings ?? 0,
      failures: status?.failures ?? 0,
      roundTrips: this.#roundTrips.summary(),
      trouble: this.#trouble,
    };
  }

  #displayState(status: StorageStatus | undefined): DisplayState {
    const { ready, generation } = this.storage;
    const pinged = status?.state ?? 'new';
    if (!ready) return generation === 0 ? 'opening' : this.#isDead ? 'dead' : 'down';
    if (pinged === 'alive' || pinged === 'failed') return pinged;
    return pinged === 'new' ? 'ready' : 'back';
  }
}

function isEnd(event: string): boolean {
  return event === 'connected' || event === 'storageBack';
}
