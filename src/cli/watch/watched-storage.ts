import type { ConnectionStatus } from '../../agent/status.js';
import type { ClientStorage } from '../../zeo/storage/client-storage.js';
import { oneLine } from '../io/terminal-text.js';
import type { DisplayState, Row, Trouble } from './snapshot.js';
import type { Entry } from './view.js';

/** A storage that is watched, and its state according to the entries about it. */
export class WatchedStorage {
  readonly name: string;
  readonly #storage: ClientStorage;
  #state: DisplayState = 'opening';
  #since = new Date();
  #trouble: Trouble | undefined;

  constructor(name: string, storage: ClientStorage) {
    this.name = name;
    this.#storage = storage;
  }

  get state(): DisplayState {
    return this.#state;
  }

  /** Takes note of an entry about it. */
  note(entry: Entry): void {
    const state = this.#next(entry.event);
    if (state !== this.#state) {
      this.#state = state;
      this.#since = entry.time;
    }
    this.#trouble = this.#troubleAfter(entry);
  }

  /** Its present row of the table. */
  row(status: ConnectionStatus | undefined): Row {
    const { address } = this.#storage;
    return {
      name: this.name,
      server: address === undefined ? undefined : oneLine(address),
      state: this.#state,
      since: this.#since,
      pings: status?.pings ?? 0,
      failures: status?.failures ?? 0,
      roundTrips: status?.roundTrips,
      trouble: this.#trouble,
    };
  }

  #next(event: string): DisplayState {
    switch (event) {
      case 'connected':
        return this.#state === 'opening' ? 'ready' : 'back';
      case 'connectionDied':
        // Comes just after the loss of the connection, and before a new one.
        return 'dead';
      case 'disconnected':
        return 'down';
      case 'pingSucceeded':
        return 'alive';
      case 'pingFailed':
        return this.#storage.ready ? 'failed' : this.#state;
      default:
        return this.#state;
    }
  }

  #troubleAfter({ time, event, kind, text }: Entry): Trouble | undefined {
    const trouble = this.#trouble;
    if (kind === 'bad') {
      // The cause of an outage says more than why the attempts to end it fail.
      const goesOn = trouble !== undefined && trouble.end === undefined && !this.#storage.ready;
      return goesOn ? { ...trouble, latest: text } : { at: time, text };
    }
    const isEnd = event === 'connected' || event === 'connectionBack';
    return isEnd && trouble !== undefined ? { ...trouble, end: text } : trouble;
  }
}
