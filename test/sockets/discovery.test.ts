import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, it } from 'node:test';
import {
  isChannelComplete,
  noteConnects,
  observeConnects,
  subscribeConnects,
  wrapConnect,
} from '#src/sockets/discovery.js';
import { runHost } from '../hosts/run-host.js';
import { PeerServer } from './watching.js';

const ways = {
  'net.connect': (port: number) => net.connect(port, '127.0.0.1'),
  'new Socket().connect': (port: number) => new net.Socket().connect(port, '127.0.0.1'),
};

describe('noteConnects', () => {
  it('notes nothing where connect is read-only, and does not throw', (t) => {
    t.after(() => Object.defineProperty(net.Socket.prototype, 'connect', { writable: true }));
    Object.defineProperty(net.Socket.prototype, 'connect', { writable: false });
    assert.deepEqual(noteConnects()(), []);
  });
});

describe('observeConnects', () => {
  for (const [name, connect] of Object.entries(ways)) {
    it(`reports a socket once, before it connects: ${name}`, async () => {
      await using peer = await PeerServer.listen();
      const seen: [net.Socket, boolean][] = [];
      using _ = observeConnects(
        (socket) => seen.push([socket, socket.connecting]),
        () => net.Socket,
      );
      const socket = connect(peer.port);
      await once(socket, 'connect');
      assert.deepEqual(seen, [[socket, false]]);
      socket.destroy();
    });
  }

  it('reports none after it was disposed', async () => {
    await using peer = await PeerServer.listen();
    const seen: net.Socket[] = [];
    observeConnects(
      (socket) => seen.push(socket),
      () => net.Socket,
    )[Symbol.dispose]();
    const socket = net.connect(peer.port, '127.0.0.1');
    await once(socket, 'connect');
    assert.deepEqual(seen, []);
    socket.destroy();
  });

  it('leaves Socket.prototype.connect alone where the channel has all', () => {
    const { connect } = net.Socket.prototype;
    using _ = observeConnects(
      () => {},
      () => net.Socket,
    );
    const isUntouched = net.Socket.prototype.connect === connect;
    assert.equal(isUntouched, isChannelComplete(process.versions.node));
  });

  it('knows from which version on the channel has all', async () => {
    for (const version of ['20.19.0', '20.99.0', '21.7.3', '22.16.0', '23.11.1', '24.0.0', '24.1.0'])
      assert.equal(isChannelComplete(version), false, version);
    for (const version of ['22.17.0', '22.23.3', '24.2.0', '24.21.0', '25.0.0', '26.12.1'])
      assert.equal(isChannelComplete(version), true, version);
    await using peer = await PeerServer.listen();
    const seen: net.Socket[] = [];
    using _ = subscribeConnects((socket) => seen.push(socket));
    const socket = new net.Socket().connect(peer.port, '127.0.0.1');
    await once(socket, 'connect');
    // What this very version does.
    assert.equal(seen.length === 1, isChannelComplete(process.versions.node));
    socket.destroy();
  });
});

describe('The wrapper of Socket.prototype.connect', () => {
  const property = () => Object.getOwnPropertyDescriptor(net.Socket.prototype, 'connect');

  it('passes on this, the arguments, the result and what is thrown', () => {
    const calls: unknown[] = [];
    const { connect } = net.Socket.prototype;
    const failure = new Error('Refused by the application');
    net.Socket.prototype.connect = function (this: net.Socket, ...args: unknown[]) {
      calls.push([this, ...args]);
      if (args.length === 0) throw failure;
      return 'its own result' as unknown as net.Socket;
    } as typeof connect;
    try {
      using _ = wrapConnect(() => {}, net.Socket);
      const socket = new net.Socket();
      const call = socket.connect as (...args: unknown[]) => unknown;
      assert.equal(call.call(socket, 1, 'a', failure), 'its own result');
      assert.deepEqual(calls, [[socket, 1, 'a', failure]]);
      assert.throws(() => call.call(socket), failure);
    } finally {
      net.Socket.prototype.connect = connect;
    }
  });

  it('looks like what it wraps, and is gone when it is disposed', () => {
    const { name, length } = net.Socket.prototype.connect;
    const before = property();
    const wrapper = wrapConnect(() => {}, net.Socket);
    const during = property();
    assert.notEqual(during?.value, before?.value);
    assert.deepEqual([during?.value.name, during?.value.length], [name, length]);
    assert.deepEqual({ ...during, value: undefined }, { ...before, value: undefined });
    wrapper[Symbol.dispose]();
    assert.deepEqual(property(), before);
  });

  it('stays, and only passes on, where connect became read-only', async (t) => {
    await using peer = await PeerServer.listen();
    const seen: net.Socket[] = [];
    const { connect } = net.Socket.prototype;
    const wrapper = wrapConnect((socket) => seen.push(socket), net.Socket);
    t.after(() => Object.defineProperty(net.Socket.prototype, 'connect', { value: connect, writable: true }));
    Object.defineProperty(net.Socket.prototype, 'connect', { writable: false });
    wrapper[Symbol.dispose]();
    const socket = net.connect(peer.port, '127.0.0.1');
    await once(socket, 'connect');
    assert.deepEqual(seen, []);
    socket.destroy();
  });

  it('stays below one that was made later, and only passes on', async () => {
    await using peer = await PeerServer.listen();
    const { connect } = net.Socket.prototype;
    const seen: string[] = [];
    try {
      const first = wrapConnect(() => seen.push('first'), net.Socket);
      const second = wrapConnect(() => seen.push('second'), net.Socket);
      const later = net.Socket.prototype.connect;
      first[Symbol.dispose]();
      assert.equal(net.Socket.prototype.connect, later);
      const socket = net.connect(peer.port, '127.0.0.1');
      await once(socket, 'connect');
      assert.deepEqual(seen, ['second']);
      second[Symbol.dispose]();
      const other = net.connect(peer.port, '127.0.0.1');
      await once(other, 'connect');
      assert.deepEqual(seen, ['second']);
      for (const each of [socket, other]) each.destroy();
    } finally {
      net.Socket.prototype.connect = connect;
    }
  });
});

describe('With OpenTelemetry’s instrumentation of node:net', () => {
  for (const order of ['before', 'after']) {
    for (const how of ['default', 'wrap']) {
      it(`both see every connection, each until it ends: observed ${order} it, ${how}`, async () => {
        const { stdout, stderr, code } = await runHost('with-opentelemetry', {
          args: [order, how],
          folder: new URL('./', import.meta.url),
        });
        const wraps = how === 'wrap' || !isChannelComplete(process.versions.node);
        const lines = stdout.trim().split('\n');
        assert.deepEqual(
          lines,
          [
            'both: 1 observed, 1 span',
            'disposed: 0 observed, 1 span',
            'observed again: 1 observed, 1 span',
            'observed only: 1 observed, 0 span',
            'both again: 1 observed, 1 span',
            'neither: 0 observed, 0 span',
            // OpenTelemetry puts back what it has found: a wrapper that only passes on by now.
            `native: ${order === 'after' || !wraps}`,
          ],
          stderr,
        );
        assert.equal(stderr, '');
        assert.equal(code, 0);
      });
    }
  }
});
