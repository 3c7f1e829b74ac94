import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { describe, it } from 'node:test';
import {
  canReadKeepAlive,
  ensureProbes,
  probeDelayMs,
  probeDelaySeconds,
} from '#src/sockets/keep-alive-probes.js';
import { PeerServer, until, watch } from './watching.js';

async function connected(port: number, options: Partial<net.TcpNetConnectOpts> = {}): Promise<net.Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', ...options });
  await once(socket, 'connect');
  return socket;
}

/** The calls that reach the system. */
function systemCalls(socket: net.Socket): unknown[][] {
  const calls: unknown[][] = [];
  const handle = (socket as unknown as { _handle: { setKeepAlive(...args: unknown[]): number } })._handle;
  const { setKeepAlive } = handle;
  handle.setKeepAlive = (...args) => {
    calls.push(args);
    return setKeepAlive.apply(handle, args);
  };
  return calls;
}

describe('The delay of keep-alive probes', () => {
  it('is the period up to 10 s, half of it above, in whole seconds', () => {
    for (const [periodMs, delayMs] of [
      [1, 1000],
      [500, 1000],
      [1000, 1000],
      [2999, 2000],
      [10_000, 10_000],
      [10_001, 5000],
      [30_000, 15_000],
      [3_600_000, 1_800_000],
    ] as const)
      assert.equal(probeDelayMs(periodMs), delayMs);
  });

  it('can be read from a socket of this version of Node', async () => {
    assert.equal(canReadKeepAlive, true);
    await using peer = await PeerServer.listen();
    const socket = await connected(peer.port);
    assert.equal(probeDelaySeconds(socket), Infinity);
    socket.setKeepAlive(true, 7000);
    assert.equal(probeDelaySeconds(socket), 7);
    socket.setKeepAlive(false);
    assert.equal(probeDelaySeconds(socket), Infinity);
    // The system's own, two hours.
    socket.setKeepAlive(true);
    assert.equal(probeDelaySeconds(socket), Infinity);
    socket.destroy();
    const byOption = await connected(peer.port, { keepAlive: true, keepAliveInitialDelay: 9000 });
    assert.equal(probeDelaySeconds(byOption), 9);
    byOption.destroy();
  });
});

describe('Keep-alive probes', () => {
  it('are switched on where they are off, once', async () => {
    await using peer = await PeerServer.listen();
    const socket = await connected(peer.port);
    const calls = systemCalls(socket);
    ensureProbes(socket, 5000);
    ensureProbes(socket, 5000);
    assert.equal(calls.length, 1);
    assert.deepEqual(calls[0]?.slice(0, 2), [true, 5]);
    socket.destroy();
  });

  it('stay as the application has them when they come often enough', async () => {
    await using peer = await PeerServer.listen();
    for (const [delayMs, periodMs] of [
      [1000, 5000],
      [5000, 5000],
      [45_000, 60_000],
      [1000, 100],
    ] as const) {
      const socket = await connected(peer.port, { keepAlive: true, keepAliveInitialDelay: delayMs });
      const calls = systemCalls(socket);
      ensureProbes(socket, periodMs);
      assert.deepEqual(calls, []);
      socket.destroy();
    }
  });

  it('come earlier where the application has them later than the period', async () => {
    await using peer = await PeerServer.listen();
    const socket = await connected(peer.port, { keepAlive: true, keepAliveInitialDelay: 61_000 });
    ensureProbes(socket, 60_000);
    assert.equal(probeDelaySeconds(socket), 30);
    socket.destroy();
  });

  it('keep the interval and the count that the application set beside', async () => {
    await using peer = await PeerServer.listen();
    const socket = await connected(peer.port);
    const set = socket.setKeepAlive as unknown as (options: object) => void;
    const calls = systemCalls(socket);
    set.call(socket, { enable: true, initialDelay: 30_000, interval: 3000, count: 4 });
    // Before 24.21 and 26.12 an object is just something true.
    const hasInterval = calls[0]?.[2] === 3;
    ensureProbes(socket, 5000);
    assert.deepEqual(calls[1]?.slice(0, 2), [true, 5]);
    if (hasInterval) assert.deepEqual(calls[1], [true, 5, 3, 4]);
    socket.destroy();
  });

  it('are set again when a client sets its own after it connected', async () => {
    await using peer = await PeerServer.listen();
    using watcher = watch({ periodMs: 2000 });
    const socket = await connected(peer.port);
    await until(() => probeDelaySeconds(socket) === 2);
    assert.equal(watcher.table.reader.count, 1);
    // ioredis 6 does so.
    socket.setKeepAlive(true, 30_000);
    await until(() => probeDelaySeconds(socket) === 2);
    socket.destroy();
  });

  it('are those of http.Agent on its own sockets', async () => {
    await using peer = await PeerServer.listen(http.createServer((_, response) => void response.end()));
    using watcher = watch({ periodMs: 5000 });
    const agent = new http.Agent({ keepAlive: true });
    const [response] = await once(http.get({ port: peer.port, host: '127.0.0.1', agent }), 'response');
    response.resume();
    await once(response, 'end');
    await until(() => watcher.table.reader.count === 1);
    const [socket] = Object.values(agent.freeSockets).flat() as net.Socket[];
    assert.equal(probeDelaySeconds(socket as net.Socket), 1);
    agent.destroy();
  });

  it('run in the kernel, with and without an own delay', {
    skip: existsSync('/proc/self/net/tcp') ? false : 'needs /proc/net/tcp of Linux',
  }, async () => {
    await using peer = await PeerServer.listen();
    using watcher = watch({ periodMs: 2000 });
    const sockets = [
      await connected(peer.port),
      await connected(peer.port, { keepAlive: true, keepAliveInitialDelay: 60_000 }),
    ];
    await until(() => watcher.table.reader.count === 2);
    for (const socket of sockets) {
      // `02`: the timer of keep-alive probes, and when it expires in hundredths of a second.
      const [timer, whenMs] = kernelTimer(socket.localPort as number);
      assert.equal(timer, '02');
      assert.ok(whenMs <= 2000, `${whenMs} ms`);
      socket.destroy();
    }
  });
});

/** The timer of an established connection, and in how many milliseconds it expires. */
function kernelTimer(localPort: number): [string, number] {
  const port = `:${localPort.toString(16).toUpperCase().padStart(4, '0')}`;
  // The kernel may pass over a line when others before it vanish meanwhile.
  for (;;) {
    for (const line of readFileSync('/proc/self/net/tcp', 'latin1').split('\n')) {
      const [, local = '', , state, , timer = ''] = line.trim().split(/\s+/);
      if (!local.endsWith(port) || state !== '01') continue;
      const [kind = '', when = ''] = timer.split(':');
      return [kind, Number.parseInt(when, 16) * 10];
    }
  }
}
