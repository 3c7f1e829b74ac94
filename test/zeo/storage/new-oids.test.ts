import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Value } from '#src/zeo/encoding/values.js';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { formatId } from '#src/zodb/ids.js';
import { id, ScriptedPeer, silence } from './scripted-peer.js';

describe('New object ids', () => {
  // BasicStorage; ClientStorage.new_oid
  it('are fetched a hundred at a time, for all waiting callers, in order', async () => {
    const peer = await ScriptedPeer.listen({
      handlers: {
        new_oids: () => Array.from({ length: 100 }, (_, index) => id(peer.count('new_oids') * 1000 + index)),
      },
    });
    await using storage = await ClientStorage.open(peer.address);
    const oids = await Promise.all(Array.from({ length: 150 }, () => storage.newOid()));
    assert.equal(peer.count('new_oids'), 2);
    assert.equal(new Set(oids.map(formatId)).size, 150);
    assert.deepEqual(oids.slice(0, 2), [id(1000), id(1001)]);
    peer.cut();
    await once(storage, 'connected');
    assert.deepEqual(await storage.newOid(), id(3000));
    peer.cut();
    await once(storage, 'connected');
    peer.handlers.new_oids = () => [];
    await assert.rejects(storage.newOid(), { code: 'ERR_ZEO_PROTOCOL' });
    await peer.close();
  });

  it('are rejected if there are none, too many, or malformed ones', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const many = (count: number) => Array.from({ length: count }, (_, index) => id(1000 + index));
    const answers: Value[] = [
      many(101),
      many(200_000),
      [],
      null,
      7,
      'text',
      id(1),
      [id(1), null],
      [id(1).subarray(1)],
      [[id(1)]],
    ];
    for (const answer of answers) {
      peer.handlers.new_oids = () => answer;
      await assert.rejects(storage.newOid(), { name: 'ProtocolError', code: 'ERR_ZEO_PROTOCOL' });
    }
    peer.handlers.new_oids = () => many(100);
    assert.deepEqual(await storage.newOid(), id(1000));
    assert.equal(storage.generation, 1);
  });

  it('are waited for by each caller until its own signal aborts', async () => {
    let answer: (oids: Value) => void = () => {};
    await using peer = await ScriptedPeer.listen({
      handlers: {
        new_oids: () =>
          new Promise((resolve) => {
            answer = resolve;
          }),
      },
    });
    await using storage = await ClientStorage.open(peer.address);
    const enough = new Error('enough');
    const controller = new AbortController();
    const impatient = assert.rejects(storage.newOid(controller.signal), enough);
    const patient = [storage.newOid(), storage.newOid(new AbortController().signal)];
    while (peer.count('new_oids') === 0) await turn();
    controller.abort(enough);
    await impatient;
    answer([id(1000), id(1001), id(1002)]);
    assert.deepEqual(await Promise.all(patient), [id(1000), id(1001)]);
    await assert.rejects(storage.newOid(controller.signal), enough);
    assert.deepEqual(await storage.newOid(), id(1002));
    // Ids that no caller waits for any more go to the next callers.
    const late = new AbortController();
    const givenUp = assert.rejects(storage.newOid(late.signal), enough);
    while (peer.count('new_oids') === 1) await turn();
    late.abort(enough);
    await givenUp;
    answer([id(1003)]);
    assert.deepEqual(await storage.newOid(), id(1003));
    assert.equal(peer.count('new_oids'), 2);
  });

  it('may fail to be fetched when no caller waits any more', async () => {
    await using peer = await ScriptedPeer.listen({ handlers: { new_oids: () => silence } });
    await using storage = await ClientStorage.open(peer.address);
    const controller = new AbortController();
    const givenUp = assert.rejects(storage.newOid(controller.signal), { name: 'AbortError' });
    while (peer.count('new_oids') === 0) await turn();
    controller.abort();
    await givenUp;
    peer.cut();
    await once(storage, 'connected');
  });
});
