import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rename, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { ZeoServer } from 'zeo-keepalive/testing';
import { mostUngreeted } from '#src/guard/backend.js';
import { until } from '../support/turning-clock.js';
import { frame } from '../zeo/protocol/byte-builder.js';
import { WireClient } from '../zeo/server/wire-client.js';
import { listenRaw, ScriptedPeer } from '../zeo/storage/scripted-peer.js';
import { startGuard } from './guarded.js';
import { temporaryDirectory } from './temporary-directory.js';

const patienceMs = 20_000;

async function client(t: TestContext, guarded: { readonly port: number; readonly address: string }) {
  const client = await WireClient.register(guarded);
  t.after(() => client.close());
  return client;
}

/** An address that nobody listens on. */
async function unusedPort(): Promise<number> {
  await using server = await ZeoServer.listen();
  return server.port;
}

describe('An address with servers behind it', { timeout: 90_000 }, () => {
  it('gives a client the first server of the list', async (t) => {
    await using first = await ZeoServer.listen();
    await using second = await ZeoServer.listen();
    const guarded = await startGuard(t, [first.address, second.address]);
    await client(t, guarded);
    await client(t, guarded);
    assert.deepEqual([first.connections.size, second.connections.size], [2, 0]);
  });

  it('passes over a server that does not greet, at once for the next client', async (t) => {
    let accepted = 0;
    await using mute = await listenRaw((socket) => {
      accepted += 1;
      socket.resume();
    });
    await using second = await ZeoServer.listen();
    const guarded = await startGuard(t, [mute.address, second.address], { timeout: 0.5 });
    const down = once(guarded.frontend, 'serverDown');
    await client(t, guarded);
    const [backend, error] = await down;
    assert.equal(backend.name, mute.address);
    assert.match(error.message, /did not greet within 0.5 s/);
    const before = accepted;
    await client(t, guarded);
    assert.equal(second.connections.size, 2);
    // Nobody but the guard itself asks whether it greets by now.
    await until(() => accepted > before + 1, patienceMs, 'it is tried again');
  });

  it('goes back to a server as soon as it greets again', async (t) => {
    const port = await unusedPort();
    await using second = await ZeoServer.listen();
    const guarded = await startGuard(t, [`127.0.0.1:${port}`, second.address]);
    await client(t, guarded);
    const up = once(guarded.frontend, 'serverUp');
    await using first = await ZeoServer.listen({ port });
    await up;
    await client(t, guarded);
    assert.deepEqual([first.connections.size, second.connections.size], [1, 1]);
  });

  it('holds a client while no server greets, and serves it when one does', async (t) => {
    const port = await unusedPort();
    const guarded = await startGuard(t, [`127.0.0.1:${port}`]);
    const down = once(guarded.frontend, 'serverDown');
    const registered = client(t, guarded);
    await down;
    await using server = await ZeoServer.listen({ port });
    await (await registered).call('ping');
    assert.equal(server.connections.size, 1);
  });

  it('resets a client in the end, and accepts nobody until a server greets', async (t) => {
    const port = await unusedPort();
    await using mute = await listenRaw((socket) => socket.resume());
    const guarded = await startGuard(t, [`127.0.0.1:${port}`, mute.address], { timeout: 0.3 });
    const refused = once(guarded.frontend, 'refused');
    const closed = once(guarded.frontend, 'closed');
    const startedMs = performance.now();
    const held = connect({ port: guarded.port });
    const [error] = await once(held, 'error');
    assert.equal(error.code, 'ECONNRESET');
    assert.ok(performance.now() - startedMs > 4000, 'it was held for a while');
    const [{ message }] = await refused;
    const reasons = [
      `Cannot connect to 127.0.0.1:${port}: ECONNREFUSED`,
      `${mute.address} did not greet within 0.3 s`,
    ];
    assert.equal(message, `No server greets: ${reasons.join('; ')}`);
    await closed;
    const [late] = await once(connect({ port: guarded.port }), 'error');
    assert.equal(late.code, 'ECONNREFUSED');
    const opened = once(guarded.frontend, 'opened');
    await using server = await ZeoServer.listen({ port });
    await opened;
    await client(t, guarded);
    assert.equal(server.connections.size, 1);
  });

  it('serves many clients that come at once, one after the other', async (t) => {
    await using server = await ZeoServer.listen();
    const { port } = await startGuard(t, [server.address], { period: 60 });
    const clients = Array.from({ length: 200 }, () => connect({ port }).on('error', () => {}));
    t.after(() => {
      for (const client of clients) client.destroy();
    });
    const startedMs = performance.now();
    await Promise.all(clients.map((client) => once(client, 'data')));
    assert.ok(performance.now() - startedMs > 1000, 'all were connected at once');
    assert.equal(server.connections.size, 200);
  });

  it('begins a bounded number of connections to a server that leads back to it', async (t) => {
    let accepted = 0;
    let port = 0;
    // As another guard that has this one for its server.
    await using detour = await listenRaw((socket) => {
      accepted += 1;
      const back = connect({ port }).on('error', () => {});
      socket.resume().on('close', () => back.destroy());
    });
    const guarded = await startGuard(t, [detour.address], { timeout: 1 });
    port = guarded.port;
    const down = once(guarded.frontend, 'serverDown');
    const stranger = connect({ port }).on('error', () => {});
    t.after(() => stranger.destroy());
    const [, error] = await down;
    assert.match(
      error.message,
      /did not greet within 1 s on any of 32 connections: .* leads back to this guard/,
    );
    assert.equal(accepted, mostUngreeted);
  });

  it('passes over a server that greets and ends, and says so', async (t) => {
    await using crashing = await listenRaw((socket) => socket.end(frame('Z5')));
    await using second = await ZeoServer.listen();
    const guarded = await startGuard(t, [crashing.address, second.address]);
    const down = once(guarded.frontend, 'serverDown');
    const first = connect({ port: guarded.port }).resume();
    await once(first, 'close');
    const [backend, error] = await down;
    assert.equal(backend.name, crashing.address);
    assert.match(error.message, /greeted, but ended the connection before it accepted a registration/);
    await client(t, guarded);
    assert.equal(second.connections.size, 1);
  });

  it('finds a server dead that has only a client which never registers', async (t) => {
    let isMute = false;
    await using server = await listenRaw((socket) => {
      if (!isMute) socket.resume().write(frame('Z5'));
    });
    const { frontend, port } = await startGuard(t, [server.address], { timeout: 0.3 });
    const idle = connect({ port }).on('error', () => {});
    t.after(() => idle.destroy());
    await once(idle, 'data');
    isMute = true;
    const down = once(frontend, 'serverDown');
    frontend.probe();
    const [, error] = await down;
    assert.match(error.message, /did not greet within/);
  });

  it('leaves a server up of which a client has lost its own connection', async (t) => {
    const accepted: Socket[] = [];
    // As ZEO's, which ends a connection on which it cannot decode what it is sent.
    await using server = await listenRaw((socket) => {
      accepted.push(socket);
      socket.once('data', () => socket.destroy()).write(frame('Z5'));
    });
    const { frontend, port } = await startGuard(t, [server.address]);
    const downs: Error[] = [];
    frontend.on('serverDown', (_, error) => downs.push(error));
    const strange = connect({ port }).on('error', () => {});
    await once(strange, 'data');
    strange.write(frame('Z5'));
    await until(() => accepted.length === 2, patienceMs, 'a connection of the guard itself');
    const [, own] = accepted;
    await until(() => own?.destroyed === true, patienceMs, 'the end of that connection');
    assert.deepEqual([downs, frontend.backends[0]?.isUp], [[], true]);
  });

  it('does not let clients come back at once to a server that greets and ends', async (t) => {
    let accepted = 0;
    await using crashing = await listenRaw((socket) => {
      accepted += 1;
      socket.end(frame('Z5'));
    });
    const { frontend, port } = await startGuard(t, [crashing.address]);
    let downs = 0;
    let relayed = 0;
    frontend
      .on('serverDown', () => {
        downs += 1;
      })
      .on('relayed', () => {
        relayed += 1;
      });
    // As Python's client, which connects again at once.
    const startMs = performance.now();
    while (downs < 3) await once(connect({ port }).resume(), 'close');
    // Two rests of a second each.
    assert.ok(performance.now() - startMs > 1900, 'it was left alone');
    // One for each time that it is up, of which the last was over when the loop ended.
    assert.equal(relayed, 4);
    // Before each of them, but the first, and after each the guard makes one of its own.
    assert.ok(accepted <= 11, `${accepted} connections`);
  });

  it('passes over a server that announces a greeting of 4 GiB', async (t) => {
    await using strange = await listenRaw((socket) =>
      socket.resume().write(Uint8Array.of(255, 255, 255, 255)),
    );
    await using second = await ZeoServer.listen();
    const guarded = await startGuard(t, [strange.address, second.address]);
    const down = once(guarded.frontend, 'serverDown');
    await client(t, guarded);
    const [backend, error] = await down;
    assert.equal(backend.name, strange.address);
    assert.equal(error.code, 'ERR_ZEO_NOT_ZEO');
  });

  it('serves others during and after a flood of clients that leave at once', async (t) => {
    await using server = await ZeoServer.listen();
    const guarded = await startGuard(t, [server.address]);
    const connected = await client(t, guarded);
    for (let wave = 0; wave < 20; wave++) {
      const flood = Array.from({ length: 100 }, () => connect({ port: guarded.port }));
      await Promise.all(flood.map((socket) => once(socket, 'connect')));
      for (const socket of flood) socket.resetAndDestroy();
      await connected.call('ping');
    }
    // With a place for each of them the next client would be connected after more than ten seconds.
    const next = client(t, guarded);
    await until(() => server.connections.size === 2, 5000, 'the next client is served');
    await (await next).call('ping');
  });

  it('lets go of a client that does not wait', async (t) => {
    const peer = await ScriptedPeer.listen();
    t.after(() => peer.close());
    await using mute = await listenRaw((socket) => socket.resume());
    const guarded = await startGuard(t, [mute.address, peer.address], { timeout: 1 });
    let isDown = false;
    guarded.frontend.on('serverDown', () => {
      isDown = true;
    });
    const impatient = connect({ port: guarded.port });
    await once(impatient, 'connect');
    impatient.destroy();
    await client(t, guarded);
    assert.ok(isDown);
    assert.deepEqual([guarded.relays.length, peer.accepted], [1, 1]);
  });

  it('does not hold it against a server that a client left before its greeting', async (t) => {
    let downs = 0;
    let noteClosed = () => {};
    const closed = new Promise<void>((resolve) => {
      noteClosed = resolve;
    });
    await using slow = await listenRaw((socket) => socket.resume().once('close', () => noteClosed()));
    const guarded = await startGuard(t, [slow.address], { timeout: 60 });
    guarded.frontend.on('serverDown', () => {
      downs += 1;
    });
    const impatient = connect({ port: guarded.port });
    await once(impatient, 'connect');
    impatient.destroy();
    await closed;
    assert.equal(downs, 0);
  });

  it('listens on a unix socket, and connects to one', async (t) => {
    const directory = await temporaryDirectory(t);
    const peer = await ScriptedPeer.listen({ path: path.join(directory, 'zeo.sock') });
    t.after(() => peer.close());
    const listen = { path: path.join(directory, 'guard.sock') };
    const guarded = await startGuard(t, [peer.address], { listen, timeout: 0.3 });
    const relayed = await client(t, guarded);
    await until(() => peer.count('ping') > 1, patienceMs, 'pings');
    peer.handlers.ping = () => new Promise(() => {});
    await relayed.closed;
  });

  it('takes the place of a unix socket that a killed process has left', async (t) => {
    const directory = await temporaryDirectory(t);
    await using server = await ZeoServer.listen();
    const listen = { path: path.join(directory, 'guard.sock') };
    const left = createServer().listen(listen.path);
    await once(left, 'listening');
    await assert.rejects(startGuard(t, [server.address], { listen }), { code: 'EADDRINUSE' });
    // Node removes it in a close that is in order.
    await rename(listen.path, `${listen.path}.kept`);
    left.close();
    await rename(`${listen.path}.kept`, listen.path);
    await client(t, await startGuard(t, [server.address], { listen }));
  });

  it('leaves a file alone that is not a socket', async (t) => {
    const listen = { path: path.join(await temporaryDirectory(t), 'precious') };
    await writeFile(listen.path, 'data');
    await using server = await ZeoServer.listen();
    await assert.rejects(startGuard(t, [server.address], { listen }), { code: 'EADDRINUSE' });
  });

  it('listens on IPv6, and connects to it', async (t) => {
    await using server = await ZeoServer.listen({ host: '::1' });
    const listen = { host: '::1', port: 0 };
    const { frontend } = await startGuard(t, [`[::1]:${server.port}`], { listen });
    const port = Number(frontend.name.replace('[::1]:', ''));
    const socket = connect({ host: '::1', port });
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    const relayed = await WireClient.over(socket);
    await relayed.call('register', '1', false);
    assert.equal(server.connections.size, 1);
  });

  it('refuses a server that is the guard itself', async (t) => {
    const port = await unusedPort();
    for (const [host, server] of [
      ['127.0.0.1', '127.0.0.1'],
      ['127.0.0.1', 'localhost'],
      ['localhost', '127.0.0.1'],
      ['0.0.0.0', '127.0.0.3'],
      ['::', '[::1]'],
      ['::1', '[::1]'],
      ['127.0.0.1', '0.0.0.0'],
    ] as const) {
      const starting = startGuard(t, [`${server}:${port}`], { listen: { host, port } });
      await assert.rejects(starting, /leads back to this guard/, `${host} ${server}`);
    }
  });

  it('ends connections when it stops as soon as their calls are answered', async (t) => {
    const peer = await ScriptedPeer.listen();
    t.after(() => peer.close());
    const guarded = await startGuard(t, [peer.address], { period: 60 });
    const [idle, busy] = [await client(t, guarded), await client(t, guarded)];
    let answer = () => {};
    const wait = new Promise<void>((resolve) => {
      answer = resolve;
    });
    // In order, as ZEO's server answers.
    peer.handlers.get_info = () => wait.then(() => ({ name: 'late' }));
    peer.handlers.ping = (_, from) => (from === [...peer.connections][1] ? wait.then(() => null) : null);
    const call = busy.call('get_info');
    await until(() => peer.count('get_info') > 0, patienceMs, 'the call');
    const stopped = guarded.guard.stop(60_000);
    await idle.closed;
    assert.equal(busy.socket.destroyed, false);
    answer();
    assert.deepEqual(await call, { name: 'late' });
    await Promise.all([busy.closed, stopped]);
  });

  it('waits at its end also for what a client has asked for meanwhile', async (t) => {
    const peer = await ScriptedPeer.listen();
    t.after(() => peer.close());
    const guarded = await startGuard(t, [peer.address], { period: 60 });
    const busy = await client(t, guarded);
    const waiting: (() => void)[] = [];
    const inOrder = <T>(answer: T) => new Promise<T>((resolve) => waiting.push(() => resolve(answer)));
    peer.handlers.ping = () => inOrder(null);
    peer.handlers.get_info = () => inOrder({ name: 'late' });
    const stopped = guarded.guard.stop(60_000);
    await until(() => peer.count('ping') === 1, patienceMs, 'a ping');
    const call = busy.call('get_info');
    await until(() => peer.count('get_info') === 1, patienceMs, 'the call');
    waiting.shift()?.();
    await until(() => peer.count('ping') === 2, patienceMs, 'a ping behind the call');
    for (const answer of waiting) answer();
    assert.deepEqual(await call, { name: 'late' });
    await Promise.all([busy.closed, stopped]);
  });

  it('resets what is not answered within the grace', async (t) => {
    const peer = await ScriptedPeer.listen();
    t.after(() => peer.close());
    const guarded = await startGuard(t, [peer.address], { period: 60 });
    const busy = await client(t, guarded);
    peer.handlers.get_info = () => new Promise(() => {});
    peer.handlers.ping = () => new Promise(() => {});
    const call = busy.call('get_info');
    const failed = once(busy.socket, 'error');
    await Promise.all([guarded.guard.stop(50), assert.rejects(call)]);
    const [error] = await failed;
    assert.equal(error.code, 'ECONNRESET');
  });
});
