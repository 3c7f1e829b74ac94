import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Value } from '#src/zeo/encoding/values.js';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { formatId, idFromBigInt, idToBigInt, maxTid, parseId } from '#src/zodb/ids.js';
import { id, ScriptedPeer } from './scripted-peer.js';

const record = new TextEncoder().encode('record');

describe('Converting an id', () => {
  it('rejects a malformed one with ERR_ZEO_INVALID_ARGUMENT', () => {
    const invalid = { code: 'ERR_ZEO_INVALID_ARGUMENT' };
    for (const wrong of [id(7).subarray(1), new Uint8Array(9), '0000000000000007', 7, null, undefined, [7]]) {
      assert.throws(() => formatId(wrong as never), invalid);
      assert.throws(() => idToBigInt(wrong as never), invalid);
    }
    for (const wrong of [7, ['7'], id(7), null, undefined, '', 'g', '0x', '1'.repeat(17)])
      assert.throws(() => parseId(wrong as never), invalid);
    for (const wrong of ['7', 0.5, -1, Number.NaN, 2n ** 64n, -1n, null, undefined])
      assert.throws(() => idFromBigInt(wrong as never), invalid);
    const view = Uint8Array.of(1, 1, ...id(7)).subarray(2);
    assert.deepEqual([formatId(view), idToBigInt(view), parseId('0X7')], ['0000000000000007', 7n, id(7)]);
  });
});

describe('An id that a caller passes', () => {
  it('is copied at the call, so later changes of the array do not matter', async () => {
    let connect: () => void = () => {};
    const mayConnect = new Promise<void>((resolve) => {
      connect = resolve;
    });
    await using peer = await ScriptedPeer.listen();
    const { register } = peer.handlers;
    peer.handlers.register = async (args, from) => {
      await mayConnect;
      return register?.(args, from) ?? null;
    };
    const iterations = {
      iterator_start: ([, stop]: readonly Value[]) => (stop === null ? 2 : 1),
      iterator_next: ([place]: readonly Value[]) => (place === 2 ? [id(95), ' ', '', '', {}] : null),
    };
    Object.assign(peer.handlers, iterations, {
      ...{
        loadSerial: () => record,
        getTid: () => id(90),
        history: () => [],
        vote: () => [],
        tpc_abort: () => null,
      },
    });
    await using storage = await ClientStorage.open({ address: peer.address, wait: false });
    const [oid, tid] = [id(7), id(95)];
    const waiting = [
      storage.loadBefore(oid, tid),
      storage.loadSerial(oid, tid),
      storage.getTid(oid),
      storage.history(oid),
      storage.iterator(tid, tid).next(),
      storage.outcomeOf({ commitId: 'nobody’s', since: tid }),
    ];
    await turn();
    oid.fill(1);
    tid.fill(1);
    connect();
    await Promise.all(waiting);
    const sent = (method: string) =>
      peer.calls
        .filter((call) => call.method === method)
        .map(({ args }) => args.map((arg) => (arg instanceof Uint8Array ? formatId(arg) : arg)));
    const [seven, ninetyFive] = [id(7), id(95)].map(formatId);
    assert.deepEqual(sent('loadBefore'), [[seven, ninetyFive]]);
    assert.deepEqual(sent('loadSerial'), [[seven, ninetyFive]]);
    assert.deepEqual(sent('getTid'), [[seven]]);
    assert.deepEqual(sent('history'), [[seven, 1]]);
    assert.deepEqual(sent('iterator_start'), [
      [ninetyFive, ninetyFive],
      [id(96), id(100)].map(formatId),
      [ninetyFive, null],
    ]);
  });

  it('is copied when an object is stored with it', async () => {
    await using peer = await ScriptedPeer.listen({ handlers: { vote: () => [], tpc_finish: () => id(101) } });
    await using storage = await ClientStorage.open(peer.address);
    const [oid, serial] = [id(7), id(90)];
    const committed = once(storage, 'committed');
    await storage.commit({}, (transaction) => {
      const stored = transaction.store(oid, serial, record);
      oid.fill(1);
      serial.fill(1);
      return stored;
    });
    assert.deepEqual((await committed)[0].oids, [id(7)]);
    assert.deepEqual(await storage.load(id(7)), { data: record, serial: id(101) });
    const [stored] = peer.calls.filter(({ method }) => method === 'storea');
    assert.deepEqual(
      stored?.args.slice(0, 2).map((arg) => formatId(arg as Uint8Array)),
      [id(7), id(90)].map(formatId),
    );
  });

  it('is rejected above maxTid as a transaction id, not as an object id', async () => {
    await using peer = await ScriptedPeer.listen({ handlers: { tpc_abort: () => null } });
    await using storage = await ClientStorage.open(peer.address);
    const late = idFromBigInt(idToBigInt(maxTid) + 1n);
    const refused = { code: 'ERR_ZEO_INVALID_ARGUMENT', message: /at most maxTid.*8000000000000000/ };
    await assert.rejects(storage.loadBefore(id(7), late), refused);
    await assert.rejects(storage.loadSerial(id(7), late), refused);
    await assert.rejects(storage.prefetch([id(7)], late), refused);
    assert.throws(() => storage.iterator(late), refused);
    assert.throws(() => storage.iterator(undefined, late), refused);
    await assert.rejects(storage.outcomeOf({ commitId: 'nobody’s', since: late }), refused);
    await assert.rejects(storage.outcomeOf({ commitId: 'nobody’s', since: formatId(late) }), refused);
    await using transaction = await storage.tpcBegin();
    await assert.rejects(transaction.store(id(7), late, record), refused);
    await assert.rejects(transaction.checkCurrentSerialInTransaction(id(7), late), refused);
    await assert.rejects(transaction.deleteObject(id(7), late), refused);
    await transaction.store(late, maxTid, record);
    await storage.loadBefore(late, maxTid);
    await storage.sync();
    assert.deepEqual([peer.count('loadBefore'), peer.count('storea')], [1, 1]);
  });
});
