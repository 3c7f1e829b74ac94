import type { KeepAliveTarget } from '../model/target.js';
import type { Backend } from './backend.js';
import { TlsSentry } from './tls-sentry.js';

/** What the agent keeps alive, under its name. */
export interface NamedTarget extends KeepAliveTarget {
  readonly name: string;
  /** The server that it is connected to. */
  readonly backend: Backend;
}

export interface TlsSentriesOptions {
  readonly timeoutMs: number;
  readonly keepAlive: (sentry: NamedTarget) => void;
  /** The server accepts connections and does not answer. */
  readonly onDead: (backend: Backend, error: Error) => void;
}

/** A sentry for each of the servers behind an address, while the server is up. */
export class TlsSentries {
  readonly #options: TlsSentriesOptions;
  readonly #sentries = new Map<Backend, TlsSentry>();

  constructor(options: TlsSentriesOptions) {
    this.#options = options;
  }

  /** @param listener the address, as in the names of its connections */
  post(listener: string, backend: Backend): void {
    if (this.#sentries.has(backend)) return;
    const { timeoutMs, keepAlive, onDead } = this.#options;
    const sentry = new TlsSentry({
      name: `${listener} to ${backend.name}`,
      backend,
      timeoutMs,
      onDead: (error) => onDead(backend, error),
    });
    this.#sentries.set(backend, sentry);
    keepAlive(sentry);
  }

  relieve(backend: Backend): void {
    const sentry = this.#sentries.get(backend);
    this.#sentries.delete(backend);
    // It may be its verdict that the server is dead, which the agent is still to report.
    setImmediate(() => sentry?.close());
  }

  relieveAll(): void {
    for (const backend of this.#sentries.keys()) this.relieve(backend);
  }
}
