import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { PythonObject } from '#src/python/object.js';
import { frameOf } from '#src/zeo/encoding/frame.js';
import type { Value } from '#src/zeo/encoding/values.js';
import { MemoryStorage, type ServerConnection, ZeoServer } from '#src/zeo/server/index.js';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { OutcomeUnknown } from '#src/zeo/storage/outcome-unknown.js';
import { formatId, idToBigInt, zeroId } from '#src/zodb/ids.js';
import { ConflictError, ReadConflictError } from '#src/zodb/pos-exception.js';
import { Relay, type RelayedConnection } from '../../support/relay.js';
import { id, type PeerConnection, PythonError, ScriptedPeer, silence } from './scripted-peer.js';

const record = (text: string) => new TextEncoder().encode(text);
const text = ({ data }: { data: Uint8Array }) => Buffer.from(data).toString();

for (const encoding of ['Z5', 'M5'] as const) {
  describe(`A transaction with ${encoding}`, () => {
    // BasicStorage.testStoreAndLoad, testGetTid, testLen
    it('commits, and the storage knows of it before tpcFinish() resolves', async () => {
      await using server = await ZeoServer.listen({ encoding });
      await using storage = await ClientStorage.open(server.address);
      const oid = await storage.newOid();
      await using transaction = await storage.tpcBegin({
        user: 'anna',
        description: 'why',
        extension: { a: 1 },
      });
      await transaction.store(oid, zeroId, record('one'));
      assert.deepEqual(await transaction.tpcVote(), []);
      const tid = await transaction.tpcFinish();
      assert.equal(transaction.isActive, false);
      assert.deepEqual(storage.lastTransaction(), tid);
      assert.deepEqual(new Uint8Array(await storage.getTid(oid)), tid);
      assert.equal(storage.length, 1);
      assert.ok(storage.getSize() > 0);
      const [written] = server.storage().transactions;
      assert.deepEqual(Buffer.from(written?.meta.user as Uint8Array).toString(), 'anna');
      assert.deepEqual(Buffer.from(written?.meta.description as Uint8Array).toString(), 'why');
    });

    // testZEO.checkVolatileCacheWithImmediateLastTransaction
    it('is in the cache and emitted before lastTransaction() returns it', async () => {
      await using server = await ZeoServer.listen({ encoding });
      await using storage = await ClientStorage.open(server.address);
      const oid = await storage.newOid();
      const before = storage.lastTransaction();
      const emitted: unknown[] = [];
      storage.on('committed', ({ tid, oids }) => {
        emitted.push(formatId(tid), oids.map(formatId), storage.lastTransaction());
      });
      const tid = await storage.commit({}, (transaction) => transaction.store(oid, zeroId, record('one')));
      assert.deepEqual(emitted, [formatId(tid), [formatId(oid)], before]);
      const { loads } = server.storage().stats;
      assert.deepEqual(await storage.load(oid), { data: record('one'), serial: tid });
      assert.equal(server.storage().stats.loads, loads);
      const second = await storage.commit({}, (transaction) => transaction.store(oid, tid, record('two')));
      assert.equal(text(await storage.load(oid)), 'two');
      assert.deepEqual(await storage.loadBefore(oid, second), {
        data: record('one'),
        serial: tid,
        endTid: second,
      });
      assert.equal(server.storage().stats.loads, loads);
    });

    // BasicStorage.testConflicts
    it('conflicts with other commits, and the error says with which', async () => {
      await using server = await ZeoServer.listen({ encoding });
      await using one = await ClientStorage.open(server.address);
      await using two = await ClientStorage.open(server.address);
      const oid = await one.newOid();
      const first = await one.commit({}, (transaction) => transaction.store(oid, zeroId, record('first')));
      const second = await two.commit({}, (transaction) => transaction.store(oid, first, record('second')));
      const late = one.commit({}, (transaction) => transaction.store(oid, first, record('late')));
      await assert.rejects(late, (error) => {
        assert.ok(error instanceof ConflictError);
        assert.deepEqual([error.code, error.retryable], ['ERR_ZEO_CONFLICT', true]);
        assert.deepEqual(error.oid && new Uint8Array(error.oid), oid);
        assert.deepEqual(error.serials?.map(formatId), [second, first].map(formatId));
        return true;
      });
      assert.equal(text(await one.load(oid)), 'second');
      await one.commit({}, (transaction) => transaction.store(oid, second, record('third')));
    });

    // BasicStorage.test_checkCurrentSerialInTransaction
    it('fails the vote if an object it depends on has changed', async () => {
      await using server = await ZeoServer.listen({ encoding });
      await using storage = await ClientStorage.open(server.address);
      const [relied, written] = [await storage.newOid(), await storage.newOid()];
      const first = await storage.commit({}, (transaction) => transaction.store(relied, zeroId, record('1')));
      const second = await storage.commit({}, (transaction) => transaction.store(relied, first, record('2')));
      const relyingOn = (serial: Uint8Array) =>
        storage.commit({}, async (transaction) => {
          await transaction.checkCurrentSerialInTransaction(relied, serial);
          await transaction.store(written, zeroId, record('because'));
        });
      await assert.rejects(relyingOn(first), ReadConflictError);
      await relyingOn(second);
    });
  });
}

describe('A transaction', () => {
  // BasicStorage.testAbortAfterVote, testWriteAfterAbort, Synchronization.testAbortNotCommitting
  it('leaves no changes when it is aborted in any phase', async () => {
    await using server = await ZeoServer.listen();
    await using storage = await ClientStorage.open(server.address);
    const oid = await storage.newOid();
    const unvoted = await storage.tpcBegin();
    await unvoted.store(oid, zeroId, record('one'));
    await unvoted.tpcAbort();
    await unvoted.tpcAbort();
    const voted = await storage.tpcBegin();
    await voted.store(oid, zeroId, record('two'));
    await voted.tpcVote();
    await voted.tpcAbort();
    await assert.rejects(storage.load(oid), { code: 'ERR_ZEO_POS_KEY' });
    await storage.commit({}, (transaction) => transaction.store(oid, zeroId, record('three')));
    assert.equal(text(await storage.load(oid)), 'three');
    assert.equal(server.connections.size, 1);
  });

  // Synchronization.testStoreNotCommitting, testFinishNotCommitting, testBeginCommitting
  it('rejects calls that its phase does not allow, and keeps its phase', async () => {
    await using server = await ZeoServer.listen();
    await using storage = await ClientStorage.open(server.address);
    const oid = await storage.newOid();
    const unfit = { name: 'StorageTransactionError', code: 'ERR_ZEO_TRANSACTION' };
    const transaction = await storage.tpcBegin();
    await assert.rejects(transaction.tpcFinish(), unfit);
    await transaction.store(oid, zeroId, record('one'));
    const voting = transaction.tpcVote();
    await assert.rejects(transaction.tpcVote(), unfit);
    await voting;
    await assert.rejects(transaction.tpcVote(), unfit);
    await assert.rejects(transaction.store(oid, zeroId, record('two')), unfit);
    await assert.rejects(transaction.checkCurrentSerialInTransaction(oid, zeroId), unfit);
    const finishing = transaction.tpcFinish();
    await assert.rejects(transaction.tpcAbort(), unfit);
    await assert.rejects(transaction.tpcFinish(), unfit);
    await finishing;
    await assert.rejects(transaction.store(oid, zeroId, record('two')), unfit);
    await assert.rejects(transaction.deleteObject(oid, zeroId), unfit);
    await assert.rejects(transaction.undo(zeroId), unfit);
    await assert.rejects(transaction.tpcVote(), unfit);
    await assert.rejects(transaction.tpcFinish(), unfit);
    await transaction.tpcAbort();
    assert.equal(text(await storage.load(oid)), 'one');
    assert.equal(storage.generation, 1);
  });

  it('rejects arguments that cannot be sent, and can go on', async () => {
    await using server = await ZeoServer.listen();
    await using storage = await ClientStorage.open({ address: server.address, maxFrameBytes: 10_000 });
    const oid = await storage.newOid();
    await using transaction = await storage.tpcBegin();
    const invalid = { code: 'ERR_ZEO_INVALID_ARGUMENT' };
    await assert.rejects(transaction.store(oid.subarray(1), zeroId, record('')), invalid);
    await assert.rejects(transaction.store(oid, new Uint8Array(9), record('')), invalid);
    await assert.rejects(transaction.store(oid, zeroId, 'text' as never), invalid);
    await assert.rejects(transaction.checkCurrentSerialInTransaction(oid, null as never), invalid);
    await assert.rejects(transaction.undo('id' as never), invalid);
    const tooLarge = transaction.store(oid, zeroId, new Uint8Array(10_000));
    await assert.rejects(tooLarge, { code: 'ERR_ZEO_FRAME_TOO_LARGE' });
    await transaction.store(oid, zeroId, record('fits'));
    await transaction.tpcVote();
    await transaction.tpcFinish();
    assert.equal(text(await storage.load(oid)), 'fits');
    await assert.rejects(storage.tpcBegin({ user: 1 as never }), invalid);
    await assert.rejects(storage.tpcBegin({ extension: 'x' as never }), invalid);
    await assert.rejects(storage.history(oid, -1), invalid);
    await assert.rejects(storage.undoLog(0.5), invalid);
    await assert.rejects(storage.pack({ before: new Date(Number.NaN) }), invalid);
    await assert.rejects(storage.loadSerial(oid, record('short')), invalid);
    await assert.rejects(storage.getTid(record('short')), invalid);
    assert.throws(() => storage.iterator(record('short')), invalid);
    assert.equal(storage.generation, 1);
  });

  it('releases the commit lock if its metadata cannot be sent', async () => {
    await using server = await ZeoServer.listen({ encoding: 'M5' });
    await using storage = await ClientStorage.open(server.address);
    const extension = { when: new Date() as never };
    await assert.rejects(storage.tpcBegin({ extension }), { code: 'ERR_ZEO_INVALID_ARGUMENT' });
    await storage.commit({}, () => {});
  });

  // CommitLockTests, ThreadTests.checkSecondBeginFails, checkMTStores
  it('waits for the previous ones, in order, unless aborted', async () => {
    await using server = await ZeoServer.listen();
    await using storage = await ClientStorage.open(server.address);
    const order: string[] = [];
    const first = await storage.tpcBegin();
    const controller = new AbortController();
    const impatient = storage.tpcBegin({}, controller.signal);
    const others = ['second', 'third'].map((name) => storage.commit({}, () => order.push(name)));
    controller.abort(new Error('enough'));
    await assert.rejects(impatient, { message: 'enough' });
    await turn();
    order.push('first');
    await first.tpcAbort();
    await Promise.all(others);
    assert.deepEqual(order, ['first', 'second', 'third']);
  });

  it('is rejected at once when the storage is closed', async () => {
    await using server = await ZeoServer.listen();
    const storage = await ClientStorage.open(server.address);
    const first = await storage.tpcBegin();
    const closed = { code: 'ERR_ZEO_CLOSED' };
    const second = assert.rejects(storage.tpcBegin(), closed);
    await storage.close();
    await second;
    await assert.rejects(first.store(zeroId, zeroId, record('')), { code: 'ERR_ZEO_DISCONNECTED' });
    await first.tpcAbort();
    await assert.rejects(storage.tpcBegin(), closed);
    await assert.rejects(storage.newOid(), closed);
    await assert.rejects(storage.load(zeroId), closed);
    await assert.rejects(storage.history(zeroId), closed);
    await assert.rejects(storage.iterator().next(), closed);
    await assert.rejects(storage.pack(), closed);
    assert.throws(() => storage.setAddresses(1), closed);
  });

  // CommitLockTests.checkCommitLockVoteFinish, checkCommitLockVoteAbort, checkCommitLockVoteClose
  it('waits in its vote for another client’s, and can be aborted', async () => {
    await using server = await ZeoServer.listen();
    await using one = await ClientStorage.open(server.address);
    await using two = await ClientStorage.open(server.address);
    const holding = await one.tpcBegin();
    await holding.tpcVote();
    const waiting = await two.tpcBegin();
    const controller = new AbortController();
    const vote = waiting.tpcVote(controller.signal);
    while (server.storage().commitLock.waiting === 0) await turn();
    controller.abort(new Error('enough'));
    await assert.rejects(vote, { message: 'enough' });
    await assert.rejects(waiting.tpcFinish(), { code: 'ERR_ZEO_TRANSACTION' });
    await waiting.tpcAbort();
    assert.equal(server.storage().commitLock.waiting, 0);
    const patient = two.commit({}, (transaction) => transaction.store(zeroId, zeroId, record('root')));
    while (server.storage().commitLock.waiting === 0) await turn();
    await holding.tpcFinish();
    await patient;
  });

  // ReconnectionTests.checkDisconnectedAbort, ThreadTests.checkDisconnectedOnThread2Close
  it('ends with its connection, and the next uses the next connection', async () => {
    await using server = await ZeoServer.listen();
    await using storage = await ClientStorage.open(server.address);
    const transaction = await storage.tpcBegin();
    await transaction.store(zeroId, zeroId, record('lost'));
    const next = storage.tpcBegin();
    for (const connection of server.connections) connection.destroy();
    await once(storage, 'connected');
    await assert.rejects(transaction.store(zeroId, zeroId, record('lost')), { code: 'ERR_ZEO_DISCONNECTED' });
    await assert.rejects(transaction.tpcVote(), { code: 'ERR_ZEO_DISCONNECTED' });
    await transaction.tpcAbort();
    await using later = await next;
    await later.store(zeroId, zeroId, record('kept'));
    await later.tpcVote();
    await later.tpcFinish();
    assert.equal(text(await storage.load(zeroId)), 'kept');
  });

  it('ends its pending vote when it is aborted', async () => {
    await using peer = await ScriptedPeer.listen({
      handlers: { vote: () => silence, tpc_abort: () => null },
    });
    await using storage = await ClientStorage.open(peer.address);
    const transaction = await storage.tpcBegin();
    const vote = assert.rejects(transaction.tpcVote(), { code: 'ERR_ZEO_TRANSACTION' });
    await transaction.tpcAbort();
    await vote;
    assert.equal(transaction.isActive, false);
    const called = await storage.tpcBegin();
    const off = new AbortController();
    const givenUp = assert.rejects(called.tpcVote(off.signal), { message: 'enough' });
    off.abort(new Error('enough'));
    await givenUp;
    await called.tpcAbort();
  });

  it('stays aborted if that happens while a conflict is resolved', async () => {
    const conflict = { oid: id(1), serials: [id(95), id(90)], data: record('mine') };
    await using peer = await ScriptedPeer.listen({
      handlers: { vote: () => [conflict], tpc_abort: () => null },
    });
    const emitter = new EventEmitter();
    const asked = once(emitter, 'asked');
    const resolveConflict = async () => {
      const merged = once(emitter, 'merged');
      emitter.emit('asked');
      await merged;
      return record('merged');
    };
    await using storage = await ClientStorage.open({ address: peer.address, resolveConflict });
    const aborted = await storage.tpcBegin();
    const vote = assert.rejects(aborted.tpcVote(), { code: 'ERR_ZEO_TRANSACTION' });
    await asked;
    await aborted.tpcAbort();
    await using next = await storage.tpcBegin();
    emitter.emit('merged');
    await vote;
    assert.deepEqual([aborted.isActive, next.isActive], [false, true]);
    await assert.rejects(aborted.tpcFinish(), { code: 'ERR_ZEO_TRANSACTION' });
    await storage.sync();
    assert.equal(peer.count('storea'), 0);
  });

  it('rejects at once on abort, but the next waits for tpc_abort', async () => {
    const emitter = new EventEmitter();
    const forgotten = () => once(emitter, 'forgotten').then(() => null);
    await using peer = await ScriptedPeer.listen({
      handlers: { vote: () => silence, tpc_abort: forgotten },
    });
    await using storage = await ClientStorage.open(peer.address);
    const reason = new Error('enough');
    const unknown = { commitId: 'mine', since: id(90) };
    const never = new Promise(() => {});
    const calls: ((signal: AbortSignal) => Promise<unknown>)[] = [
      (signal) => storage.commit({}, () => {}, signal),
      (signal) => storage.commit({}, () => never, signal),
      (signal) => storage.outcomeOf(unknown, signal),
    ];
    for (const [index, call] of calls.entries()) {
      const controller = new AbortController();
      const called = call(controller.signal);
      while (peer.count('tpc_begin') <= 2 * index) await turn();
      await storage.sync();
      const rejected = assert.rejects(called, reason);
      controller.abort(reason);
      await rejected;
      let begun = false;
      const next = storage.tpcBegin().then((transaction) => {
        begun = true;
        return transaction.tpcAbort();
      });
      while (peer.count('tpc_abort') <= 2 * index) await turn();
      assert.equal(begun, false);
      emitter.emit('forgotten');
      while (peer.count('tpc_abort') <= 2 * index + 1) await turn();
      emitter.emit('forgotten');
      await next;
    }
  });

  it('is finished even if it is aborted during tpcFinish()', async () => {
    const controller = new AbortController();
    const tpc_finish = () => {
      controller.abort(new Error('enough'));
      return id(101);
    };
    await using peer = await ScriptedPeer.listen({ handlers: { vote: () => [], tpc_finish } });
    await using storage = await ClientStorage.open(peer.address);
    assert.deepEqual(await storage.commit({}, () => {}, controller.signal), id(101));
  });

  // ReadOnlyStorage.testWriteMethods, ConnectionTests.checkReadOnlyClient
  it('does not begin on a read-only connection', async () => {
    await using server = await ZeoServer.listen();
    await using storage = await ClientStorage.open({ address: server.address, readOnly: true });
    const refused = { name: 'ReadOnlyError', code: 'ERR_ZEO_READ_ONLY' };
    await assert.rejects(storage.tpcBegin(), refused);
    await assert.rejects(storage.newOid(), refused);
    await assert.rejects(
      storage.commit({}, () => {}),
      refused,
    );
    assert.equal(storage.generation, 1);
  });

  it('applies backpressure if objects are stored faster than sent', async () => {
    await using server = await ZeoServer.listen();
    await using storage = await ClientStorage.open(server.address);
    await using transaction = await storage.tpcBegin();
    let stored = 0;
    const big = new Uint8Array(4 * 1024 * 1024);
    const storing = transaction.store(id(1), zeroId, big).then(() => {
      stored += 1;
    });
    await Promise.resolve().then(() => {});
    assert.equal(stored, 0);
    await storing;
    await Promise.all(Array.from({ length: 8 }, (_, index) => transaction.store(id(index + 2), zeroId, big)));
    await transaction.tpcVote();
    await transaction.tpcFinish();
    assert.equal((await storage.load(id(9))).data.length, big.length);
  });
});

/** Gives the peer empty transactions with these numbers. */
function serveTransactions(peer: ScriptedPeer, numbers: readonly number[], status = ' '): void {
  let places: number[][] = [];
  peer.handlers.iterator_start = ([start, stop]) => {
    const [first, last] = [start, stop].map((tid) => tid && Number(idToBigInt(tid as Uint8Array)));
    places = [...places, numbers.filter((tid) => tid >= Number(first ?? 0) && tid <= Number(last ?? 1e9))];
    return places.length - 1;
  };
  peer.handlers.iterator_next = ([place]) => {
    const tid = places[place as number]?.shift();
    return tid === undefined ? null : [id(tid), status, '', '', {}];
  };
}

describe('A transaction that loses its connection while it is finished', () => {
  const finishing = async (storage: ClientStorage, serial = zeroId) => {
    const transaction = await storage.tpcBegin();
    await transaction.store(id(1), serial, record('maybe'));
    await transaction.tpcVote();
    return transaction.tpcFinish().then(
      () => assert.fail('It was answered'),
      (error: unknown) => {
        assert.ok(error instanceof OutcomeUnknown);
        assert.deepEqual([error.code, error.retryable], ['ERR_ZEO_OUTCOME_UNKNOWN', false]);
        return error;
      },
    );
  };

  it('has an unknown outcome, and is found if it was committed', async () => {
    await using server = await ZeoServer.listen();
    await using storage = await ClientStorage.open(server.address);
    server.on('call', ({ connection, method }) => {
      if (method !== 'tpc_finish') return;
      connection.silence();
      setImmediate(() => connection.destroy());
    });
    const error = await finishing(storage);
    const tid = await storage.outcomeOf(error);
    assert.deepEqual(tid, server.storage().lastTransaction);
    assert.deepEqual(await storage.load(id(1)), { data: record('maybe'), serial: tid });
    assert.deepEqual(storage.lastTransaction(), tid);
    // Its serialized form is enough.
    const { commitId, since } = error;
    assert.deepEqual(await storage.outcomeOf({ commitId, since }), tid);
    assert.deepEqual(await storage.outcomeOf(JSON.parse(JSON.stringify(error))), tid);
    const { aborts } = server.storage().stats;
    for (const wrong of [
      { since },
      { commitId: '', since },
      { commitId, since: id(1).subarray(1) },
      { commitId },
    ])
      await assert.rejects(storage.outcomeOf(wrong as never), { code: 'ERR_ZEO_INVALID_ARGUMENT' });
    assert.equal(server.storage().stats.aborts, aborts);
  });

  it('has an unknown outcome, and is not found if it was not committed', async () => {
    await using server = await ZeoServer.listen();
    await using relay = await Relay.listen(server.address);
    await using storage = await ClientStorage.open(relay.address);
    const transaction = await storage.tpcBegin();
    await transaction.store(id(1), zeroId, record('maybe'));
    await transaction.tpcVote();
    (relay.current as RelayedConnection).toServer.manner = { kind: 'swallow' };
    const finish = transaction.tpcFinish();
    relay.current?.reset();
    const error = await finish.catch((reason: unknown) => reason);
    assert.ok(error instanceof OutcomeUnknown);
    assert.equal((error.cause as { code?: string }).code, 'ERR_ZEO_DISCONNECTED');
    assert.equal(await storage.outcomeOf(error), undefined);
    await assert.rejects(storage.load(id(1)), { code: 'ERR_ZEO_POS_KEY' });
  });

  it('is not decided as long as the server may still commit it', async () => {
    await using server = await ZeoServer.listen();
    await using one = await ClientStorage.open(server.address);
    await using two = await ClientStorage.open(server.address);
    // Stands for a lost connection whose loss the server has not noticed.
    const undecided = await two.tpcBegin();
    await undecided.store(id(1), zeroId, record('late'));
    await undecided.tpcVote();
    let answered = false;
    const asked = one.outcomeOf({ commitId: 'nobody’s', since: zeroId }).finally(() => {
      answered = true;
    });
    while (server.storage().commitLock.waiting === 0) await turn();
    assert.equal(answered, false);
    await undecided.tpcFinish();
    assert.equal(await asked, undefined);
  });

  it('does not block other commits while it is searched for', async () => {
    await using peer = await ScriptedPeer.listen({
      handlers: { vote: () => [], tpc_abort: () => null },
    });
    serveTransactions(peer, [98, 99, 100]);
    await using storage = await ClientStorage.open(peer.address);
    assert.equal(await storage.outcomeOf({ commitId: 'nobody’s', since: id(98) }), undefined);
    const voted = peer.calls.findIndex(({ method }) => method === 'tpc_abort');
    assert.deepEqual(
      peer.calls.slice(voted, voted + 4).map(({ method }) => method),
      ['tpc_abort', 'lastTransaction', 'iterator_start', 'iterator_next'],
    );
    assert.deepEqual(
      peer.calls[voted + 2]?.args.map((bound) => formatId(bound as Uint8Array)),
      [id(99), id(100)].map(formatId),
    );
    // If nothing was committed since, only `since` itself is examined.
    const { length } = peer.calls;
    assert.equal(await storage.outcomeOf({ commitId: 'nobody’s', since: id(100) }), undefined);
    const starts = peer.calls.slice(length).filter(({ method }) => method === 'iterator_start');
    assert.deepEqual(
      starts.map(({ args }) => args),
      [[id(100), null]],
    );
  });

  for (const sinceStays of [true, false])
    it(`is undecided if a pack ${sinceStays ? 'marks' : 'removes'} its predecessor`, async () => {
      await using server = await ZeoServer.listen();
      await using storage = await ClientStorage.open(server.address);
      const memory = server.storage();
      memory.commit([{ oid: id(sinceStays ? 2 : 1), data: record('before') }]);
      await storage.sync();
      const lose = ({ connection, method }: { connection: ServerConnection; method: string }) => {
        if (method !== 'tpc_finish') return;
        connection.silence();
        setImmediate(() => connection.destroy());
      };
      server.on('call', lose);
      const serial = sinceStays ? zeroId : memory.lastTransaction;
      const error = await finishing(storage, serial);
      server.off('call', lose);
      const tid = await storage.outcomeOf(error);
      assert.deepEqual(tid, memory.lastTransaction);
      memory.commit([{ oid: id(1), data: record('replaced') }]);
      memory.pack(Date.now() + 1000);
      assert.equal(memory.transactions.length, sinceStays ? 2 : 1);
      await assert.rejects(storage.outcomeOf(error), { code: 'ERR_ZEO_OUTCOME_LOST', retryable: false });
    });

  it('is undecided if it would be the last one and a pack removed that', async () => {
    const marked = { vote: () => [], tpc_abort: () => null };
    await using peer = await ScriptedPeer.listen({ handlers: marked });
    serveTransactions(peer, [100], 'p');
    await using storage = await ClientStorage.open(peer.address);
    await assert.rejects(storage.outcomeOf({ commitId: 'mine', since: id(100) }), {
      code: 'ERR_ZEO_OUTCOME_LOST',
    });
  });

  it('is uncommitted if absent and later than the last pack', async () => {
    let now = 1_700_000_000_000;
    const memory = new MemoryStorage({ now: () => now });
    await using server = await ZeoServer.listen({ storages: new Map([['1', memory]]) });
    await using storage = await ClientStorage.open(server.address);
    const outcome = (since: Uint8Array) => storage.outcomeOf({ commitId: 'nobody’s', since });
    assert.equal(await outcome(zeroId), undefined);
    const [first, second] = ['first', 'second', 'third', 'fourth'].map((text) => {
      now += 10_000;
      return memory.commit([{ oid: id(1), data: record(text) }]);
    }) as [Uint8Array, Uint8Array];
    assert.equal(await outcome(zeroId), undefined);
    memory.pack(now - 25_000);
    assert.equal(await outcome(second), undefined);
    memory.pack(now - 15_000);
    assert.deepEqual(memory.transactions[0]?.tid, second);
    for (const since of [zeroId, first, second])
      await assert.rejects(outcome(since), { code: 'ERR_ZEO_OUTCOME_LOST' });
    assert.equal(await outcome(memory.lastTransaction), undefined);
  });

  it('is undecided if the storage has no undo and marks no packs', async () => {
    const info = { length: 1, size: 2, name: 'mapping', supportsUndo: false };
    await using peer = await ScriptedPeer.listen({
      handlers: { vote: () => [], tpc_abort: () => null, get_info: () => info },
    });
    serveTransactions(peer, [98, 99, 100]);
    await using storage = await ClientStorage.open(peer.address);
    await assert.rejects(storage.outcomeOf({ commitId: 'mine', since: id(98) }), {
      code: 'ERR_ZEO_OUTCOME_LOST',
    });
  });

  it('is not taken as committed if the reply is malformed', async () => {
    const answers: ((from: PeerConnection) => Value | typeof silence)[] = [
      () => 'no id',
      () => {
        throw new PythonError('builtins.OSError', ['disk full']);
      },
      () => {
        throw new PythonError('ZODB.POSException.StorageTransactionError', ['who knows']);
      },
      ({ socket }) => {
        socket.destroy();
        return silence;
      },
    ];
    for (const answer of answers) {
      const tpc_finish = (_: unknown, from: PeerConnection) => answer(from);
      await using peer = await ScriptedPeer.listen({ handlers: { vote: () => [], tpc_finish } });
      await using storage = await ClientStorage.open(peer.address);
      const lost = once(storage, 'disconnected');
      await finishing(storage);
      await lost;
      assert.deepEqual(storage.lastTransaction(), id(100));
    }
  });

  it('is uncommitted if the server does not know it', async () => {
    await using peer = await ScriptedPeer.listen({ handlers: { vote: () => null, tpc_finish: () => null } });
    await using storage = await ClientStorage.open(peer.address);
    await assert.rejects(
      storage.commit({}, () => {}),
      { code: 'ERR_ZEO_TRANSACTION' },
    );
    assert.equal(storage.generation, 1);
  });
});

describe('A Python object in the extension of a transaction', () => {
  // Pickled, because the session's encoder has no way to write it.
  const answer = (id: number, value: string) =>
    frameOf(Buffer.from(`\x80\x03(K${String.fromCharCode(id)}K\0X\x06\0\0\0.reply${value}t.`, 'latin1'));
  /** `{'when': datetime.datetime(b'a')}` */
  const extension = '}X\x04\0\0\0whencdatetime\ndatetime\nC\x01a\x85Rs';

  it('is returned as data, like objects in records', async () => {
    await using peer = await ScriptedPeer.listen({ handlers: { iterator_start: () => 1 } });
    await using storage = await ClientStorage.open(peer.address);
    const answering =
      (value: string) =>
      (_: unknown, { socket }: PeerConnection): typeof silence => {
        // Ids count from 1, and every call but the one-way ones is in `calls`.
        socket.write(answer(peer.calls.length, value));
        return silence;
      };
    const isDatetime = (when: unknown) => {
      assert.ok(when instanceof PythonObject);
      assert.deepEqual([String(when.class), when.args], ['datetime.datetime', [record('a')]]);
    };
    peer.handlers.undoLog = answering(`]}(X\x02\0\0\0idC\x01aX\x09\0\0\0extension${extension}ua`);
    isDatetime((await storage.undoLog())[0]?.extension.when);
    peer.handlers.iterator_next = answering(`(C\x08\0\0\0\0\0\0\0\x63C\x01 C\0C\0${extension}t`);
    isDatetime((await storage.iterator().next()).value?.extension.when);
    assert.equal(storage.generation, 1);
  });
});
