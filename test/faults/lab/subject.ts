import { ClientStorage } from 'zeo-keepalive/zeo';
import { Relay, type RelayedConnection } from '../../support/relay.js';
import { turningNow } from '../../support/turning-clock.js';

/** How one connection of a subject was lost. */
export interface Loss {
  readonly error: Error & { readonly code?: string };
  /** In milliseconds of turning loop after the fault; `undefined`: nothing was wrong with that connection. */
  readonly afterMs: number | undefined;
}

/** Reconnects quickly: what a fault does to the next connection is not to be waited for. */
const clientDefaults = { connectTimeout: 2, reconnectMinDelay: 0.05, reconnectMaxDelay: 0.2 };

export type ClientSettings = Partial<typeof clientDefaults>;

/** One storage with a relay of its own before the server, and what has become of its connections. */
export class Subject {
  readonly name: string;
  readonly relay: Relay;
  readonly storage: ClientStorage;
  readonly losses: Loss[] = [];
  /** The connection that something was done to, and when. */
  #struck: { readonly generation: number; readonly atMs: number } | undefined;

  static async open(name: string, server: string, settings: ClientSettings = {}): Promise<Subject> {
    const relay = await Relay.listen(server);
    try {
      const address = relay.address;
      const storage = await ClientStorage.open({ ...clientDefaults, ...settings, name, address });
      return new Subject(name, relay, storage);
    } catch (error) {
      await relay.close();
      throw error;
    }
  }

  private constructor(name: string, relay: Relay, storage: ClientStorage) {
    this.name = name;
    this.relay = relay;
    this.storage = storage;
    storage.on('disconnected', ({ generation, error }) => {
      if ((error as Loss['error']).code === 'ERR_ZEO_CLOSED') return;
      const struck = this.#struck?.generation === generation ? this.#struck : undefined;
      this.losses.push({ error, afterMs: struck && turningNow() - struck.atMs });
    });
  }

  /** Does something to the present connection that it must not survive. */
  strike(fault: (connection: RelayedConnection) => void): void {
    const connection = this.relay.current;
    if (connection === undefined || !this.storage.ready) throw new Error(`${this.name} is not connected`);
    this.doom();
    fault(connection);
  }

  /** From this moment on the present connection has a right to be lost. */
  doom(): void {
    this.#struck = { generation: this.storage.generation, atMs: turningNow() };
  }

  get isDoomed(): boolean {
    return this.#struck?.generation === this.storage.generation;
  }

  /** Doomed, and still in use. */
  get isUnnoticed(): boolean {
    return this.isDoomed && this.storage.ready;
  }

  /** Lost since it was doomed, and connected again. */
  get isBack(): boolean {
    return this.storage.ready && !this.isDoomed;
  }

  async close(): Promise<void> {
    await this.storage.close();
    await this.relay.close();
  }
}
