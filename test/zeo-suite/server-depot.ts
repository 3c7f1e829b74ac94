import { MemoryStorage, ZeoServer, type ZeoServerOptions } from '#src/zeo/server/index.js';
import { zeroId } from '#src/zodb/ids.js';
import { StorageFunctions } from './storage-functions.js';

/** A request of `run_tests.py`, which embedded_server.py derives from the configuration of a test. */
export type Wish =
  | {
      readonly ask: 'start';
      /** By id. The key identifies the storage of an earlier server to reuse, if any. */
      readonly storages: Readonly<Record<string, { readonly key: string; readonly name: string }>>;
      readonly options: Omit<ZeoServerOptions, 'storages'>;
    }
  | { readonly ask: 'stop'; readonly server: number };

/** The embedded servers of a run, and their storages, which outlive them like files. */
export class ServerDepot {
  readonly #functions: StorageFunctions;
  readonly #servers = new Map<number, ZeoServer>();
  readonly #storages = new Map<string, { storage: MemoryStorage; queueSize: number }>();
  #started = 0;

  constructor(python: string) {
    this.#functions = new StorageFunctions(python);
  }

  async fulfil(wish: Wish): Promise<object> {
    if (wish.ask === 'stop') {
      await this.#servers.get(wish.server)?.close();
      this.#servers.delete(wish.server);
      return {};
    }
    const { invalidationQueueSize = 100 } = wish.options;
    const storages = new Map<string, MemoryStorage>();
    for (const [id, { key, name }] of Object.entries(wish.storages))
      storages.set(id, this.#storage(key, name, invalidationQueueSize));
    const server = await ZeoServer.listen({ ...wish.options, storages });
    this.#started += 1;
    this.#servers.set(this.#started, server);
    return { server: this.#started, port: server.port };
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#servers.values(), (server) => server.close()));
    this.#functions.close();
  }

  #storage(key: string, name: string, queueSize: number): MemoryStorage {
    const kept = this.#storages.get(key);
    if (kept !== undefined && kept.queueSize === queueSize) return kept.storage;
    const storage = new MemoryStorage({
      name,
      invalidationQueueSize: queueSize,
      resolveConflict: (conflict) => this.#functions.resolveConflict(conflict),
      referencesOf: (record) => this.#functions.referencesOf(record),
    });
    if (kept !== undefined) fill(storage, kept.storage);
    this.#storages.set(key, { storage, queueSize });
    return storage;
  }
}

/** Copies the transactions, so that the queue of invalidations fills up as when a server reads the end of its file. */
function fill(storage: MemoryStorage, source: MemoryStorage): void {
  const serials = new Map<string, Uint8Array>();
  for (const { tid, status, meta, records } of source.transactions) {
    const operations = records.map(({ oid, data }) => {
      const key = Buffer.from(oid).toString('hex');
      const serial = serials.get(key) ?? zeroId;
      serials.set(key, tid);
      return data === null
        ? ({ kind: 'delete', oid, serial } as const)
        : ({ kind: 'store', oid, serial, data } as const);
    });
    storage.write(storage.stage(operations), { meta, tid, status });
  }
}
