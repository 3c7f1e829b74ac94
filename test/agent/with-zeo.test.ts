import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it, type TestContext } from 'node:test';
import { KeepAlive, type KeepAliveOptions, StorageRegistry } from 'zeo-keepalive';
import { ZeoServer } from 'zeo-keepalive/testing';
import { ClientStorage } from 'zeo-keepalive/zeo';
import { captureLog } from './captured-log.js';

const oid = new Uint8Array(8);

async function setUp(t: TestContext, options: KeepAliveOptions) {
  const server = await ZeoServer.listen();
  t.after(() => server.close());
  server.storage().commit([{ oid, data: Buffer.from('first') }]);
  const storage = await ClientStorage.open({ address: server.address });
  t.after(() => storage.close());
  const databases = new StorageRegistry();
  databases.open('main', storage);
  const log = captureLog();
  const agent = new KeepAlive({ logger: log.logger, ...options }, databases, {});
  t.after(() => agent.stop());
  return { server, storage, agent, log };
}

describe('The agent over ZEO', { timeout: 60_000 }, () => {
  it('sends get_info under the load lock once a period, as the original', async (t) => {
    const { server, storage, agent, log } = await setUp(t, { period: 0.2, jitter: 0 });
    const calls: [method: string, locked: boolean][] = [];
    server.on('call', ({ method }) => calls.push([method, storage.loadLock.locked]));
    agent.start();
    for (let pings = 0; pings < 3; pings++) await once(agent, 'pingSucceeded');
    await agent.stop();
    assert.deepEqual(calls, Array(3).fill(['get_info', true]));
    assert.equal(storage.loadLock.locked, false);
    const ping = ['Sending keep alive for main', 'Keep alive for main successful'];
    assert.deepEqual(log.messages(), [
      'Keep alive thread started with period 0.2 s',
      ...[...ping, ...ping, ...ping],
      'Keep alive thread stopped',
    ]);
  });

  it('fails a hung call with a retryable error, then reads fresh data', async (t) => {
    const { server, storage, agent } = await setUp(t, { period: 0.2, timeout: 0.4 });
    agent.start();
    await once(agent, 'pingSucceeded');
    const [connection] = server.connections;
    connection?.silence();
    const hung = storage.load(oid);
    const release = await storage.loadLock.share();
    const events: string[] = [];
    storage.on('invalidated', ({ oids }) => events.push(`invalidated ${oids?.length}`));
    storage.on('connected', () => events.push('connected'));
    server.storage().commit([{ oid, data: Buffer.from('second') }]);

    await assert.rejects(hung, { code: 'ERR_ZEO_DISCONNECTED', retryable: true });
    release();
    const { data } = await storage.load(oid);
    assert.equal(Buffer.from(data).toString(), 'second');
    // The lock is released: unless a ping holds it at this moment, it is free.
    (await storage.loadLock.acquire())();
    assert.deepEqual(events, ['invalidated 1', 'connected']);
  });

  it('logs why a peer was silent, and when its connection is back', async (t) => {
    const { server, agent, log } = await setUp(t, { period: 0.2, timeout: 0.4 });
    agent.start();
    await once(agent, 'pingSucceeded');
    for (const connection of server.connections) connection.silence();
    const [died] = await once(agent, 'connectionDied');
    assert.equal(died.diagnosis, process.platform === 'linux' ? 'peer-hangs' : 'unknown');
    await log.line(({ msg }) => msg.startsWith('Connection for main is back after'));
    assert.notEqual(agent.status().connections[0]?.state, 'alive');
    await once(agent, 'pingSucceeded');
    assert.equal(agent.status().connections[0]?.state, 'alive');
  });

  it('finds a dead peer even while the main loop stalls repeatedly', async (t) => {
    const { server, agent } = await setUp(t, { period: 0.5, timeout: 0.3 });
    agent.start();
    await once(agent, 'pingSucceeded');
    for (const connection of server.connections) connection.silence();
    let dead = false;
    agent.once('connectionDied', () => {
      dead = true;
    });
    let turningMs = 0;
    while (!dead && turningMs < 5000) {
      const until = performance.now() + 150;
      while (performance.now() < until);
      const freeAt = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 20));
      turningMs += performance.now() - freeAt;
    }
    assert.ok(dead, 'not found');
  });

  it('leaves a reconnecting storage and its next connection alone', async (t) => {
    const { server, storage, agent } = await setUp(t, { period: 0.1, timeout: 10 });
    agent.start();
    await once(agent, 'pingSucceeded');
    for (const connection of server.connections) connection.silence();
    await once(agent, 'pingStarted');
    // The connection is lost by itself during the ping, and replaced by a working one.
    const failed = once(agent, 'pingFailed');
    for (const connection of server.connections) connection.destroy();
    await failed;
    if (!storage.ready) await once(storage, 'connected');
    const { generation } = storage;
    for (let pings = 0; pings < 3; pings++) await once(agent, 'pingSucceeded');
    assert.equal(storage.generation, generation);
    assert.equal(generation, 2);
  });

  let hold: NodeJS.Timeout;
  before(() => {
    hold = setInterval(() => {}, 60_000);
  });
  after(() => clearInterval(hold));
});
