import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type KeepAliveError, ProtocolError } from '#src/model/errors.js';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { id, type PeerConnection, PythonError, ScriptedPeer, silence } from './scripted-peer.js';

const maxFrameBytes = 10_000;
const large = new Uint8Array(200_000);
/** The id of the first call after `register` and `get_info`. */
const firstCallId = 3;

const open = (peer: ScriptedPeer) => ClientStorage.open({ address: peer.address, maxFrameBytes });

function onlyConnection(peer: ScriptedPeer): PeerConnection {
  const [connection] = peer.connections;
  assert.ok(connection);
  return connection;
}

/** Resolves to the reason why the connection was lost. */
async function lost(storage: ClientStorage): Promise<KeepAliveError> {
  const [{ error }] = await once(storage, 'disconnected');
  return error;
}

for (const encoding of ['Z', 'M'] as const) {
  describe(`A reply over maxFrameBytes in ${encoding}5`, () => {
    it('fails its own call, not retryably, and no other', async () => {
      await using peer = await ScriptedPeer.listen({ encoding });
      await using storage = await open(peer);
      peer.handlers.loadBefore = ([oid]) => [(oid as Uint8Array)[7] === 1 ? large : id(7), id(90), null];
      const [tooLarge, small, ping] = await Promise.allSettled([
        storage.load(id(1)),
        storage.load(id(2)),
        storage.ping(),
      ]);
      assert.ok(tooLarge?.status === 'rejected');
      const { code, retryable, message } = tooLarge.reason as KeepAliveError;
      assert.deepEqual([code, retryable], ['ERR_ZEO_FRAME_TOO_LARGE', false]);
      assert.match(message, /Reply of 2000\d\d bytes, the limit is 10000$/);
      assert.deepEqual([small?.status, ping?.status], ['fulfilled', 'fulfilled']);
      await assert.rejects(storage.load(id(1)), { code: 'ERR_ZEO_FRAME_TOO_LARGE' });
      assert.deepEqual(new Uint8Array((await storage.load(id(3))).data), id(7));
      assert.equal(storage.generation, 1);
    });

    it('fails its call even if it is an exception', async () => {
      await using peer = await ScriptedPeer.listen({ encoding });
      await using storage = await open(peer);
      peer.handlers.loadBefore = () => {
        throw new PythonError('builtins.ValueError', ['x'.repeat(20_000)]);
      };
      await assert.rejects(storage.load(id(1)), { code: 'ERR_ZEO_FRAME_TOO_LARGE' });
      await storage.ping();
      assert.equal(storage.generation, 1);
    });

    it('fails its call early, and its bytes count as received data', async () => {
      await using peer = await ScriptedPeer.listen({ encoding, handlers: { loadBefore: () => silence } });
      await using storage = await open(peer);
      const loading = storage.load(id(1));
      const { socket, session } = onlyConnection(peer);
      const answer = session.encodeReply(firstCallId, [large, id(90), null]);
      while (peer.count('loadBefore') === 0) await turn();
      socket.write(answer.subarray(0, 1000));
      await assert.rejects(loading, { code: 'ERR_ZEO_FRAME_TOO_LARGE' });
      for (const part of [answer.subarray(1000, 50_000), answer.subarray(50_000)]) {
        const before = storage.lastReceivedAt as number;
        socket.write(part);
        while ((storage.lastReceivedAt as number) <= before) await turn();
      }
      await storage.ping();
      assert.equal(storage.generation, 1);
    });

    it('is dropped if its call was aborted', async () => {
      await using peer = await ScriptedPeer.listen({ encoding, handlers: { loadBefore: () => silence } });
      await using storage = await open(peer);
      const reason = new Error('Enough');
      const controller = new AbortController();
      const loading = storage.load(id(1), controller.signal);
      while (peer.count('loadBefore') === 0) await turn();
      controller.abort(reason);
      await assert.rejects(loading, reason);
      const { socket, session } = onlyConnection(peer);
      socket.write(session.encodeReply(firstCallId, [large, id(90), null]));
      await storage.ping();
      assert.equal(storage.generation, 1);
    });

    it('ends the connection if its call was never made', async () => {
      await using peer = await ScriptedPeer.listen({ encoding });
      await using storage = await open(peer);
      const { socket, session } = onlyConnection(peer);
      socket.write(session.encodeReply(99, large));
      const error = await lost(storage);
      assert.ok(error instanceof ProtocolError);
      assert.match(error.message, /expected the id of a call that was made/);
    });
  });

  it(`Missed invalidations over maxFrameBytes in ${encoding}5 clear the cache`, async () => {
    await using peer = await ScriptedPeer.listen({ encoding });
    await using storage = await open(peer);
    await storage.load(id(7));
    peer.lastTid = id(105);
    peer.handlers.getInvalidations = () => [id(105), Array.from({ length: 2000 }, (_, index) => id(index))];
    const invalidated = once(storage, 'invalidated');
    peer.cut();
    const [{ tid, oids }] = await invalidated;
    assert.deepEqual([tid, oids], [id(105), null]);
    while (!storage.ready) await once(storage, 'connected');
    await storage.load(id(7));
    assert.equal(peer.count('loadBefore'), 2);
  });

  it(`A prefetch in ${encoding}5 skips a record over maxFrameBytes`, async () => {
    await using peer = await ScriptedPeer.listen({ encoding });
    await using storage = await open(peer);
    peer.handlers.loadBefore = ([oid]) => [(oid as Uint8Array)[7] === 1 ? large : id(7), id(90), null];
    await storage.prefetch([id(1), id(2)]);
    await storage.load(id(2));
    assert.equal(peer.count('loadBefore'), 2);
  });

  it(`An invalidation over maxFrameBytes in ${encoding}5 ends the connection`, async () => {
    await using peer = await ScriptedPeer.listen({ encoding });
    await using storage = await open(peer);
    const oids = Array.from({ length: 2000 }, (_, index) => id(index));
    peer.tell('invalidateTransaction', [id(101), oids]);
    const error = await lost(storage);
    assert.equal(error.code, 'ERR_ZEO_FRAME_TOO_LARGE');
    assert.ok(error instanceof ProtocolError);
  });
}
