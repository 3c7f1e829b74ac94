import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { ClientDisconnected, type KeepAliveError } from '#src/model/errors.js';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { formatId } from '#src/zodb/ids.js';
import { id, listenRaw, ScriptedPeer } from './scripted-peer.js';

function frame(payload: string | Uint8Array): Buffer {
  const bytes = Buffer.from(payload as string);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(bytes.length);
  return Buffer.concat([head, bytes]);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('Opening a storage', () => {
  it('rejects after waitTimeout with the cause if it is refused', async () => {
    const error = await ClientStorage.open({ address: await freePort(), waitTimeout: 0.2 }).catch((e) => e);
    assert.ok(error instanceof ClientDisconnected);
    assert.equal(error.code, 'ERR_ZEO_WAIT_TIMEOUT');
    assert.equal((error.cause as KeepAliveError).code, 'ERR_ZEO_CONNECT');
    assert.match((error.cause as Error).message, /ECONNREFUSED/);
  });

  it('rejects at once if the server has no such storage', async () => {
    await using peer = await ScriptedPeer.listen();
    await assert.rejects(ClientStorage.open({ address: peer.address, storage: 'nope' }), {
      code: 'ERR_ZEO_UNKNOWN_STORAGE',
      message: /no storage "nope"/,
    });
    assert.equal(peer.accepted, 1);
  });

  const foreign: [what: string, bytes: Buffer, code: string][] = [
    ['a server of ZEO 4', frame('Z4'), 'ERR_ZEO_PROTOCOL_VERSION'],
    ['a server of ZEO 3', frame('Z310'), 'ERR_ZEO_PROTOCOL_VERSION'],
    ['an HTTP server', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'ERR_ZEO_NOT_ZEO'],
    ['an SMTP server', Buffer.from('220 mail.example.org ESMTP\r\n'), 'ERR_ZEO_NOT_ZEO'],
    ['a frame of 4 GiB', Buffer.from([255, 255, 255, 255]), 'ERR_ZEO_NOT_ZEO'],
    [
      'a frame of 4 GiB after the greeting',
      Buffer.concat([frame('Z5'), Buffer.alloc(40, 255)]),
      'ERR_ZEO_FRAME_TOO_LARGE',
    ],
    ['a malformed pickle', Buffer.concat([frame('Z5'), frame('\x80\x03garbage.')]), 'ERR_ZEO_PROTOCOL'],
  ];
  for (const [what, bytes, code] of foreign) {
    it(`rejects at once for ${what}`, async () => {
      let connections = 0;
      await using server = await listenRaw((socket) => {
        connections += 1;
        socket.write(bytes);
      });
      await assert.rejects(ClientStorage.open(server.address), { code });
      assert.equal(connections, 1);
    });
  }

  it('ends by the deadline if a peer accepts and never speaks', async () => {
    let connections = 0;
    await using server = await listenRaw(() => {
      connections += 1;
    });
    const opening = ClientStorage.open({ address: server.address, connectTimeout: 0.1, waitTimeout: 2 });
    const error = await opening.catch((e) => e);
    assert.equal(error.code, 'ERR_ZEO_WAIT_TIMEOUT');
    assert.match(
      error.cause.message,
      /the greeting of a ZEO server did not complete within 0.1 s; one that expects TLS waits/,
    );
    assert.ok(connections >= 1);
  });

  it('ends by the deadline if a peer falls silent after its greeting', async () => {
    await using server = await listenRaw((socket) => socket.write(frame('Z5')));
    const error = await ClientStorage.open({
      address: server.address,
      connectTimeout: 0.1,
      waitTimeout: 2,
    }).catch((e) => e);
    assert.match(error.cause.message, /: the registration did not complete within 0.1 s/);
  });

  it('reports a missing answer if waitTimeout ends the first attempt', async () => {
    await using server = await listenRaw(() => {});
    const error = await ClientStorage.open({ address: server.address, waitTimeout: 0.1 }).catch((e) => e);
    assert.equal(error.code, 'ERR_ZEO_WAIT_TIMEOUT');
    assert.equal(error.cause.code, 'ERR_ZEO_CONNECT');
  });

  it('does not take a blocked main loop for a silent peer', async () => {
    await using peer = await ScriptedPeer.listen();
    let retries = 0;
    const storage = await ClientStorage.open({ address: peer.address, wait: false, connectTimeout: 0.2 });
    storage.on('reconnecting', () => {
      retries += 1;
    });
    // The peer runs on the same event loop, so only the deadline could fire wrongly.
    setImmediate(() => {
      const until = performance.now() + 600;
      while (performance.now() < until);
    });
    await new Promise((resolve) => storage.once('connected', resolve));
    assert.equal(retries, 0);
    await storage.close();
  });

  it('rejects with the last failure if a peer closes without a byte', async () => {
    await using server = await listenRaw((socket) => socket.destroy());
    const error = await ClientStorage.open({ address: server.address, waitTimeout: 0.2 }).catch((e) => e);
    assert.equal(error.code, 'ERR_ZEO_WAIT_TIMEOUT');
    assert.equal(error.cause.code, 'ERR_ZEO_CONNECT');
  });

  it('rejects each invalid option, naming it and its value', async () => {
    const wrong: object[] = [
      ...[{ waitTimeout: -1 }, { waitTimeout: Number.NaN }, { waitTimeout: '5' }, { waitTimeout: 2_147_484 }],
      ...[
        { connectTimeout: 0 },
        { connectTimeout: Number.POSITIVE_INFINITY },
        { storage: 1 },
        { storage: '' },
      ],
      ...[{ name: 7 }, { wait: 'yes' }, { readOnly: 1 }, { readOnlyFallback: null }, { clientLabel: [] }],
      ...[{ maxFrameBytes: 0 }, { maxFrameBytes: 1.5 }, { maxFrameBytes: 2 ** 32 }, { pingMethod: 'pong' }],
      ...[{ reconnectMinDelay: -1 }, { reconnectMinDelay: 1, reconnectMaxDelay: 0.1 }, { waitTimeOut: 3 }],
    ];
    for (const options of wrong) {
      const [name = ''] = Object.keys(options);
      await assert.rejects(ClientStorage.open({ address: 1, ...options }), (error: KeepAliveError) => {
        assert.equal(error.code, 'ERR_ZEO_INVALID_ARGUMENT', name);
        assert.match(error.message, new RegExp(`\\b${name}\\b`));
        return true;
      });
    }
    await assert.rejects(ClientStorage.open({ address: 1, readOnly: true, readOnlyFallback: true }), {
      code: 'ERR_ZEO_INVALID_ARGUMENT',
    });
    await assert.rejects(ClientStorage.open(null as never), { code: 'ERR_ZEO_INVALID_ARGUMENT' });
  });

  it('rejects a waitTimeout of zero, and says what to set instead', async () => {
    await assert.rejects(ClientStorage.open({ address: 1, waitTimeout: 0 }), {
      code: 'ERR_ZEO_INVALID_ARGUMENT',
      message: /waitTimeout: expected more than 0 .*wait: false.*; received 0$/,
    });
    const storage = await ClientStorage.open({ address: 1, waitTimeout: 0, wait: false });
    await assert.rejects(storage.getInfo(), { code: 'ERR_ZEO_WAIT_TIMEOUT' });
    await storage.close();
  });

  it('rejects at once if the storage info is malformed', async () => {
    const length = Object.create(null);
    await using peer = await ScriptedPeer.listen({ handlers: { get_info: () => ({ length }) } });
    await assert.rejects(ClientStorage.open(peer.address), { code: 'ERR_ZEO_PROTOCOL', message: /length/ });
  });

  for (const garbage of [
    {},
    { address: 'nonsense' },
    { addresses: [] },
    'localhost',
    'zeo://',
    'http://localhost:1',
  ]) {
    it(`rejects the address of ${JSON.stringify(garbage)}`, async () => {
      await assert.rejects(ClientStorage.open(garbage), { code: 'ERR_ZEO_INVALID_ADDRESS' });
    });
  }
});

// ConnectionTests.checkBadMessage1, checkBadMessage2, with the roles reversed
describe('A storage in service', () => {
  const broken: [what: string, bytes: Buffer][] = [
    ['a malformed pickle', frame('\x80\x03garbage.')],
    ['a frame of 4 GiB', Buffer.alloc(40, 255)],
  ];
  for (const [what, bytes] of broken) {
    it(`drops a connection that delivers ${what}, and reconnects`, async () => {
      await using peer = await ScriptedPeer.listen();
      await using storage = await ClientStorage.open(peer.address);
      const disconnected = new Promise<Error>((resolve) =>
        storage.once('disconnected', ({ error }) => resolve(error)),
      );
      const connected = new Promise((resolve) => storage.once('connected', resolve));
      for (const { socket } of peer.connections) socket.write(bytes);
      assert.match(((await disconnected) as KeepAliveError).code, /^ERR_ZEO_(PROTOCOL|FRAME_TOO_LARGE)$/);
      await connected;
      assert.equal(storage.generation, 2);
    });
  }

  it('rejects a getInfo() with a malformed reply, and lives on', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    peer.handlers.get_info = () => ({ interfaces: [{}] });
    await assert.rejects(storage.getInfo(), { code: 'ERR_ZEO_PROTOCOL', message: /interfaces/ });
    assert.deepEqual(storage.info?.interfaces, ['zope.I']);
    assert.equal(storage.ready, true);
  });

  it('reports all objects changed if too many were while connecting', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const invalidated: [tid: string, oids: readonly Uint8Array[] | null][] = [];
    storage.on('invalidated', ({ tid, oids }) => invalidated.push([formatId(tid), oids]));
    peer.handlers.register = (_, { socket, session }) => {
      const call = (tid: number) => session.encodeOneWay('invalidateTransaction', [id(tid), [id(1)]]);
      socket.write(Buffer.concat(Array.from({ length: 20_000 }, (_, index) => call(101 + index))));
      return id(100);
    };
    peer.cut();
    await new Promise((resolve) => storage.once('connected', resolve));
    assert.deepEqual(invalidated, [[formatId(id(20_100)), null]]);
    assert.deepEqual(storage.lastTransaction(), id(20_100));
  });

  it('accepts a history whose numbers are malformed', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const nothing = Object.create(null);
    peer.handlers.history = () => [
      { tid: id(90), size: nothing, time: 'noon', user_name: 7, description: null },
    ];
    const [{ size, time, user, description } = assert.fail()] = await storage.history(id(7));
    assert.deepEqual([size, time, user, description], [0, Number.NaN, '', '']);
  });

  it('rejects transaction ids later than the last possible one', async () => {
    const late = new Uint8Array(8).fill(255);
    const wrong = { code: 'ERR_ZEO_PROTOCOL' };
    await using peer = await ScriptedPeer.listen({ lastTid: late });
    await assert.rejects(ClientStorage.open(peer.address), wrong);
    peer.lastTid = id(100);
    await using storage = await ClientStorage.open(peer.address);
    peer.handlers.lastTransaction = () => late;
    await assert.rejects(storage.fetchLastTransaction(), wrong);
    peer.handlers.loadBefore = () => [id(7), late, null];
    await assert.rejects(storage.load(id(7)), wrong);
    peer.handlers.loadBefore = () => [id(7), id(90), late];
    await assert.rejects(storage.load(id(7)), wrong);
    peer.handlers.history = () => [Object.assign(Object.create(null), { tid: late })];
    await assert.rejects(storage.history(id(7)), wrong);
    const lost = once(storage, 'disconnected');
    peer.tell('invalidateTransaction', [late, [id(7)]]);
    assert.equal((await lost)[0].error.code, wrong.code);
    await once(storage, 'connected');
    assert.deepEqual(storage.lastTransaction(), id(100));
  });

  it('rejects a load that gets a revision of another time', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const wrong = { code: 'ERR_ZEO_PROTOCOL', message: /expected the revision current at that time/ };
    peer.handlers.loadBefore = () => [id(7), id(90), id(95)];
    await assert.rejects(storage.load(id(7)), wrong);
    await assert.rejects(storage.loadBefore(id(7), id(96)), wrong);
    await assert.rejects(storage.loadBefore(id(7), id(90)), wrong);
    peer.handlers.loadBefore = () => [id(7), id(90), null];
    await assert.rejects(storage.loadBefore(id(7), id(90)), wrong);
    peer.handlers.loadBefore = () => [id(7), id(90), id(95)];
    for (const tid of [91, 95]) assert.deepEqual((await storage.loadBefore(id(7), id(tid)))?.endTid, id(95));
    assert.equal(peer.count('loadBefore'), 5);
    assert.equal(storage.generation, 1);
  });

  it('drops a connection on which the server calls an unknown method', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const disconnected = new Promise<Error>((resolve) =>
      storage.once('disconnected', ({ error }) => resolve(error)),
    );
    peer.tell('invalidateEverything', []);
    assert.match((await disconnected).message, /invalidateEverything/);
  });
});
