import { ClientStorage } from 'zeo-keepalive/zeo';
import { Relay, type RelayedConnection } from '../../support/relay.js';
import { turningNow } from '../../support/turning-clock.js';

/** How one connection of a subject was lost. */
export interface Loss {
  readonly error: Error & { readonly code?: string };
  /** From the fault, in milliseconds in which the main loop ran; `undefined`: the connection was healthy. */
  readonly afterMs: number | undefined;
}

/** Reconnects quickly, so that no fault has to wait for the next connection. */
const clientDefaults = { connectTimeout: 2, reconnectMinDelay: 0.05, reconnectMaxDelay: 0.2 };

export type ClientSettings = Partial<typeof clientDefaults>;

/** A storage with its own relay in front of the server, and the fate of its connections. */
export class Subject {
  readonly name: string;
  readonly relay: Relay;
  readonly storage: ClientStorage;
  readonly losses: Loss[] = [];
  /** The connection that was struck, and when. */
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

  /** Applies a deadly fault to the present connection. */
  strike(fault: (connection: RelayedConnection) => void): void {
    const connection = this.relay.current;
    if (connection === undefined || !this.storage.ready) throw new Error(`${this.name} is not connected`);
    this.doom();
    fault(connection);
  }

  /** Marks the present connection as one that is expected to be lost from now on. */
  doom(): void {
    this.#struck = { generation: this.storage.generation, atMs: turningNow() };
  }

  get isDoomed(): boolean {
    return this.#struck?.generation === this.storage.generation;
  }

  /** Whether it is doomed and still in use. */
  get isUnnoticed(): boolean {
    return this.isDoomed && this.storage.ready;
  }

  /** Whether it is connected again after the loss. */
  get isBack(): boolean {
    return this.storage.ready && !this.isDoomed;
  }

  async close(): Promise<void> {
    await this.storage.close();
    await this.relay.close();
  }
}
