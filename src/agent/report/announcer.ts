import type { Channel } from 'node:diagnostics_channel';
import type { EventEmitter } from 'node:events';
import { callListeners } from '../../async/listeners.js';
import type { Fact, FactName, KeepAliveEvents } from '../../model/events.js';
import { channels } from '../../observability/channels.js';

const channelOf: { readonly [Name in FactName]?: Channel } = channels;

/** Tells facts to whoever listens: to the agent's listeners and on the process's channels. */
export class Announcer {
  readonly #events: EventEmitter<KeepAliveEvents>;
  readonly #onListenerFailed: (error: unknown, name: FactName) => void;

  /** @param onListenerFailed A listener that throws must not end the pings. */
  constructor(
    events: EventEmitter<KeepAliveEvents>,
    onListenerFailed: (error: unknown, name: FactName) => void,
  ) {
    this.#events = events;
    this.#onListenerFailed = onListenerFailed;
  }

  /** Whether there is anyone to tell it to: else it need not be put together. */
  isHeard(name: FactName): boolean {
    return this.#events.listenerCount(name) > 0 || channelOf[name]?.hasSubscribers === true;
  }

  tell<Name extends FactName>(name: Name, fact: Fact<Name>): void {
    channelOf[name]?.publish(fact);
    callListeners(this.#events, name, [fact], (error) => this.#onListenerFailed(error, name));
  }
}
