import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { heldBackBytes, portsOf } from '#src/tcp/socket-view.js';

async function connectTo(
  t: TestContext,
  server: Server,
  options?: { readonly path: string },
): Promise<Socket> {
  server.listen(options ?? { port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  t.after(() => server.close());
  const socket = connect(options ?? { port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

describe('What a socket holds back', { timeout: 60_000 }, () => {
  it('shrinks while one large write is under way, as its peer reads', async (t) => {
    let peer: Socket | undefined;
    const server = createServer((socket) => {
      peer = socket.pause();
    });
    const socket = await connectTo(t, server);
    // The second and later ones wait for the first, and then go out as one.
    for (let part = 0; part < 64; part++) socket.write(Buffer.alloc(1024 * 1024));
    while (peer === undefined) await sleep(5);
    const reader = peer;
    t.after(() => reader.destroy());
    // The first write is taken, and what is left goes out as one, of which the system takes only a part.
    const all = socket.writableLength;
    while (socket.writableLength === all) {
      reader.read();
      await sleep(5);
    }
    const length = socket.writableLength;
    const least = () => Math.min(length, heldBackBytes(socket));
    const before = least();
    for (let read = 0; read < 16 * 1024 * 1024; await sleep(1)) read += reader.read()?.length ?? 0;
    assert.equal(socket.writableLength, length, 'that write is under way');
    assert.ok(least() <= before - 8 * 1024 * 1024, `${least()} of ${before} bytes`);
  });

  it('is nothing once all is handed over', async (t) => {
    const server = createServer((socket) => socket.resume());
    const socket = await connectTo(t, server);
    await new Promise((resolve) => socket.write(Buffer.alloc(100_000), resolve));
    assert.equal(heldBackBytes(socket), 0);
  });
});

describe('The ports of a socket', { timeout: 60_000 }, () => {
  it('are read without a trace in it, and are those of both ends', async (t) => {
    const server = createServer();
    const socket = await connectTo(t, server);
    const contents = () => Reflect.ownKeys(socket).map((key) => [key, Reflect.get(socket, key)]);
    const before = contents();
    const ports = portsOf(socket);
    assert.deepEqual(contents(), before);
    assert.deepEqual(
      [ports?.local, ports?.remote],
      [socket.localPort, (server.address() as AddressInfo).port],
    );
    socket.destroy();
    assert.equal(portsOf(socket), undefined);
  });

  it('are read by its getters where there is no handle that tells', () => {
    const socket = { localPort: 1, remotePort: 2, remoteAddress: '127.0.0.1' } as Socket;
    const { local, remote } = portsOf(socket) ?? {};
    assert.deepEqual([local, remote], [1, 2]);
  });

  it('are unknown for a unix domain socket', async (t) => {
    const path = `\0zeo-keepalive-socket-view-${process.pid}`;
    const server = createServer().listen(path);
    await once(server, 'listening');
    t.after(() => server.close());
    const socket = connect(path);
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    assert.equal(portsOf(socket), undefined);
  });
});
