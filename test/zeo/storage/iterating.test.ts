import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Value } from '#src/zeo/encoding/values.js';
import { ZeoServer } from '#src/zeo/server/index.js';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { zeroId } from '#src/zodb/ids.js';
import { id, ScriptedPeer } from './scripted-peer.js';

const record = new TextEncoder().encode('record');
const enough = new Error('enough');

/** A server with iterators, which can hold back the reply to one method. */
class Iterators {
  readonly #peer: ScriptedPeer;
  /** The method whose reply is held back. */
  held: string | undefined;
  #answer: (() => void) | undefined;

  constructor(peer: ScriptedPeer) {
    this.#peer = peer;
    const answers: Record<string, Value> = {
      iterator_start: 1,
      iterator_next: [id(90), ' ', '', '', {}],
      iterator_record_start: 2,
      iterator_record_next: [id(7), id(90), record, null],
    };
    for (const [method, answer] of Object.entries(answers)) {
      peer.handlers[method] = () =>
        method !== this.held
          ? answer
          : new Promise((resolve) => {
              this.#answer = () => resolve(answer);
            });
    }
  }

  /** Resolves when the method has been called. */
  async whenAsked(): Promise<void> {
    while (this.#answer === undefined) await turn();
  }

  answer(): void {
    this.#answer?.();
  }

  /** The cursors that were released, once there are at least `count`. */
  async released(count: number): Promise<Value[]> {
    while (this.#peer.count('iterator_gc') < count) await turn();
    return this.#peer.calls
      .filter(({ method }) => method === 'iterator_gc')
      .map(({ args }) => args[0] as Value);
  }
}

async function iterate(storage: ClientStorage, signal?: AbortSignal): Promise<void> {
  for await (const transaction of storage.iterator(undefined, undefined, signal)) {
    for await (const _ of transaction);
  }
}

describe('Iterations', () => {
  // IterationTests.checkIteratorParallel, checkIteratorGCSpanTransactions, checkIteratorGCStorageCommitting
  it('run in parallel, and include what is committed meanwhile', async () => {
    await using server = await ZeoServer.listen();
    await using storage = await ClientStorage.open(server.address);
    const commit = (serial: Uint8Array) =>
      storage.commit({}, (transaction) => transaction.store(zeroId, serial, record));
    const first = await commit(zeroId);
    const second = await commit(first);
    const [one, other] = [storage.iterator(), storage.iterator(second)];
    assert.deepEqual((await one.next()).value?.tid, first);
    assert.deepEqual((await other.next()).value?.tid, second);
    const third = await commit(second);
    await (await storage.tpcBegin()).tpcAbort();
    assert.deepEqual((await one.next()).value?.tid, second);
    assert.deepEqual([(await one.next()).done, (await other.next()).done], [true, true]);
    assert.deepEqual(storage.lastTransaction(), third);
  });

  it('reject a malformed reply for their cursor', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    new Iterators(peer);
    for (const cursor of [null, 'one', [1], id(1), 0.5, {}]) {
      peer.handlers.iterator_start = () => cursor;
      await assert.rejects(iterate(storage), { code: 'ERR_ZEO_PROTOCOL', message: /iterator_start/ });
    }
    assert.equal(storage.generation, 1);
  });
});

// IterationTests.checkIteratorGCProtocol, checkIteratorExhaustionStorage, checkIteratorGCStorageDisconnect
describe('An iteration that is stopped', () => {
  const released: Record<string, Value[]> = {
    iterator_start: [[1]],
    iterator_next: [[1]],
    iterator_record_start: [[1], [2]],
    iterator_record_next: [[2], [1]],
  };
  for (const [method, cursors] of Object.entries(released)) {
    it(`during ${method} rejects at once, and releases its cursor`, async () => {
      await using peer = await ScriptedPeer.listen();
      await using storage = await ClientStorage.open(peer.address);
      const held = new Iterators(peer);
      held.held = method;
      const controller = new AbortController();
      const iterating = assert.rejects(iterate(storage, controller.signal), enough);
      await held.whenAsked();
      controller.abort(enough);
      await iterating;
      held.answer();
      assert.deepEqual(await held.released(cursors.length), cursors);
      assert.equal(storage.generation, 1);
    });
  }

  it('before it has begun sends nothing', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    new Iterators(peer);
    await assert.rejects(iterate(storage, AbortSignal.abort(enough)), enough);
    await storage.iterator().return();
    await storage.sync();
    assert.equal(peer.count('iterator_start'), 0);
  });

  it('may lose the connection while its cursor is created', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const held = new Iterators(peer);
    held.held = 'iterator_start';
    const controller = new AbortController();
    const iterating = assert.rejects(iterate(storage, controller.signal), enough);
    await held.whenAsked();
    controller.abort(enough);
    await iterating;
    peer.cut();
    await storage.close();
  });

  it('releases its cursor, and its last transaction yields no records', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const held = new Iterators(peer);
    const transactions = storage.iterator();
    const { value: transaction } = await transactions.next();
    assert.ok(transaction);
    const records = transaction[Symbol.asyncIterator]();
    await records.next();
    await records.return();
    await transactions.return();
    assert.deepEqual(await held.released(2), [[2], [1]]);
    assert.throws(() => transaction[Symbol.asyncIterator](), { code: 'ERR_ZEO_TRANSACTION' });
    assert.deepEqual(await transactions.next(), { done: true, value: undefined });
  });

  it('by a return out of both loops releases both cursors', async () => {
    await using server = await ZeoServer.listen();
    await using storage = await ClientStorage.open(server.address);
    await storage.commit({}, (transaction) => transaction.store(zeroId, zeroId, record));
    const calls: string[] = [];
    server.on('call', ({ method }) => calls.push(method));
    const first = async () => {
      for await (const transaction of storage.iterator()) for await (const { oid } of transaction) return oid;
      return undefined;
    };
    assert.deepEqual(new Uint8Array((await first()) ?? []), zeroId);
    await storage.sync();
    assert.equal(calls.filter((method) => method === 'iterator_gc').length, 2);
  });
});
