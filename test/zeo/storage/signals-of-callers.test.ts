import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { LoadLock } from '#src/async/load-lock.js';
import { Mutex } from '#src/async/mutex.js';
import { ReadyGate } from '#src/zeo/reconnect/ready-gate.js';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { id, ScriptedPeer } from './scripted-peer.js';

const wrongs = [
  null,
  7,
  'signal',
  {},
  new EventTarget(),
  { aborted: false },
  new AbortController(),
] as never[];
const invalid = { code: 'ERR_ZEO_INVALID_ARGUMENT', message: /signal/ };

/** Passes the check for a signal, but cannot be watched. */
const unwatchable = {
  aborted: false,
  throwIfAborted: () => {},
  addEventListener: () => {
    throw new Error('unwatchable');
  },
} as never;

describe('A malformed signal', () => {
  it('is rejected by every method, and nothing is sent', async () => {
    await using peer = await ScriptedPeer.listen({ handlers: { tpc_abort: () => null } });
    await using storage = await ClientStorage.open(peer.address);
    await using transaction = await storage.tpcBegin();
    await storage.sync();
    const { length } = peer.calls;
    for (const wrong of wrongs) {
      const [tid, unknown] = [id(90), { commitId: 'mine', since: id(90) }];
      const calls = [
        () => storage.newOid(wrong),
        () => storage.tpcBegin({}, wrong),
        () => storage.commit({}, () => {}, wrong),
        () => storage.outcomeOf(unknown, wrong),
        () => storage.pack({}, wrong),
        () => storage.fetchLastTransaction(wrong),
        () => storage.sync(wrong),
        () => storage.load(tid, wrong),
        () => storage.loadBefore(tid, tid, wrong),
        () => storage.loadSerial(tid, tid, wrong),
        () => storage.getTid(tid, wrong),
        () => storage.prefetch([tid], tid, wrong),
        () => storage.history(tid, 1, wrong),
        () => storage.undoLog(0, -1, wrong),
        () => storage.undoInfo(0, -1, {}, wrong),
        () => storage.getInfo(wrong),
        () => storage.serverStatus(wrong),
        () => storage.ping(wrong),
        () => transaction.tpcVote(wrong),
      ];
      for (const call of calls) await assert.rejects(call(), invalid, String(call));
      assert.throws(() => storage.iterator(tid, tid, wrong), invalid);
      assert.throws(() => storage.currentRecords(wrong), invalid);
    }
    assert.equal(peer.calls.length, length);
  });

  it('leaves the transaction usable and the commit lock free', async () => {
    await using peer = await ScriptedPeer.listen({ handlers: { vote: () => [], tpc_abort: () => null } });
    await using storage = await ClientStorage.open(peer.address);
    const transaction = await storage.tpcBegin();
    await assert.rejects(storage.tpcBegin({}, {} as never), invalid);
    await assert.rejects(transaction.tpcVote({} as never), invalid);
    assert.deepEqual(await transaction.tpcVote(), []);
    await transaction.tpcAbort();
    await using next = await storage.tpcBegin();
    assert.equal(next.isActive, true);
  });
});

describe('A signal that cannot be watched', () => {
  it('does not leave its caller waiting for the commit lock', async () => {
    const lock = new Mutex();
    const release = await lock.acquire();
    await assert.rejects(lock.acquire(unwatchable), { message: 'unwatchable' });
    release();
    const free = Promise.race([lock.acquire(), turn('held')]);
    assert.notEqual(await free, 'held');
  });

  it('does not leave its caller waiting for the load lock', async () => {
    const lock = new LoadLock();
    const release = await lock.acquire();
    await assert.rejects(lock.acquire(unwatchable), { message: 'unwatchable' });
    await assert.rejects(lock.share(unwatchable), { message: 'unwatchable' });
    release();
    assert.equal(lock.locked, false);
    await lock.acquire();
    await assert.rejects(lock.share({} as never), invalid);
  });

  it('leaves no timer of a wait for a connection', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    const waiting = new ReadyGate().wait(60_000, () => new Error('late'), unwatchable);
    assert.equal(timers(), before);
    await assert.rejects(waiting, { message: 'unwatchable' });
  });
});
