import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import tls from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { SocketTable } from '#src/threads/socket-table.js';
import { runHost } from '../hosts/run-host.js';
import { rowsOf } from '../threads/socket-rows.js';
import { CertificateAuthority } from '../tls/certificates.js';
import { PeerServer, until, watch, watchedPorts } from './watching.js';

/** Looks happen when the test says so. */
function watchByHand(t: TestContext, options: Parameters<typeof watch>[0] = {}, patterns?: string) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const watcher = watch({ ...options, lookMs: 250 }, patterns);
  // While nothing is new a look comes once a second.
  return { watcher, look: () => t.mock.timers.tick(1000), tick: (ms: number) => t.mock.timers.tick(ms) };
}

async function connected(port: number, options: Partial<net.TcpNetConnectOpts> = {}): Promise<net.Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', ...options });
  await once(socket, 'connect');
  return socket;
}

/** Returns what returns how often the socket has been looked at. */
function countLooks(socket: net.Socket): () => number {
  let looks = 0;
  let { _handle: handle } = socket as unknown as { _handle: unknown };
  Object.defineProperty(socket, '_handle', {
    configurable: true,
    get: () => {
      looks += 1;
      return handle;
    },
    set: (next) => {
      handle = next;
    },
  });
  return () => looks;
}

/** The one connection that is watched. */
function only({ table }: ReturnType<typeof watch>) {
  const rows = rowsOf(table.reader);
  assert.equal(rows.length, 1);
  return rows[0] as (typeof rows)[number];
}

const dead = new Error('Found dead');

describe('A watched socket', () => {
  it('is looked for at once if it began to connect before the watcher', async (t) => {
    await using peer = await PeerServer.listen();
    const socket = await connected(peer.port);
    const { watcher, tick } = watchByHand(t);
    using _ = watcher;
    watcher.noteEarlier([socket]);
    tick(1);
    assert.deepEqual(watchedPorts(watcher), [socket.localPort]);
    socket.destroy();
  });

  it('is looked for soon after it began to connect, and then less often', async (t) => {
    await using peer = await PeerServer.listen();
    const { watcher, tick } = watchByHand(t);
    using _ = watcher;
    tick(900);
    const socket = await connected(peer.port);
    const looks = countLooks(socket);
    tick(249);
    assert.equal(looks(), 0);
    tick(1);
    assert.equal(watcher.table.reader.count, 1);
    const atFirst = looks();
    for (let passed = 0; passed < 10_000; passed += 50) tick(50);
    assert.equal(looks() - atFirst, 10);
    socket.destroy();
  });

  it('is in the table from the first look after it connected', async (t) => {
    await using peer = await PeerServer.listen();
    const opened: number[] = [];
    const { watcher, look } = watchByHand(t, { onOpened: (slot) => opened.push(slot) });
    using _ = watcher;
    const socket = net.connect(peer.port, '127.0.0.1');
    look();
    assert.equal(watcher.table.reader.count, 0, 'it is still connecting');
    await once(socket, 'connect');
    look();
    const { slot, localPort, remotePort } = only(watcher);
    assert.deepEqual([slot, localPort, remotePort], [opened[0], socket.localPort, peer.port]);
    socket.destroy();
  });

  it('has one slot though its socket connected twice between two looks', async (t) => {
    await using peer = await PeerServer.listen();
    const { watcher, look } = watchByHand(t);
    using _ = watcher;
    const socket = await connected(peer.port);
    const closed = once(socket, 'close');
    socket.destroy();
    await closed;
    socket.connect(peer.port, '127.0.0.1');
    await once(socket, 'connect');
    look();
    const { slot, sequence } = only(watcher);
    assert.equal(watcher.drop(slot, sequence, dead), true);
    assert.equal(watcher.table.reader.count, 0);
  });

  it('counts as dropped though its own destroy throws', async (t) => {
    await using peer = await PeerServer.listen();
    const { watcher, look } = watchByHand(t);
    using _ = watcher;
    const socket = await connected(peer.port);
    look();
    const { slot, sequence } = only(watcher);
    const { destroy } = socket;
    socket.destroy = () => assert.fail('a fault of the application');
    assert.equal(watcher.drop(slot, sequence, dead), true);
    destroy.call(socket);
  });

  it('has the host that was asked for, and its address', async () => {
    await using peer = await PeerServer.listen();
    using watcher = watch({}, 'db.example.org');
    const lookup: net.LookupFunction = (_host, _options, callback) =>
      callback(null, [{ address: '127.0.0.1', family: 4 }]);
    const socket = await connected(peer.port, { host: 'db.example.org', lookup });
    const other = await connected(peer.port);
    await until(() => watcher.table.reader.count > 0);
    const { slot } = only(watcher);
    assert.deepEqual(watcher.destination(slot), {
      host: 'db.example.org',
      address: '127.0.0.1',
      port: peer.port,
    });
    assert.equal(watcher.destination(slot + 1), undefined);
    socket.destroy();
    other.destroy();
  });

  it('never has a slot when it is closed before the next look', async (t) => {
    await using peer = await PeerServer.listen();
    const { watcher, look } = watchByHand(t);
    using _ = watcher;
    for (let count = 0; count < 20; count++) {
      const socket = await connected(peer.port);
      socket.destroy();
      await once(socket, 'close');
    }
    look();
    assert.equal(watcher.table.reader.version, 0);
  });

  it('is not there when it was destroyed before it connected', async (t) => {
    const { watcher, look } = watchByHand(t);
    using _ = watcher;
    await using peer = await PeerServer.listen();
    const socket = net.connect(peer.port, '127.0.0.1');
    socket.destroy();
    const refused = net.connect(1, '127.0.0.1');
    const [error] = await once(refused, 'error');
    assert.equal(error.code, 'ECONNREFUSED');
    assert.throws(() => new net.Socket().connect({} as net.TcpNetConnectOpts), { code: 'ERR_MISSING_ARGS' });
    look();
    look();
    assert.equal(watcher.table.reader.version, 0);
  });

  it('is one when several addresses were tried for it', async () => {
    await using peer = await PeerServer.listen();
    using watcher = watch({}, 'two.example.org');
    const lookup: net.LookupFunction = (_host, _options, callback) =>
      callback(null, [
        // Nobody listens there, if this machine has IPv6 at all.
        { address: '::1', family: 6 },
        { address: '127.0.0.1', family: 4 },
      ]);
    const socket = await connected(peer.port, { host: 'two.example.org', lookup, autoSelectFamily: true });
    await until(() => watcher.table.reader.count > 0);
    assert.deepEqual(watchedPorts(watcher), peer.clientPorts);
    assert.equal(watcher.destination(only(watcher).slot)?.address, '127.0.0.1');
    socket.destroy();
  });

  it('is another one when the same object connects again', async (t) => {
    await using peer = await PeerServer.listen();
    const opened: number[] = [];
    const { watcher, look } = watchByHand(t, { onOpened: (slot) => opened.push(slot) });
    using _ = watcher;
    const socket = await connected(peer.port);
    look();
    const first = only(watcher);
    // Both before the next look.
    socket.destroy();
    await once(socket, 'close');
    socket.connect(peer.port, '127.0.0.1');
    await once(socket, 'connect');
    assert.equal(watcher.drop(first.slot, first.sequence, dead), false);
    assert.equal(socket.destroyed, false);
    look();
    const second = only(watcher);
    assert.equal(second.localPort, socket.localPort);
    assert.notDeepEqual([second.slot, second.sequence], [first.slot, first.sequence]);
    assert.deepEqual(opened, [first.slot, second.slot]);
    socket.destroy();
  });

  it('stays while one side of it is closed', async (t) => {
    await using peer = await PeerServer.listen();
    const { watcher, look } = watchByHand(t);
    using _ = watcher;
    const socket = await connected(peer.port, { allowHalfOpen: true });
    socket.resume();
    await until(() => peer.sockets.size === 1);
    for (const accepted of peer.sockets) accepted.end();
    await once(socket, 'end');
    look();
    assert.equal(only(watcher).localPort, socket.localPort);
    socket.end();
    await once(socket, 'close');
    look();
    assert.equal(watcher.table.reader.count, 0);
  });

  it('is watched with many that connect at the same time', async () => {
    await using peer = await PeerServer.listen();
    using watcher = watch();
    const sockets = await Promise.all(Array.from({ length: 350 }, () => connected(peer.port)));
    await until(() => watcher.table.reader.count === sockets.length && peer.sockets.size === sockets.length);
    assert.deepEqual(watchedPorts(watcher), peer.clientPorts);
    for (const socket of sockets) socket.destroy();
    await until(() => watcher.table.reader.count === 0);
  });

  it('may throw when it is looked at, and others are watched', async () => {
    await using peer = await PeerServer.listen();
    class Stubborn extends net.Socket {
      override setKeepAlive(): this {
        throw new Error('Not your business');
      }
    }
    using watcher = watch();
    const hostile = await connected(peer.port);
    Object.defineProperty(hostile, 'destroyed', {
      configurable: true,
      get: () => {
        throw new Error('Not your business');
      },
    });
    const stubborn = new Stubborn().connect(peer.port, '127.0.0.1');
    await once(stubborn, 'connect');
    await until(() => watcher.table.reader.count === 1);
    assert.equal(only(watcher).localPort, stubborn.localPort);
    stubborn.destroy();
    delete (hostile as { destroyed?: boolean }).destroyed;
    hostile.destroy();
  });
});

describe('Not watched', () => {
  it('are accepted sockets, unix sockets and those that are excluded', async (t) => {
    await using peer = await PeerServer.listen();
    const folder = await mkdtemp(path.join(tmpdir(), 'zeo-sockets-'));
    const file = path.join(folder, 'socket');
    const server = net.createServer((socket) => void socket.on('error', () => {}));
    server.listen(file);
    await once(server, 'listening');
    const { watcher, look } = watchByHand(t, {}, `127.0.0.0/8 !:${peer.port}`);
    using _ = watcher;
    const excluded = await connected(peer.port);
    const unix = net.connect(file);
    await once(unix, 'connect');
    look();
    assert.equal(watcher.table.reader.version, 0);
    for (const socket of [excluded, unix]) socket.destroy();
    server.close();
    await once(server, 'close');
    await rm(folder, { recursive: true });
  });

  it('are the sockets of a worker thread', async () => {
    await using peer = await PeerServer.listen();
    using watcher = watch();
    const source = `
      const { parentPort, workerData } = require('node:worker_threads');
      const socket = require('node:net').connect(workerData, '127.0.0.1', () => parentPort.postMessage('connected'));
      parentPort.once('message', () => socket.destroy());`;
    const worker = new Worker(source, { eval: true, workerData: peer.port });
    await once(worker, 'message');
    const own = await connected(peer.port);
    await until(() => watcher.table.reader.count > 0);
    assert.equal(only(watcher).localPort, own.localPort);
    own.destroy();
    worker.postMessage('end');
    await once(worker, 'exit');
  });
});

describe('Dropping', () => {
  it('destroys the socket with the error', async () => {
    await using peer = await PeerServer.listen();
    using watcher = watch();
    const socket = await connected(peer.port);
    const error = once(socket, 'error');
    await until(() => watcher.table.reader.count > 0);
    const { slot, sequence } = only(watcher);
    assert.equal(watcher.hearsErrors(slot), true);
    assert.equal(watcher.drop(slot, sequence, dead), true);
    assert.deepEqual(await error, [dead]);
    assert.equal(watcher.table.reader.count, 0);
    assert.equal(watcher.drop(slot, sequence, dead), false);
    assert.equal(watcher.hearsErrors(slot), false);
  });

  it('does not touch the socket that has the slot now', async (t) => {
    await using peer = await PeerServer.listen();
    const { watcher, look } = watchByHand(t);
    using _ = watcher;
    const first = await connected(peer.port);
    look();
    const { slot, sequence } = only(watcher);
    first.destroy();
    look();
    const second = await connected(peer.port);
    look();
    assert.equal(only(watcher).slot, slot);
    assert.equal(watcher.drop(slot, sequence, dead), false);
    assert.equal(second.destroyed, false);
    second.destroy();
  });

  it('closes without the error where nobody listens for it', async () => {
    await using peer = await PeerServer.listen();
    using watcher = watch();
    const socket = await connected(peer.port);
    await until(() => watcher.table.reader.count > 0);
    const { slot, sequence } = only(watcher);
    assert.equal(watcher.hearsErrors(slot), false);
    const hadError = new Promise((resolve) => socket.once('close', resolve));
    assert.equal(watcher.drop(slot, sequence, dead), true);
    assert.equal(await hadError, false);
  });

  it('sees that an HTTP request has nobody who listens for its error', async () => {
    await using peer = await PeerServer.listen(http.createServer(() => {}));
    using watcher = watch();
    const request = http.get({ port: peer.port, host: '127.0.0.1' });
    await until(() => watcher.table.reader.count > 0);
    const { slot, sequence } = only(watcher);
    assert.equal(watcher.hearsErrors(slot), false);
    const failed = once(request, 'error');
    assert.equal(watcher.hearsErrors(slot), true);
    watcher.drop(slot, sequence, dead);
    assert.deepEqual(await failed, [dead]);
  });

  it('reaches the TLS socket around an existing one', async () => {
    await using authority = await CertificateAuthority.create();
    await using peer = await PeerServer.listen(tls.createServer(await authority.server()));
    using watcher = watch();
    const socket = await connected(peer.port);
    const secure = tls.connect({ socket, host: '127.0.0.1', ca: authority.cert });
    await once(secure, 'secureConnect');
    await until(() => watcher.table.reader.count > 0);
    const { slot, sequence, localPort } = only(watcher);
    assert.equal(localPort, secure.localPort);
    const failed = once(secure, 'error');
    const closed = new Promise((resolve) => secure.once('close', resolve));
    assert.equal(watcher.drop(slot, sequence, dead), true);
    assert.deepEqual(await failed, [dead]);
    await closed;
  });
});

describe('The application', () => {
  /** Everything that an application may see of a socket's listeners. */
  const listenersOf = (socket: net.Socket) =>
    Object.fromEntries(socket.eventNames().map((name) => [String(name), socket.rawListeners(name).length]));

  it('finds no listener and no property on its sockets', async () => {
    await using peer = await PeerServer.listen();
    const seen = async (): Promise<unknown> => {
      const socket = new net.Socket();
      const added: unknown[] = [];
      socket.on('newListener', (name) => added.push(name));
      const returned = socket.connect(peer.port, '127.0.0.1', function (this: net.Socket) {
        added.push(this === socket);
      });
      assert.equal(returned, socket);
      await once(socket, 'connect');
      if (current !== undefined) await until(() => current?.table.reader.count === 1);
      const state = {
        added,
        listeners: listenersOf(socket),
        properties: Reflect.ownKeys(socket).sort(byText),
      };
      socket.destroy();
      await once(socket, 'close');
      return { ...state, address: socket.remoteAddress, port: socket.localPort };
    };
    const byText = (a: string | symbol, b: string | symbol) => String(a).localeCompare(String(b));
    let current: ReturnType<typeof watch> | undefined;
    const before = await seen();
    current = watch();
    const watched = await seen();
    current[Symbol.dispose]();
    // Node's own fields for what any setKeepAlive call sets are created by the first one.
    const withoutKeepAlive = (state: unknown) => {
      const { properties, ...rest } = state as { properties: (string | symbol)[] };
      return {
        ...rest,
        properties: properties.filter((key) => !/kSetKeepAlive(Interval|Count)/.test(String(key))),
      };
    };
    assert.deepEqual(withoutKeepAlive(watched), withoutKeepAlive(before));
  });

  it('does not share its async context with the watcher', async () => {
    await using peer = await PeerServer.listen();
    const storage = new AsyncLocalStorage<string>();
    const stores: unknown[] = [];
    using watcher = watch({ onOpened: () => stores.push(storage.getStore()) });
    const sockets = await storage.run('request', () =>
      Promise.all(Array.from({ length: 150 }, () => connected(peer.port))),
    );
    await until(() => watcher.table.reader.count === 150);
    for (const socket of sockets) socket.destroy();
    await until(() => watcher.table.reader.count === 0);
    assert.deepEqual(new Set(stores), new Set([undefined]));
  });

  it('has its closed sockets collected after the next look', async (t) => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    await using peer = await PeerServer.listen();
    const { watcher, look } = watchByHand(t);
    using _ = watcher;
    const connectAndClose = async (isWatched: boolean) => {
      const socket = await connected(peer.port);
      if (isWatched) look();
      socket.destroy();
      await once(socket, 'close');
      return new WeakRef(socket);
    };
    const references = [await connectAndClose(true), await connectAndClose(false)];
    look();
    await until(() => {
      collect();
      return references.every((reference) => reference.deref() === undefined);
    });
    assert.equal(watcher.table.reader.count, 0);
  });

  it('has most of many short sockets collected before the next look', async (t) => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    await using peer = await PeerServer.listen();
    const { watcher } = watchByHand(t);
    using _ = watcher;
    const references: WeakRef<net.Socket>[] = [];
    for (let count = 0; count < 150; count++) {
      const socket = await connected(peer.port);
      references.push(new WeakRef(socket));
      socket.destroy();
      await new Promise((resolve) => socket.once('close', resolve));
    }
    await until(() => {
      collect();
      return references.filter((reference) => reference.deref() !== undefined).length < 50;
    });
  });

  it('ends by itself while it is watched', async () => {
    const folder = new URL('./', import.meta.url);
    const { code, stdout } = await runHost('ends-while-watched', { folder });
    assert.deepEqual([code, stdout], [0, 'done\n']);
  });

  it('is the last one when the watcher is disposed on its behalf', async (t) => {
    await using peer = await PeerServer.listen();
    let opened = 0;
    const onOpened = () => {
      opened += 1;
      watcher[Symbol.dispose]();
    };
    const { watcher, look } = watchByHand(t, { onOpened });
    const sockets = await Promise.all(Array.from({ length: 5 }, () => connected(peer.port)));
    look();
    assert.deepEqual([opened, watcher.table.reader.count], [1, 0]);
    for (const socket of sockets) socket.destroy();
  });

  it('is looked at no more often once a burst of thousands is over', async (t) => {
    await using peer = await PeerServer.listen();
    const table = new SocketTable();
    const endpoints = { localPort: 1, remotePort: 1, remoteAddress: new Uint32Array(4) };
    const slots = Array.from({ length: 3000 }, () => table.add(endpoints) as number);
    for (const slot of slots) table.remove(slot);
    const { watcher, look, tick } = watchByHand(t, { table });
    using _ = watcher;
    const socket = await connected(peer.port);
    look();
    const looks = countLooks(socket);
    for (let passed = 0; passed < 10_000; passed += 50) tick(50);
    assert.equal(looks(), 10);
    socket.destroy();
  });

  it('keeps its connections when the watcher is disposed', async () => {
    await using peer = await PeerServer.listen();
    const watcher = watch();
    const socket = await connected(peer.port);
    await until(() => watcher.table.reader.count > 0);
    const { slot, sequence } = only(watcher);
    watcher[Symbol.dispose]();
    assert.equal(watcher.table.reader.count, 0);
    assert.equal(watcher.drop(slot, sequence, dead), false);
    socket.write('still there');
    const [chunk] = await once(socket, 'data');
    assert.equal(String(chunk), 'still there');
    socket.destroy();
  });
});
