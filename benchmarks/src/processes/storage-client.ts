/** Loads and commits objects of 1 KiB, each time over a new connection. The counterpart of `python/storage_client.py`. */
import { randomBytes } from 'node:crypto';
import { ClientStorage, formatId, parseId, zeroId } from '../../../dist/src/zeo/index.js';
import { serve } from '../harness/child.js';
import { median } from '../harness/repetitions.js';

const recordBytes = 1024;

interface Loads {
  readonly address: string;
  /** Hexadecimal. All are loaded in turn, equally often. */
  readonly oids: readonly string[];
  readonly rounds: number;
  readonly atOnce: number;
}

interface Commits {
  readonly address: string;
  readonly count: number;
  /** In each. */
  readonly objects: number;
}

const api = {
  /** Commits the objects to be loaded; resolves to their ids. */
  async write({ address, count }: { readonly address: string; readonly count: number }): Promise<string[]> {
    await using storage = await open(address);
    const oids = await newOids(storage, count);
    await commit(storage, oids, zeroId);
    return oids.map(formatId);
  },
  /** Resolves to the mean wall time of a load in milliseconds. */
  async load({ address, oids, rounds, atOnce }: Loads): Promise<number> {
    await using storage = await open(address);
    const batches = batchesOf(oids.map(parseId), atOnce);
    const startMs = performance.now();
    for (let round = 0; round < rounds; round++) {
      for (const batch of batches) {
        for (const { data } of await Promise.all(batch.map((oid) => storage.load(oid)))) {
          if (data.length !== recordBytes) throw new Error(`A record of ${data.length} bytes was loaded`);
        }
      }
    }
    return (performance.now() - startMs) / (rounds * oids.length);
  },
  /**
   * Resolves to the median wall time of a transaction in milliseconds, because on a busy machine the few that wait long for
   * the disk or a core dominate the mean.
   */
  async commit({ address, count, objects }: Commits): Promise<number> {
    await using storage = await open(address);
    const oids = await newOids(storage, objects);
    let serial = zeroId;
    const takenMs: number[] = [];
    for (let i = 0; i < count; i++) {
      const startMs = performance.now();
      serial = await commit(storage, oids, serial);
      takenMs.push(performance.now() - startMs);
    }
    return median(takenMs);
  },
};

/** Without a cache, so that every load asks the server. */
function open(address: string): Promise<ClientStorage> {
  return ClientStorage.open({ address, cacheSize: 0 });
}

async function newOids(storage: ClientStorage, count: number): Promise<Uint8Array[]> {
  const oids: Uint8Array[] = [];
  while (oids.length < count) oids.push(await storage.newOid());
  return oids;
}

const record = randomBytes(recordBytes);

function commit(storage: ClientStorage, oids: readonly Uint8Array[], serial: Uint8Array) {
  return storage.commit({}, async (transaction) => {
    for (const oid of oids) await transaction.store(oid, serial, record);
  });
}

function batchesOf<T>(items: readonly T[], length: number): T[][] {
  const count = Math.ceil(items.length / length);
  return Array.from({ length: count }, (_, i) => items.slice(i * length, (i + 1) * length));
}

export type StorageClientApi = typeof api;
serve(api);
