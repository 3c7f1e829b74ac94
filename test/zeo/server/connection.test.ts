import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { codecs } from '#src/zeo/encoding/codec.js';
import { ZeoServer } from '#src/zeo/server/index.js';
import { WireClient } from './wire-client.js';

const oid = (number: number) => Uint8Array.from([0, 0, 0, 0, 0, 0, 0, number]);
const bytes = (text: string) => Uint8Array.from(Buffer.from(text));

function frame(payload: string | Uint8Array): Buffer {
  const body = Buffer.from(payload as string);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
}

async function rawClient(server: ZeoServer) {
  const socket = connect({ port: server.port });
  socket.on('error', () => {});
  await once(socket, 'data');
  return socket;
}

describe('A silenced connection', () => {
  it('sends no replies and no invalidations, and catches up when it is resumed', async () => {
    await using server = await ZeoServer.listen();
    const [dead, alive] = [await WireClient.register(server), await WireClient.register(server)];
    const [connection] = server.connections;
    connection?.silence();
    let answered = false;
    const ping = dead.call('ping').then(() => {
      answered = true;
    });
    const tid = server.storage().commit([{ oid: oid(1), data: bytes('x') }]);
    await alive.notification('invalidateTransaction');
    await alive.call('ping');
    assert.equal(answered, false);
    assert.deepEqual(dead.notifications, []);
    assert.equal(connection?.isClosed, false);
    connection?.resume();
    await ping;
    assert.deepEqual((await dead.notification('invalidateTransaction')).args, [tid, [oid(1)]]);
  });

  it('performs the call whose event silenced it, and holds the reply back', async () => {
    await using server = await ZeoServer.listen();
    const [client, other] = [await WireClient.register(server), await WireClient.register(server)];
    const called = new Promise<void>((resolve) => {
      server.on('call', ({ connection, method }) => {
        if (method !== 'get_info') return;
        connection.silence();
        resolve();
      });
    });
    const seen: string[] = [];
    server.on('call', ({ method }) => seen.push(method));
    let answers = 0;
    const calls = ['get_info', 'ping'].map((method) => client.call(method).then(() => (answers += 1)));
    await called;
    await other.call('ping');
    assert.equal(answers, 0);
    // The first ping, received together with get_info, is not processed.
    assert.deepEqual(seen, ['get_info', 'ping']);
    server.removeAllListeners('call');
    for (const connection of server.connections) connection.resume();
    await Promise.all(calls);
  });

  it('stays open after its peer has gone, until it is destroyed', async () => {
    await using server = await ZeoServer.listen();
    const client = await WireClient.register(server);
    const [connection] = server.connections;
    connection?.silence();
    await client.close();
    const other = await WireClient.register(server);
    await other.call('ping');
    assert.equal(server.connections.size, 2);
    const gone = once(server, 'disconnection');
    connection?.destroy();
    await gone;
    assert.equal(server.connections.size, 1);
  });
});

describe('A client that breaks the protocol', () => {
  it('by a frame over the limit is dropped and reported', async () => {
    await using server = await ZeoServer.listen({ maxFrameBytes: 1000 });
    const socket = await rawClient(server);
    const reported = once(server, 'clientError');
    socket.write(Buffer.concat([frame('Z5'), Buffer.from([0x7f, 0xff, 0xff, 0xff])]));
    await once(socket, 'close');
    const [, error] = await reported;
    assert.equal(error.code, 'ERR_ZEO_FRAME_TOO_LARGE');
  });

  it('by another protocol is dropped and reported', async () => {
    await using server = await ZeoServer.listen();
    const socket = await rawClient(server);
    const reported = once(server, 'clientError');
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await once(socket, 'close');
    await reported;
  });

  it('by malformed bytes is dropped, after its earlier calls were performed', async () => {
    await using server = await ZeoServer.listen();
    const socket = await rawClient(server);
    const reported = once(server, 'clientError');
    socket.write(Buffer.concat([frame('Z5'), frame('cos\nsystem\n(S"true"\ntR.')]));
    await once(socket, 'close');
    await reported;
  });

  it('by an unknown method is dropped without a reply', async () => {
    await using server = await ZeoServer.listen();
    const client = await WireClient.register(server);
    const reported = once(server, 'clientError');
    await assert.rejects(client.call('no_such_method'), /Connection closed/);
    assert.match(String((await reported)[1]), /no_such_method/);
  });

  it('by a transaction over the limit is dropped, and nothing of it is kept', async () => {
    await using server = await ZeoServer.listen({ maxTransactionBytes: 3000 });
    const client = await WireClient.register(server);
    const reported = once(server, 'clientError');
    const change = { oid: oid(1), serial: new Uint8Array(8), data: new Uint8Array(1400) };
    client.store(1, change, change);
    await client.call('ping');
    client.oneWay('storea', oid(1), change.serial, new Uint8Array(1), 1);
    const [, error] = await reported;
    assert.equal(error.cause.className, 'ZODB.POSException.TransactionTooLargeError');
    await client.closed;
    assert.equal(server.storage().commitLock.isLocked, false);
    assert.equal(server.storage().length, 0);
  });

  it('by not reading is dropped when too many bytes wait for it', async () => {
    await using server = await ZeoServer.listen({ maxBufferedBytes: 100_000 });
    const client = await WireClient.register(server);
    client.socket.pause();
    const gone = once(server, 'disconnection');
    server.storage().commit([{ oid: oid(1), data: new Uint8Array(1_000_000) }]);
    // The kernel buffers some megabytes before the server has to.
    for (let load = 0; load < 100; load += 1)
      client.call('loadSerial', oid(1), server.storage().lastTransaction).catch(() => {});
    const [, error] = await gone;
    assert.match(String(error), /does not read/);
    client.socket.destroy();
  });
});

describe('A server', () => {
  it('emits events for connections, calls and disconnections', async () => {
    await using server = await ZeoServer.listen();
    const seen: string[] = [];
    server.on('connection', ({ id }) => seen.push(`connection ${id}`));
    server.on('call', ({ method, oneWay }) => seen.push(`${method} ${oneWay}`));
    server.on('disconnection', ({ id }, error) => seen.push(`disconnection ${id} ${error}`));
    const client = await WireClient.register(server);
    client.oneWay('set_client_label', 'me');
    await client.call('ping');
    const gone = once(server, 'disconnection');
    client.socket.end();
    await gone;
    assert.deepEqual(seen, [
      'connection 1',
      'register false',
      'set_client_label true',
      'ping false',
      'disconnection 1 undefined',
    ]);
  });

  it('survives a listener that throws, and reports its error', async () => {
    await using server = await ZeoServer.listen();
    for (const fail of [
      () => assert.fail('the listener’s own'),
      async () => assert.fail('the async listener’s own'),
    ]) {
      const warned = once(process, 'warning');
      server.once('call', fail);
      const client = await WireClient.register(server);
      assert.equal(await client.call('ping'), null);
      assert.match(String((await warned)[0]), /listener’s own/);
    }
  });

  it('ignores the heartbeat of the Python client', async () => {
    await using server = await ZeoServer.listen();
    const client = await WireClient.register(server);
    client.socket.write(codecs.Z.encodeFrame([-1, 0, '.reply', null], 1000));
    assert.equal(await client.call('ping'), null);
  });

  it('answers ruok with the status of every storage, and closes', async () => {
    await using server = await ZeoServer.listen({ storages: ['1', 'temporary'] });
    const socket = await rawClient(server);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.write(frame('ruok'));
    await once(socket, 'close');
    const status = JSON.parse(Buffer.concat(chunks).subarray(4).toString());
    assert.deepEqual(Object.keys(status), ['1', 'temporary']);
    assert.equal(status['1'].connections, 0);
  });

  it('can be restarted on the same port with the same storages', async () => {
    const first = await ZeoServer.listen();
    const client = await WireClient.register(first);
    const tid = first.storage().commit([{ oid: oid(1), data: bytes('kept') }]);
    await first.close();
    await first.close();
    await client.closed;
    assert.equal(first.connections.size, 0);
    await using second = await ZeoServer.listen({ port: first.port, storages: first.storages });
    assert.equal(second.address, first.address);
    const again = await WireClient.connect(second);
    assert.deepEqual(await again.call('register', '1', false), tid);
  });

  it('listens on a unix socket', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'zeo-'));
    const server = await ZeoServer.listen({ path: path.join(directory, 'zeo.sock') });
    const client = await WireClient.register(server);
    assert.equal(server.address, path.join(directory, 'zeo.sock'));
    assert.equal(await client.call('ping'), null);
    await server.close();
    await rm(directory, { recursive: true });
  });

  it('refuses an unknown encoding', async () => {
    for (const encoding of ['Z4', 'z5', '', null]) {
      await assert.rejects(ZeoServer.listen({ encoding: encoding as 'Z5' }), (error: Error) => {
        return (
          error instanceof RangeError &&
          error.message.includes(`Z5 or M5; received ${JSON.stringify(encoding)}`)
        );
      });
    }
  });

  it('rejects with the system’s error when the port is taken', async () => {
    await using server = await ZeoServer.listen();
    await assert.rejects(ZeoServer.listen({ port: server.port }), { code: 'EADDRINUSE' });
  });
});
