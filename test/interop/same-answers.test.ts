import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ServerError } from '#src/model/errors.js';
import type { Value } from '#src/zeo/encoding/values.js';
import { MemoryStorage, tidAt, ZeoServer } from '#src/zeo/server/index.js';
import { findZeo, zeoVersions } from '../python/environments.js';
import { type PythonZeoServer, startZeoServer } from '../python/zeo-server.js';
import { oid, record, referencesOf } from '../zeo/server/records.js';
import { type Reachable, WireClient } from '../zeo/server/wire-client.js';

/*
 * The embedded server against ZEO's own on a file storage: the same calls on the wire, and every answer, error and
 * notification has to be the same. Clients may demand transaction ids, so that even those are.
 */

const start = Date.UTC(2020, 1, 29, 23, 59, 30);
const timeOf = (number: number) => start + number * 1000;
const tid = (number: number) => tidAt(timeOf(number));
const undoId = (number: number) => Buffer.from(Buffer.from(tid(number)).toString('base64'));
const latest = Uint8Array.from([0x7f, 255, 255, 255, 255, 255, 255, 255]);
const zero = new Uint8Array(8);

type Step = readonly [method: string, ...args: Value[]];
type Line = { readonly after: string; readonly answer: unknown };

/** What a client sees of a server. */
class Transcript {
  readonly lines: Line[] = [];
  readonly #client: WireClient;

  constructor(client: WireClient) {
    this.#client = client;
  }

  async ask(...[method, ...args]: Step): Promise<Value> {
    const asked = `${method}(${args.map((arg) => (arg instanceof Uint8Array ? hex(arg) : String(arg))).join(', ')})`;
    try {
      const answer = await this.#client.call(method, ...args);
      this.lines.push({ after: asked, answer: withoutSizes(answer) });
      return answer;
    } catch (error) {
      assert.ok(error instanceof ServerError, `${asked}: ${error}`);
      this.lines.push({ after: asked, answer: describeError(error) });
      return null;
    }
  }

  /** A whole transaction with a number for its id; what it does are one-way calls without the transaction's name. */
  async commit(number: number, ...steps: Step[]): Promise<void> {
    const { length } = await this.#begin(number, steps);
    assert.equal(length, steps.length);
    await this.ask('vote', number);
    if (this.lines.at(-1)?.answer instanceof Failure) await this.ask('tpc_abort', number);
    else await this.ask('tpc_finish', number);
  }

  async #begin(number: number, steps: readonly Step[]): Promise<readonly Step[]> {
    const meta = [Buffer.from(`user ${number % 2}`), Buffer.from(`note ${number}`), { number }];
    this.#client.oneWay('tpc_begin', number, ...meta, tid(number), ' ');
    for (const [method, ...args] of steps) this.#client.oneWay(method, ...args, number);
    return steps;
  }

  async iterate(from: Uint8Array | null, to: Uint8Array | null): Promise<void> {
    const id = await this.ask('iterator_start', from, to);
    for (;;) {
      const transaction = (await this.ask('iterator_next', id)) as [Uint8Array] | null;
      if (transaction === null) return;
      const records = await this.ask('iterator_record_start', id, transaction[0]);
      while ((await this.ask('iterator_record_next', records)) !== null);
    }
  }

  async currentRecords(): Promise<void> {
    let next: Value = null;
    do {
      const found = (await this.ask('record_iternext', next)) as readonly Value[] | null;
      next = found?.[3] ?? null;
    } while (next !== null);
  }
}

class Failure {
  readonly className: string;
  readonly details: unknown;

  constructor(className: string, details: unknown) {
    this.className = className;
    this.details = details;
  }
}

function describeError({ className, args }: ServerError): Failure {
  // Pickle carries the errors in it as instances, and msgpack as tuples.
  if (className.endsWith('MultipleUndoErrors')) {
    const { _errs } = args as { _errs: readonly (readonly [Uint8Array, unknown])[] };
    return new Failure(className, Array.from(_errs, ([id]) => hex(id)).sort());
  }
  // What it is about is said in Python's words.
  if (className === 'builtins.Exception' || className === 'builtins.TypeError')
    return new Failure(className, null);
  return new Failure(className, args);
}

/** Bytes in a file are not bytes in memory. */
function withoutSizes(value: Value): unknown {
  if (Array.isArray(value)) return value.map(withoutSizes);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'size'));
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

async function observe(
  server: Reachable,
  storage: string,
  scenario: (transcript: Transcript) => Promise<void>,
): Promise<readonly (Line | unknown)[]> {
  const client = await WireClient.register(server, storage);
  const witness = await WireClient.register(server, storage);
  const transcript = new Transcript(client);
  try {
    await scenario(transcript);
    // What it is told comes before the answer to what it asks now.
    const last = await witness.call('lastTransaction');
    const told = witness.notifications.filter(({ method }) => method === 'invalidateTransaction');
    return [...transcript.lines, { last, told: told.map(({ args: [id, oids] }) => [id, sorted(oids)]) }];
  } finally {
    await client.close();
    await witness.close();
  }
}

const sorted = (oids: Value | undefined) => (oids as readonly Uint8Array[]).map(hex).sort();

const store = (number: number, serial: Uint8Array, text: string, ...references: Uint8Array[]): Step => [
  'storea',
  oid(number),
  serial,
  record(text, ...references),
];

/** Four objects that the root leads to, and some history. */
async function fill(see: Transcript): Promise<void> {
  await see.commit(
    1,
    store(0, zero, 'root', oid(1), oid(2)),
    store(1, zero, 'a'),
    store(2, zero, 'b', oid(3)),
  );
  await see.commit(2, store(3, zero, 'c'), store(1, tid(1), 'a2'));
  await see.commit(3, store(1, tid(2), 'a3'), store(2, tid(1), 'b2', oid(3)));
}

const scenarios: Readonly<Record<string, (see: Transcript) => Promise<void>>> = {
  'loads, current and historical, and of what there is not': async (see) => {
    await see.ask('loadBefore', oid(0), latest);
    await see.ask('lastTransaction');
    await fill(see);
    for (const before of [latest, tid(3), tid(2), tid(1)]) {
      for (const number of [0, 1, 2, 3, 9]) await see.ask('loadBefore', oid(number), before);
    }
    await see.ask('loadSerial', oid(1), tid(2));
    await see.ask('loadSerial', oid(3), tid(1));
    await see.ask('getTid', oid(1));
    await see.ask('getTid', oid(9));
    await see.ask('new_oids', 2);
  },

  'history, as far as it is asked for': async (see) => {
    await fill(see);
    for (const size of [0, 1, 2, 100]) await see.ask('history', oid(1), size);
    await see.ask('history', oid(9), 1);
  },

  'conflicts of stores, checks and deletions': async (see) => {
    await fill(see);
    await see.commit(4, store(1, tid(1), 'late'));
    await see.commit(5, ['checkCurrentSerialInTransaction', oid(1), tid(2)]);
    await see.commit(6, ['checkCurrentSerialInTransaction', oid(9), tid(2)]);
    await see.commit(7, ['deleteObject', oid(1), tid(2)]);
    await see.commit(8, ['deleteObject', oid(9), tid(2)]);
    await see.commit(9, store(3, tid(2), 'c2'), ['checkCurrentSerialInTransaction', oid(1), tid(3)]);
    await see.ask('loadBefore', oid(3), latest);
  },

  'votes and finishes out of turn': async (see) => {
    await see.ask('vote', 1);
    await see.ask('tpc_finish', 1);
    await see.ask('tpc_abort', 1);
    await fill(see);
    await see.ask('tpc_begin', 4, zero, zero, {}, tid(4), ' ');
    await see.ask('vote', 5);
    await see.ask('tpc_finish', 4);
    await see.ask('vote', 4);
    await see.ask('vote', 4);
    await see.ask('tpc_begin', 5, zero, zero, {}, null, ' ');
    await see.ask('tpc_abort', 4);
    await see.ask('lastTransaction');
  },

  'serials that are no ids, of objects that there are not and that there are': async (see) => {
    await see.commit(1, ['storea', oid(1), null, record('a')], ['storea', oid(2), 'text', record('b')]);
    await see.commit(
      2,
      ['storea', oid(3), Buffer.from('short'), record('c')],
      ['storea', oid(4), 1, record('d')],
    );
    for (const number of [1, 2, 3, 4]) await see.ask('loadBefore', oid(number), latest);
    await see.commit(3, ['storea', oid(1), null, record('late')]);
    await see.commit(4, ['storea', oid(1), 'text', record('late')]);
    await see.commit(5, ['checkCurrentSerialInTransaction', oid(1), null]);
    await see.commit(6, ['deleteObject', oid(1), null]);
    await see.commit(7, ['deleteObject', oid(9), null]);
    await see.commit(8, store(5, zero, 'goes on'));
    await see.ask('loadBefore', oid(5), latest);
  },

  'arguments that are not what they should be': async (see) => {
    await fill(see);
    await see.ask('history', oid(1), null);
    await see.ask('new_oids', null);
    await see.ask('new_oids', 'many');
    await see.ask('ping', 1, 2);
    await see.ask('lastTransaction', 1);
    await see.ask('loadBefore', oid(1));
    await see.ask('loadBefore', oid(1), latest, 1);
    await see.ask('getTid');
    await see.ask('iterator_next', null);
    await see.ask('iterator_next', 'one');
    await see.ask('iterator_gc', ['one']);
    await see.ask('iterator_gc', 1);
    await see.ask('pack', -1, 1);
    await see.ask('loadBefore', oid(1), latest);
    await see.commit(4, ['storea', oid(1), tid(3), null]);
    await see.commit(5, store(1, tid(3), 'goes on'));
    await see.ask('loadBefore', oid(1), latest);
  },

  'deletions, and stores over them': async (see) => {
    await fill(see);
    await see.commit(4, ['deleteObject', oid(1), tid(3)]);
    for (const method of ['loadBefore', 'loadSerial']) await see.ask(method, oid(1), latest);
    await see.ask('loadSerial', oid(1), tid(4));
    await see.ask('loadBefore', oid(1), tid(4));
    await see.ask('getTid', oid(1));
    await see.ask('history', oid(1), 2);
    await see.commit(5, store(1, tid(3), 'again'));
    await see.commit(6, store(1, tid(4), 'again'));
    await see.ask('loadBefore', oid(1), latest);
    await see.commit(7, ['undoa', undoId(4)]);
    await see.commit(8, ['undoa', undoId(6)], ['undoa', undoId(4)]);
    await see.ask('loadBefore', oid(1), latest);
    await see.iterate(null, tid(7));
  },

  'what can be undone': async (see) => {
    await see.ask('undoLog', 0, -20);
    await fill(see);
    await see.commit(4, store(3, tid(2), 'c2'));
    for (const [first, last] of [
      [0, -20],
      [0, -2],
      [1, 3],
      [3, 2],
      [2, -1],
      [9, -1],
    ] as const) {
      await see.ask('undoLog', first, last);
    }
    await see.ask('undoInfo', 0, -20, { user_name: Buffer.from('user 1') });
    await see.ask('undoInfo', 1, -20, { user_name: Buffer.from('user 1') });
    await see.ask('undoInfo', 0, -20, { number: 2, user_name: Buffer.from('user 0') });
    await see.ask('undoInfo', 0, -20, { number: 2, user_name: 'user 0' });
    await see.ask('undoInfo', 0, -20, null);
  },

  'undo, redo and the undo of a creation': async (see) => {
    await fill(see);
    await see.commit(4, ['undoa', undoId(3)]);
    for (const number of [1, 2]) await see.ask('loadBefore', oid(number), latest);
    await see.commit(5, ['undoa', undoId(4)]);
    for (const number of [1, 2]) await see.ask('loadBefore', oid(number), latest);
    await see.ask('history', oid(1), 9);
    await see.commit(6, store(4, zero, 'd'));
    await see.commit(7, ['undoa', undoId(6)]);
    await see.ask('loadBefore', oid(4), latest);
    await see.ask('loadSerial', oid(4), tid(7));
    await see.ask('getTid', oid(4));
    await see.commit(8, ['undoa', undoId(7)]);
    await see.ask('loadBefore', oid(4), latest);
    await see.commit(9, ['undoa', undoId(8)], ['undoa', undoId(5)]);
    await see.ask('loadBefore', oid(1), latest);
    await see.iterate(tid(4), null);
    await see.ask('undoLog', 0, -20);
  },

  'undo where later changes are in the way, and of what there is not': async (see) => {
    await fill(see);
    await see.commit(4, ['undoa', undoId(2)]);
    await see.commit(5, ['undoa', undoId(1)]);
    await see.commit(6, ['undoa', undoId(7)]);
    await see.commit(7, store(1, tid(3), 'a2'));
    // The record is what it was: nothing stands in the way.
    await see.commit(8, ['undoa', undoId(2)]);
    await see.ask('loadBefore', oid(1), latest);
    await see.ask('loadBefore', oid(3), latest);
  },

  'iteration of transactions, ranges and records': async (see) => {
    await see.iterate(null, null);
    await fill(see);
    await see.iterate(null, null);
    await see.iterate(tid(2), tid(2));
    await see.iterate(tid(2), null);
    await see.iterate(null, tid(1));
    await see.iterate(tid(4), null);
    await see.currentRecords();
    await see.ask('record_iternext', oid(2));
    await see.ask('record_iternext', oid(4));
    await see.ask('iterator_next', 99);
    await see.ask('iterator_record_start', 99, tid(1));
    const id = await see.ask('iterator_start', null, null);
    await see.ask('iterator_next', id);
    await see.ask('iterator_record_start', id, tid(2));
    await see.ask('iterator_gc', [id]);
    await see.ask('iterator_next', id);
  },

  'invalidations since a transaction': async (see) => {
    await fill(see);
    await see.commit(4, ['undoa', undoId(3)]);
    for (const number of [1, 2, 3, 4]) {
      const found = (await see.ask('getInvalidations', tid(number))) as [Uint8Array, Uint8Array[]];
      found[1].sort(Buffer.compare);
      see.lines.pop();
      see.lines.push({ after: `getInvalidations ${number}`, answer: found });
    }
  },

  'restored transactions, with their statuses and pointers': async (see) => {
    await fill(see);
    await see.commit(
      4,
      ['restorea', oid(1), tid(4), record('restored'), null],
      ['restorea', oid(2), tid(4), record('b', oid(3)), tid(1)],
      ['restorea', oid(3), tid(4), null, null],
    );
    for (const number of [1, 2, 3]) await see.ask('loadBefore', oid(number), latest);
    await see.iterate(tid(4), null);
    await see.ask('undoLog', 0, -20);
  },

  'packing, at once and again, and what is left': async (see) => {
    await see.ask('pack', timeOf(1) / 1000, 1);
    await fill(see);
    await see.commit(4, store(0, tid(1), 'root', oid(2)), store(5, zero, 'nobody refers to it'));
    await see.commit(5, store(2, tid(3), 'b3', oid(3)));
    await see.commit(6, ['undoa', undoId(5)]);
    for (const until of [2.5, 4.5, 4.5, 1]) {
      await see.ask('pack', timeOf(until) / 1000, 1);
      await see.iterate(null, null);
      await see.currentRecords();
      await see.ask('undoLog', 0, -20);
      for (const number of [0, 1, 2, 3, 5]) await see.ask('history', oid(number), 9);
      await see.ask('loadBefore', oid(2), tid(3));
    }
    await see.commit(7, ['undoa', undoId(3)]);
    await see.commit(8, ['undoa', undoId(6)]);
    await see.ask('loadBefore', oid(2), latest);
  },

  'packing up to before an undo, which has put an older record back': async (see) => {
    await see.commit(1, store(0, zero, 'root', oid(1)), store(1, zero, 'a', oid(2)), store(2, zero, 'b'));
    await see.commit(2, store(0, tid(1), 'root 2', oid(1)), store(1, tid(1), 'refers to nobody'));
    await see.commit(3, store(0, tid(2), 'root 3', oid(1)));
    await see.commit(4, ['undoa', undoId(2)], ['undoa', undoId(3)]);
    await see.commit(5, store(1, tid(2), 'refers to nobody yet'));
    await see.commit(6, ['undoa', undoId(5)]);
    await see.commit(7, store(3, zero, 'another'), store(1, tid(6), 'again'));
    await see.commit(8, ['undoa', undoId(7)]);
    await see.ask('pack', timeOf(3.5) / 1000, 1);
    await see.iterate(null, null);
    for (const number of [0, 1, 2]) await see.ask('history', oid(number), 9);
    await see.ask('loadBefore', oid(2), latest);
  },

  'packing up to before an undo, which brings a reference back': async (see) => {
    await see.commit(1, store(0, zero, 'root', oid(1)), store(1, zero, 'a', oid(2)), store(2, zero, 'b'));
    await see.commit(2, store(0, tid(1), 'root 2', oid(1)));
    await see.commit(3, store(1, tid(1), 'refers to nobody'));
    await see.commit(4, ['undoa', undoId(3)]);
    await see.ask('pack', timeOf(3.5) / 1000, 1);
    await see.iterate(null, null);
    for (const number of [0, 1, 2]) await see.ask('history', oid(number), 9);
    await see.ask('loadBefore', oid(2), latest);
    await see.ask('loadSerial', oid(1), tid(1));
  },

  'packing that has nothing to remove': async (see) => {
    await see.commit(1, store(0, zero, 'root', oid(1)), store(1, zero, 'a'));
    await see.ask('pack', timeOf(2) / 1000, 1);
    await see.iterate(null, null);
    await see.ask('undoLog', 0, -20);
  },
};

for (const version of zeoVersions) {
  const { missing } = findZeo(version);
  for (const encoding of ['Z5', 'M5'] as const) {
    describe(`The embedded server answers as ZEO ${version} does with ${encoding}:`, {
      skip: missing,
    }, () => {
      let real: PythonZeoServer;
      let embedded: ZeoServer;
      // A storage each: a server takes a second to start.
      const storages = Object.keys(scenarios).map((_, index) => `storage-${index}`);
      before(async () => {
        real = await startZeoServer({ version, msgpack: encoding === 'M5', storages });
        embedded = await ZeoServer.listen({
          encoding,
          storages: new Map(storages.map((id) => [id, new MemoryStorage({ referencesOf })])),
        });
      });
      after(async () => {
        await real.stop();
        await embedded.close();
      });

      for (const [index, [name, scenario]] of Object.entries(scenarios).entries()) {
        it(name, async () => {
          const storage = `storage-${index}`;
          const expected = await observe(real, storage, scenario);
          assert.deepEqual(await observe(embedded, storage, scenario), expected);
        });
      }
    });
  }
}
