import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClientDisconnected } from '#src/model/errors.js';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { OutcomeUnknown } from '#src/zeo/storage/outcome-unknown.js';
import { formatId, parseId } from '#src/zodb/ids.js';
import { ConflictError, StorageTransactionError } from '#src/zodb/pos-exception.js';
import { openPythonClient, type PythonClient } from '../support/python/client.js';
import { findZeo, zeoVersions } from '../support/python/environments.js';
import { startZeoServer } from '../support/python/zeo-server.js';
import { Relay, type RelayedConnection } from '../support/relay.js';
import { mappingRecord } from './records.js';

/*
 * Node and Python change the same objects, all of them in each transaction, while their connections are cut at random
 * moments in different ways (InvalidationTests.checkConcurrentUpdates2Storages, with the faults of a network).
 */

const groupSize = 5;
const writingMs = 5_000;

/** Random numbers from 0 to 1, reproducible from their seed. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Cuts connections until it is stopped, at least one of them with data in transit. */
async function cutAtRandom(relay: Relay, random: () => number, signal: AbortSignal): Promise<number> {
  let cuts = 0;
  while (!signal.aborted) {
    await sleep(20 + random() * 180);
    const connections = [...relay.connections];
    const victim = connections[Math.floor(random() * connections.length)] as RelayedConnection | undefined;
    if (victim === undefined) continue;
    cuts += 1;
    const channel = random() < 0.5 ? victim.toServer : victim.toClient;
    // In the middle of a frame, most likely of a commit; the rest is lost on a connection that looks alive.
    if (random() < 0.7) {
      const end = () => victim.reset();
      channel.manner = {
        kind: 'cut',
        afterBytes: Math.floor(random() * 1500),
        cut: () => setTimeout(end, 5),
      };
      // If no more data arrives.
      setTimeout(end, 150);
    } else victim.destroy();
  }
  return cuts;
}

/** The outcomes of a writer's transactions by token: the transaction id, or `undefined` if it was not committed. */
type Knowledge = Map<string, Uint8Array | undefined>;

/** Commits transactions one after the other; unknown outcomes are looked up. */
async function writeGroup(storage: ClientStorage, group: readonly Uint8Array[], signal: AbortSignal) {
  const known: Knowledge = new Map();
  let unknown = 0;
  for (let number = 0; !signal.aborted; number++) {
    const token = `node ${number}`;
    try {
      const tid = await storage.commit({ description: token }, async (transaction) => {
        for (const oid of group) {
          const { serial } = await storage.load(oid);
          await transaction.store(oid, serial, mappingRecord({ token }));
        }
      });
      known.set(token, tid);
    } catch (error) {
      if (error instanceof OutcomeUnknown) {
        unknown += 1;
        known.set(token, await untilAnswered(() => storage.outcomeOf(error)));
      } else if (isExpected(error)) known.set(token, undefined);
      else throw error;
    }
  }
  return { known, unknown };
}

const isExpected = (error: unknown) =>
  error instanceof ClientDisconnected ||
  error instanceof ConflictError ||
  error instanceof StorageTransactionError;

/** Retries until the connection lives long enough. */
async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isExpected(error)) throw error;
    }
  }
}

async function writeFromPython(python: PythonClient, signal: AbortSignal) {
  const answered: string[] = [];
  for (let round = 0; !signal.aborted; round++) {
    answered.push(
      ...(await python.call<typeof answered>('write_group', { label: `python ${round}`, count: 10 })),
    );
  }
  return answered;
}

for (const version of zeoVersions) {
  const { missing } = findZeo(version);
  for (const msgpack of [false, true]) {
    const name = `Node and Python writing through cut connections on ZEO ${version} with ${msgpack ? 'M5' : 'Z5'}`;
    describe(name, { skip: missing }, () => {
      it('leave acknowledged transactions whole and others whole or absent', async (t) => {
        const seed = Number(process.env.ZEO_TEST_SEED ?? Math.floor(Math.random() * 2 ** 32));
        t.diagnostic(`ZEO_TEST_SEED=${seed}`);
        await using server = await startZeoServer({ version, msgpack });
        await using relay = await Relay.listen(server.address);
        const [host, port] = relay.address.split(':');
        const python = await openPythonClient(version, { address: [host as string, Number(port)] });
        try {
          await python.call('open_db');
          const group = (await python.call<string[]>('make_group', { size: groupSize })).map(parseId);
          await using storage = await ClientStorage.open({
            address: relay.address,
            reconnectMinDelay: 0.01,
            reconnectMaxDelay: 0.1,
          });

          const signal = AbortSignal.timeout(writingMs);
          const [cuts, { known, unknown }, answered] = await Promise.all([
            cutAtRandom(relay, randomFrom(seed), signal),
            writeGroup(storage, group, signal),
            writeFromPython(python, signal),
          ]);
          const committed = [...known].filter(([, tid]) => tid !== undefined);
          t.diagnostic(
            `${cuts} cuts; Node: ${committed.length} of ${known.size} committed, ${unknown} unknown at first; ` +
              `Python: ${answered.length} answered`,
          );

          // Bypasses the relay to read what is stored.
          await using direct = await ClientStorage.open(server.address);
          const there = new Map<string, string>();
          for await (const transaction of direct.iterator()) {
            const { description, tid } = transaction;
            const tokens: string[] = [];
            for await (const { data } of transaction) tokens.push(Buffer.from(data ?? []).toString('latin1'));
            if (!/^(node|python) /.test(description)) continue;
            assert.equal(tokens.length, groupSize, `${description} is whole`);
            for (const record of tokens) assert.ok(record.includes(description), `${description} is its own`);
            assert.ok(!there.has(description), `${description} is there once`);
            there.set(description, formatId(tid));
          }
          for (const [token, tid] of known) assert.equal(there.get(token), tid && formatId(tid), token);
          for (const token of answered) assert.ok(there.has(token), token);

          // Both clients have seen it.
          const tokens = await untilAnswered(async () => {
            await storage.sync();
            return Promise.all(
              group.map(async (oid) => Buffer.from((await storage.load(oid)).data).toString('latin1')),
            );
          });
          const last = [...there.keys()].at(-1) as string;
          for (const record of tokens) assert.ok(record.includes(last));
          await python.call('ping');
          assert.deepEqual(await python.call('read_group'), Array(groupSize).fill(last));
          assert.ok(
            cuts > 0 && committed.length > 0 && answered.length > 0,
            'there was something to be seen',
          );
        } finally {
          await python.close();
        }
      });
    });
  }
}
