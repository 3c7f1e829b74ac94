import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Value } from '#src/zeo/encoding/values.js';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { formatId } from '#src/zodb/ids.js';
import { ConflictError } from '#src/zodb/pos-exception.js';
import { id, ScriptedPeer } from './scripted-peer.js';

const record = (text: string) => new TextEncoder().encode(text);

// test_client_side_conflict_resolution.test_client_side
describe('Conflicts that a server leaves to its clients', () => {
  const conflict = { oid: id(1), serials: [id(95), id(90)], data: record('mine') };

  it('are resolved by the storage’s option, and voted on again', async () => {
    let votes = 0;
    await using peer = await ScriptedPeer.listen({
      handlers: {
        vote: () => (++votes === 1 ? [conflict, id(2)] : []),
        tpc_finish: () => id(101),
      },
    });
    await using storage = await ClientStorage.open({
      address: peer.address,
      resolveConflict: async ({ data, serials }) => record(`${Buffer.from(data)} merged on ${serials[0][7]}`),
    });
    const transaction = await storage.tpcBegin();
    await transaction.store(id(1), id(90), record('mine'));
    assert.deepEqual((await transaction.tpcVote()).map(formatId), [id(2), id(1)].map(formatId));
    await transaction.tpcFinish();
    const stores = peer.calls.filter(({ method }) => method === 'storea').map(({ args }) => args);
    assert.deepEqual(
      stores[1]?.slice(0, 3).map((arg) => Buffer.from(arg as Uint8Array)),
      [Buffer.from(id(1)), Buffer.from(id(95)), Buffer.from('mine merged on 95')],
    );
    // The current record is not the one that was stored first.
    await storage.load(id(1));
    assert.equal(peer.count('loadBefore'), 1);
  });

  it('are ConflictErrors if they are not resolved, or never end', async () => {
    await using peer = await ScriptedPeer.listen({
      handlers: { vote: () => [conflict], tpc_abort: () => null },
    });
    await using plain = await ClientStorage.open(peer.address);
    await assert.rejects(
      plain.commit({}, () => {}),
      (error) => {
        assert.ok(error instanceof ConflictError);
        assert.deepEqual(error.serials?.map(formatId), [id(95), id(90)].map(formatId));
        return true;
      },
    );
    assert.equal(peer.count('tpc_abort'), 1);
    const named = new TextEncoder().encode('cBTrees.Length\nLength\n.K\x01.');
    for (const [data, objectClass] of [
      [named, 'BTrees.Length.Length'],
      [record('mine'), undefined],
    ] as const) {
      peer.handlers.vote = () => [{ ...conflict, data }];
      await assert.rejects(
        plain.commit({}, () => {}),
        { name: 'ConflictError', objectClass },
      );
    }
    peer.handlers.vote = () => [conflict];
    await using never = await ClientStorage.open({
      address: peer.address,
      resolveConflict: () => record('again'),
    });
    await assert.rejects(
      never.commit({}, () => {}),
      ConflictError,
    );
    assert.equal(peer.count('vote'), 12);
  });

  it('make the vote fail if its reply is malformed; it can be aborted', async () => {
    await using peer = await ScriptedPeer.listen({ handlers: { tpc_abort: () => null } });
    await using storage = await ClientStorage.open({
      address: peer.address,
      resolveConflict: () => record('merged'),
    });
    const late = new Uint8Array(8).fill(255);
    const answers: Value[] = [
      ...[7, 'text', id(1), {}, true, [7], [null], [id(1).subarray(1)], [[id(1)]]],
      ...[
        { ...conflict, oid: 1 },
        { ...conflict, serials: [id(95)] },
        { ...conflict, serials: null },
      ].map((one) => [one]),
      ...[
        { ...conflict, serials: [id(95), id(90), id(80)] },
        { ...conflict, serials: [late, id(90)] },
      ].map((one) => [one]),
      ...[{ ...conflict, data: 'mine' }, { oid: id(1) }].map((one) => [id(2), one]),
    ];
    for (const answer of answers) {
      peer.handlers.vote = () => answer;
      const transaction = await storage.tpcBegin();
      await assert.rejects(transaction.tpcVote(), { name: 'ProtocolError', code: 'ERR_ZEO_PROTOCOL' });
      await assert.rejects(transaction.tpcFinish(), { code: 'ERR_ZEO_TRANSACTION' });
      await transaction.tpcAbort();
    }
    assert.equal(peer.count('storea'), 0);
    peer.handlers.vote = () => [id(1), id(2), id(1)];
    await using transaction = await storage.tpcBegin();
    assert.deepEqual(await transaction.tpcVote(), [id(1), id(2)]);
    assert.equal(storage.generation, 1);
  });

  it('are not resolved by a value that is not a record', async () => {
    await using peer = await ScriptedPeer.listen({
      handlers: { vote: () => [conflict], tpc_abort: () => null },
    });
    const resolveConflict = () => 'merged' as never;
    await using storage = await ClientStorage.open({ address: peer.address, resolveConflict });
    const transaction = await storage.tpcBegin();
    await assert.rejects(transaction.tpcVote(), { code: 'ERR_ZEO_INVALID_ARGUMENT', message: /"merged"/ });
    await transaction.tpcAbort();
    assert.equal(peer.count('storea'), 0);
  });
});
