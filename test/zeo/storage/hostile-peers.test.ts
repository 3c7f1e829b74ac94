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
  it('rejects after waitTimeout when the connection is refused, and says so', async () => {
    const error = await ClientStorage.open({ address: await freePort(), waitTimeout: 0.2 }).catch((e) => e);
    assert.ok(error instanceof ClientDisconnected);
    assert.equal(error.code, 'ERR_ZEO_WAIT_TIMEOUT');
    assert.equal((error.cause as KeepAliveError).code, 'ERR_ZEO_CONNECT');
    assert.match((error.cause as Error).message, /ECONNREFUSED/);
  });

  it('rejects at once for an unknown storage', async () => {
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

  it('is not held up by a peer that accepts and never speaks', async () => {
    let connections = 0;
    await using server = await listenRaw(() => {
      connections += 1;
    });
    const opening = ClientStorage.open({ address: server.address, connectTimeout: 0.1, waitTimeout: 2 });
    const error = await opening.catch((e) => e);
    assert.equal(error.code, 'ERR_ZEO_WAIT_TIMEOUT');
    assert.match(error.cause.message, /the greeting of a ZEO server did not complete within 0.1 s/);
    assert.ok(connections >= 1);
  });

  it('is not held up by a peer that falls silent after its greeting', async () => {
    await using server = await listenRaw((socket) => socket.write(frame('Z5')));
    const error = await ClientStorage.open({
      address: server.address,
      connectTimeout: 0.1,
      waitTimeout: 2,
    }).catch((e) => e);
    assert.match(error.cause.message, /the registration of a ZEO server did not complete/);
  });

  it('says that a silent peer has not answered yet when it waits no longer than for one attempt', async () => {
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
    // The peer lives on the same loop: only the deadline could misjudge this.
    setImmediate(() => {
      const until = performance.now() + 600;
      while (performance.now() < until);
    });
    await new Promise((resolve) => storage.once('connected', resolve));
    assert.equal(retries, 0);
    await storage.close();
  });

  it('rejects with the last failure when a peer closes before it has spoken', async () => {
    await using server = await listenRaw((socket) => socket.destroy());
    const error = await ClientStorage.open({ address: server.address, waitTimeout: 0.2 }).catch((e) => e);
    assert.equal(error.code, 'ERR_ZEO_WAIT_TIMEOUT');
    assert.equal(error.cause.code, 'ERR_ZEO_CONNECT');
  });

  it('names each option that is wrong, and its value', async () => {
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

  it('refuses to wait for no time at all, and says what to do', async () => {
    await assert.rejects(ClientStorage.open({ address: 1, waitTimeout: 0 }), {
      code: 'ERR_ZEO_INVALID_ARGUMENT',
      message: /waitTimeout: expected more than 0 .*wait: false.*; received 0$/,
    });
    const storage = await ClientStorage.open({ address: 1, waitTimeout: 0, wait: false });
    await assert.rejects(storage.getInfo(), { code: 'ERR_ZEO_WAIT_TIMEOUT' });
    await storage.close();
  });

  it('rejects at once for a server whose information is none', async () => {
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

// ConnectionTests.checkBadMessage1, checkBadMessage2, from the other side
describe('A storage in service', () => {
  const broken: [what: string, bytes: Buffer][] = [
    ['a malformed pickle', frame('\x80\x03garbage.')],
    ['a frame of 4 GiB', Buffer.alloc(40, 255)],
  ];
  for (const [what, bytes] of broken) {
    it(`drops a connection that brings ${what}, and connects again`, async () => {
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

  it('rejects a getInfo() that is answered with something else, and lives on', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    peer.handlers.get_info = () => ({ interfaces: [{}] });
    await assert.rejects(storage.getInfo(), { code: 'ERR_ZEO_PROTOCOL', message: /interfaces/ });
    assert.deepEqual(storage.info?.interfaces, ['zope.I']);
    assert.equal(storage.ready, true);
  });

  it('is told that everything may have changed when it was told too much before it was ready', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const told: [tid: string, oids: readonly Uint8Array[] | null][] = [];
    storage.on('invalidated', ({ tid, oids }) => told.push([formatId(tid), oids]));
    peer.handlers.register = (_, { socket, session }) => {
      const call = (tid: number) => session.encodeOneWay('invalidateTransaction', [id(tid), [id(1)]]);
      socket.write(Buffer.concat(Array.from({ length: 20_000 }, (_, index) => call(101 + index))));
      return id(100);
    };
    peer.cut();
    await new Promise((resolve) => storage.once('connected', resolve));
    assert.deepEqual(told, [[formatId(id(20_100)), null]]);
    assert.deepEqual(storage.lastTransaction(), id(20_100));
  });

  it('does not stumble over a history whose numbers are none', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const nothing = Object.create(null);
    peer.handlers.history = () => [
      { tid: id(90), size: nothing, time: 'noon', user_name: 7, description: null },
    ];
    const [{ size, time, user, description } = assert.fail()] = await storage.history(id(7));
    assert.deepEqual([size, time, user, description], [0, Number.NaN, '', '']);
  });

  it('does not take for a transaction what is later than any', async () => {
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

  it('rejects a load that is answered with a revision of another time, and keeps none', async () => {
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

  it('drops a connection on which the server calls what no client has', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const disconnected = new Promise<Error>((resolve) =>
      storage.once('disconnected', ({ error }) => resolve(error)),
    );
    peer.tell('invalidateEverything', []);
    assert.match((await disconnected).message, /invalidateEverything/);
  });
});
