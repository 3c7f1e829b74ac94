import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { ZeoServer } from 'zeo-keepalive/testing';
import { mostUngreeted } from '#src/guard/backend.js';
import type { Frontend } from '#src/guard/frontend.js';
import { parseAddress } from '#src/zeo/connection/address.js';
import { until } from '../support/turning-clock.js';
import { WireClient } from '../zeo/server/wire-client.js';
import { listenRaw, ScriptedPeer } from '../zeo/storage/scripted-peer.js';
import { startGuard } from './guarded.js';

const patienceMs = 20_000;
const anyPort = { host: '127.0.0.1', port: 0 };

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  await using server = await ZeoServer.listen();
  return server.port;
}

describe('A guard whose routes change', { timeout: 60_000 }, () => {
  it('gives new clients the servers of now, and leaves connections as they are', async (t) => {
    await using first = await ZeoServer.listen();
    await using second = await ZeoServer.listen();
    const guarded = await startGuard(t, [first.address]);
    const old = await WireClient.register(guarded);
    t.after(() => old.close());
    const servers = [second.address, first.address].map(parseAddress);
    const { opened, changed, closed } = await guarded.guard.reroute([{ listen: anyPort, servers }], 0);
    assert.deepEqual([opened, changed, closed], [[], [guarded.frontend], []]);
    const next = await WireClient.register(guarded);
    t.after(() => next.close());
    await Promise.all([old.call('ping'), next.call('ping')]);
    assert.deepEqual([first.connections.size, second.connections.size], [1, 1]);
    assert.deepEqual((await guarded.guard.reroute([{ listen: anyPort, servers }], 0)).changed, []);
  });

  it('serves a client that waits for a server by one that is new', async (t) => {
    await using server = await ZeoServer.listen();
    const guarded = await startGuard(t, [`127.0.0.1:${await freePort()}`]);
    const down = once(guarded.frontend, 'serverDown');
    const waiting = WireClient.register(guarded);
    await down;
    await guarded.guard.reroute([{ listen: anyPort, servers: [parseAddress(server.address)] }], 0);
    const client = await waiting;
    t.after(() => client.close());
    await client.call('ping');
  });

  it('gives clients a server of now that wait for the greeting of one that hangs', async (t) => {
    let dialled = 0;
    await using hanging = await listenRaw((socket) => {
      dialled += 1;
      socket.resume();
    });
    await using server = await ZeoServer.listen();
    const { guard, port } = await startGuard(t, [hanging.address], { period: 60, timeout: 60 });
    // Some of them wait for what becomes of the others.
    const clients = Array.from({ length: mostUngreeted + 4 }, () => connect({ port }).on('error', () => {}));
    t.after(() => {
      for (const client of clients) client.destroy();
    });
    const greeted = Promise.all(clients.map((client) => once(client, 'data')));
    await until(() => dialled === mostUngreeted, patienceMs, 'connections to the server that hangs');
    await guard.reroute([{ listen: anyPort, servers: [parseAddress(server.address)] }], 0);
    await greeted;
  });

  it('ends connections where it is not to listen, when their calls are answered', async (t) => {
    const peer = await ScriptedPeer.listen();
    t.after(() => peer.close());
    const guarded = await startGuard(t, [peer.address], { period: 60 });
    const busy = await WireClient.register(guarded);
    let answer = () => {};
    const wait = new Promise<void>((resolve) => {
      answer = resolve;
    });
    peer.handlers.get_info = () => wait.then(() => ({ name: 'late' }));
    peer.handlers.ping = () => wait.then(() => null);
    const call = busy.call('get_info');
    const other = { listen: { host: '::1', port: 0 }, servers: [parseAddress(peer.address)] };
    const { opened, closed, ended } = await guarded.guard.reroute([other], 60_000);
    assert.deepEqual([opened.length, closed], [1, [guarded.frontend]]);
    assert.deepEqual(guarded.guard.frontends, opened);
    const [refused] = await once(connect({ port: guarded.port }), 'error');
    assert.equal(refused.code, 'ECONNREFUSED');
    answer();
    assert.deepEqual(await call, { name: 'late' });
    await Promise.all([busy.closed, ended]);
  });

  it('hands over a new address before clients can connect to it', async (t) => {
    await using server = await ZeoServer.listen();
    const guarded = await startGuard(t, [server.address]);
    const servers = [parseAddress(server.address)];
    const shown: [Frontend, boolean][] = [];
    const { opened } = await guarded.guard.reroute(
      [
        { listen: anyPort, servers },
        { listen: { host: '::1', port: 0 }, servers },
      ],
      0,
      (frontend) => shown.push([frontend, frontend.isListening]),
    );
    assert.equal(opened.length, 1);
    assert.deepEqual(shown, [[opened[0], false]]);
    assert.ok(opened[0]?.isListening);
  });

  it('listens again where it gave up, and has no name twice', async (t) => {
    await using server = await ZeoServer.listen();
    const listen = { host: '127.0.0.1', port: await freePort() };
    const { guard, ...guarded } = await startGuard(t, [server.address], { listen });
    const route = { listen, servers: [parseAddress(server.address)] };
    const names = [...guarded.relays];
    const old = await WireClient.register(guarded);
    names.push(...guarded.relays);
    old.socket.pause();
    await (await guard.reroute([], 0)).ended;
    const { opened } = await guard.reroute([route], 0);
    const client = await WireClient.register(guarded);
    t.after(() => client.close());
    names.push(...(opened[0]?.relays ?? []));
    assert.equal(new Set(names.map(({ name }) => name)).size, 2);
    await client.call('ping');
  });

  it('keeps its routes if one of the others cannot be listened on', async (t) => {
    await using server = await ZeoServer.listen();
    const guarded = await startGuard(t, [server.address]);
    const taken = createServer().listen(0, '127.0.0.1');
    t.after(() => taken.close());
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    const servers = [parseAddress(server.address)];
    const free = { host: '127.0.0.1', port: await freePort() };
    const routes = [free, { host: '127.0.0.1', port }].map((listen) => ({ listen, servers }));
    await assert.rejects(guarded.guard.reroute(routes, 0), { code: 'EADDRINUSE' });
    assert.deepEqual(guarded.guard.frontends, [guarded.frontend]);
    const client = await WireClient.register(guarded);
    t.after(() => client.close());
    await client.call('ping');
    const [refused] = await once(connect(free), 'error');
    assert.equal(refused.code, 'ECONNREFUSED');
  });

  it('refuses a server that is where it listens', async (t) => {
    await using server = await ZeoServer.listen();
    const { guard, address } = await startGuard(t, [server.address]);
    const routes = [{ listen: { host: '::1', port: 0 }, servers: [parseAddress(address)] }];
    await assert.rejects(guard.reroute(routes, 0), /leads back to this guard/);
  });

  it('ends the connections to a server that another one takes the place of', async (t) => {
    await using first = await ZeoServer.listen();
    await using second = await ZeoServer.listen();
    const guarded = await startGuard(t, [first.address]);
    const old = await WireClient.register(guarded);
    const route = { listen: anyPort, servers: [parseAddress(second.address)] };
    const { changed, ended } = await guarded.guard.reroute([route], 60_000);
    assert.deepEqual(changed, [guarded.frontend]);
    await Promise.all([old.closed, ended]);
    const next = await WireClient.register(guarded);
    t.after(() => next.close());
    await next.call('ping');
    assert.equal(second.connections.size, 1);
  });

  it('opens no address any more once it is being stopped', async (t) => {
    await using server = await ZeoServer.listen();
    const { guard, frontend } = await startGuard(t, [server.address]);
    const route = { listen: { host: '::1', port: 0 }, servers: [parseAddress(server.address)] };
    const early = assert.rejects(guard.reroute([route], 0), /The guard is being stopped/);
    const stopped = guard.stop(0);
    await early;
    await assert.rejects(guard.reroute([route], 0), /The guard is being stopped/);
    await stopped;
    assert.deepEqual(guard.frontends, [frontend]);
  });
});
