import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { id, listenRaw, ScriptedPeer, silence } from './scripted-peer.js';

const closed = { code: 'ERR_ZEO_CLOSED', retryable: false };

describe('close()', () => {
  it('rejects pending calls and later ones', async () => {
    await using peer = await ScriptedPeer.listen({ handlers: { loadBefore: () => silence } });
    const storage = await ClientStorage.open(peer.address);
    const pending = storage.load(id(1));
    while (peer.count('loadBefore') < 1) await turn();
    const disconnected = once(storage, 'disconnected');
    await Promise.all([storage.close(), assert.rejects(pending, closed)]);
    assert.equal((await disconnected)[0].error.code, 'ERR_ZEO_CLOSED');
    assert.equal(storage.ready, false);
    await assert.rejects(storage.load(id(1)), closed);
    await assert.rejects(storage.getInfo(), closed);
    await assert.rejects(storage.ping(), closed);
    storage.drop(new Error('nothing to drop'), 1);
    await storage.close();
  });

  it('rejects calls that wait for a connection', async () => {
    const storage = await ClientStorage.open({ address: 1, wait: false });
    const waiting = storage.getInfo();
    await Promise.all([storage.close(), assert.rejects(waiting, closed)]);
  });

  it('rejects a load that waits for the lock', async () => {
    await using peer = await ScriptedPeer.listen();
    const storage = await ClientStorage.open(peer.address);
    await storage.loadLock.acquire();
    const waiting = storage.load(id(1));
    await turn();
    await Promise.all([storage.close(), assert.rejects(waiting, closed)]);
  });

  it('ends an attempt to connect that is in progress', async () => {
    await using server = await listenRaw(() => {});
    const storage = await ClientStorage.open({ address: server.address, wait: false });
    await turn();
    await storage.close();
    assert.equal(storage.generation, 0);
  });

  it('may be called by a listener of any event', async () => {
    for (const name of ['connected', 'disconnected', 'reconnecting', 'invalidated'] as const) {
      await using peer = await ScriptedPeer.listen();
      const storage = await ClientStorage.open(peer.address);
      const closing = new Promise((resolve) => storage.once(name, () => resolve(storage.close())));
      peer.lastTid = id(101);
      peer.cut();
      await closing;
      await storage.close();
      assert.equal(storage.ready, false);
      await assert.rejects(storage.getInfo(), closed);
    }
  });

  it('is called at the end of the scope of an await using', async () => {
    await using peer = await ScriptedPeer.listen();
    let storage: ClientStorage;
    {
      await using scoped = await ClientStorage.open(peer.address);
      storage = scoped;
    }
    await assert.rejects(storage.ping(), closed);
  });

  for (const [what, options] of [
    ['connected', { wait: true }],
    ['connecting', { wait: false }],
  ] as const) {
    it(`lets the process exit by itself when ${what}`, async () => {
      await using peer = await ScriptedPeer.listen();
      const entry = new URL('../../../src/zeo/index.js', import.meta.url).href;
      const script = `
        const { ClientStorage } = await import(${JSON.stringify(entry)});
        const storage = await ClientStorage.open(${JSON.stringify({ address: peer.address, ...options })});
        await storage.close();
        process.stdout.write('closed');`;
      const args = ['--input-type=module', '--eval', script];
      const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 20_000 });
      assert.equal(stdout, 'closed');
    });
  }
});
