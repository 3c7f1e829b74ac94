import { EventEmitter } from 'node:events';
import type { ConnectionOpened, ConnectionSource } from '../model/connection-source.js';
import type { SocketTarget } from './socket-target.js';

/** The connections of a pool, from when each is made until it is closed. */
export class ConnectionSet extends EventEmitter<{ closed: [] }> implements ConnectionSource {
  readonly #numbers = new Map<SocketTarget, number>();
  /** Each with what ends its watch of each connection. */
  readonly #watchers = new Map<ConnectionOpened, Map<SocketTarget, () => void>>();
  #count = 0;

  get isEmpty(): boolean {
    return this.#numbers.size === 0;
  }

  add(target: SocketTarget): void {
    this.#count += 1;
    this.#numbers.set(target, this.#count);
    for (const [opened, ends] of this.#watchers) ends.set(target, opened(target, this.#count));
    target.once('closed', () => {
      this.#numbers.delete(target);
      for (const ends of this.#watchers.values()) {
        ends.get(target)?.();
        ends.delete(target);
      }
    });
  }

  watchConnections(opened: ConnectionOpened): () => void {
    const ends = new Map<SocketTarget, () => void>();
    this.#watchers.set(opened, ends);
    for (const [target, number] of this.#numbers) ends.set(target, opened(target, number));
    return () => void this.#watchers.delete(opened);
  }
}
