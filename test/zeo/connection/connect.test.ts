import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Address, TcpAddress } from '#src/zeo/connection/address.js';
import { type ConnectRequest, connectTo, shared } from '#src/zeo/connection/connect.js';

const { signal: never } = new AbortController();

async function listen(t: TestContext, host: string): Promise<TcpAddress> {
  const server = createServer((socket) => t.after(() => socket.destroy())).listen(0, host);
  await once(server, 'listening');
  t.after(() => server.close());
  return { host, port: (server.address() as AddressInfo).port };
}

/** Looks the name up to these addresses, and notes in which order they are tried. */
function request(ips: readonly string[], open: (address: TcpAddress) => Socket) {
  const tried: string[] = [];
  const sockets: Socket[] = [];
  const made: ConnectRequest = {
    lookUp: async () => ips,
    open: (address: Address) => {
      tried.push((address as TcpAddress).host);
      const socket = open(address as TcpAddress);
      sockets.push(socket);
      return socket;
    },
  };
  return { ...made, tried, sockets };
}

/** One whose packets are dropped: it neither connects nor fails. */
const silent = () => new Socket();

describe('Connecting to a name', { timeout: 20_000 }, () => {
  it('goes on with a slow address while it tries the one after it', async (t) => {
    const { port } = await listen(t, '127.0.0.2');
    const slow = new Socket();
    const race = request(['127.0.0.2', '127.0.0.3'], ({ host }) => {
      if (host === '127.0.0.2') return slow;
      slow.connect(port, '127.0.0.2');
      return silent();
    });
    const socket = await connectTo({ host: 'db.test', port }, race, never);
    t.after(() => socket.destroy());
    assert.equal(socket.remoteAddress, '127.0.0.2');
    assert.deepEqual(
      race.sockets.map(({ destroyed }) => destroyed),
      [false, true],
    );
  });

  it('passes over addresses that are silent or refuse', async (t) => {
    const { port } = await listen(t, '127.0.0.4');
    const race = request(['127.0.0.2', '127.0.0.3', '127.0.0.4'], ({ host }) =>
      host === '127.0.0.2' ? silent() : connect({ host, port }),
    );
    const socket = await connectTo({ host: 'db.test', port }, race, never);
    t.after(() => socket.destroy());
    assert.equal(socket.remoteAddress, '127.0.0.4');
  });

  it('alternates between IPv4 and IPv6', async () => {
    const ips = ['::1', '::2', '::3', '127.0.0.1', '127.0.0.2'];
    const race = request(ips, () => new Socket().destroy(new Error('refused')));
    await assert.rejects(connectTo({ host: 'db.test', port: 1 }, race, never));
    assert.deepEqual(race.tried, ['::1', '127.0.0.1', '::2', '127.0.0.2', '::3']);
  });

  it('says why each address failed', async (t) => {
    const { port } = await listen(t, '127.0.0.2');
    const race = request(['127.0.0.3', '127.0.0.4'], ({ host }) => connect({ host, port }));
    await assert.rejects(connectTo({ host: 'db.test', port }, race, never), {
      code: 'ERR_ZEO_CONNECT',
      message: `Cannot connect to db.test:${port}: 127.0.0.3 ECONNREFUSED, 127.0.0.4 ECONNREFUSED`,
    });
  });

  it('says that a name has no address', async () => {
    const lookUp = () => Promise.reject(Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }));
    await assert.rejects(connectTo({ host: 'db.test', port: 1 }, { lookUp, open: silent }, never), {
      code: 'ERR_ZEO_CONNECT',
      message: 'Cannot find the address of db.test: ENOTFOUND',
    });
  });

  it('tries no more than 16 addresses', async () => {
    const ips = Array.from({ length: 100 }, (_, index) => `127.0.0.${index + 1}`);
    const race = request(ips, () => new Socket().destroy(new Error('refused')));
    await assert.rejects(connectTo({ host: 'db.test', port: 1 }, race, never));
    assert.equal(race.tried.length, 16);
  });

  it('leaves no socket open when it is aborted', async () => {
    const controller = new AbortController();
    const race = request(['127.0.0.2', '127.0.0.3'], ({ host }) => {
      if (host === '127.0.0.3') setImmediate(() => controller.abort(new Error('enough')));
      return silent();
    });
    await assert.rejects(connectTo({ host: 'db.test', port: 1 }, race, controller.signal), /enough/);
    assert.deepEqual(
      race.sockets.map(({ destroyed }) => destroyed),
      [true, true],
    );
  });

  it('leaves nothing in the socket of how it was found', async (t) => {
    const { port } = await listen(t, '127.0.0.2');
    const search = async () => {
      const { signal } = new AbortController();
      const race = request(['127.0.0.2'], ({ host }) => connect({ host, port }));
      const socket = await connectTo({ host: 'db.test', port }, race, signal);
      t.after(() => socket.destroy());
      return { socket, signal: new WeakRef(signal) };
    };
    // The last one may still be referenced from a register or a settled promise.
    const found = [await search(), await search()];
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    while (found[0]?.signal.deref() !== undefined) {
      await nextTurn();
      collect();
    }
    assert.ok(found.every(({ socket }) => !socket.destroyed));
  });

  it('does not wait for a silent resolver when it is aborted', async () => {
    const controller = new AbortController();
    const phases: string[] = [];
    const connecting = connectTo(
      { host: 'db.test', port: 1 },
      { lookUp: () => new Promise(() => {}), open: silent, onPhase: (phase) => phases.push(phase) },
      controller.signal,
    );
    controller.abort(new Error('enough'));
    await assert.rejects(connecting, /enough/);
    assert.deepEqual(phases, ['the look-up of db.test']);
  });

  it('names each phase as it begins', async (t) => {
    const { port } = await listen(t, '127.0.0.3');
    const phases: string[] = [];
    for (const ips of [['127.0.0.3'], ['127.0.0.2', '127.0.0.3']]) {
      const race = request(ips, ({ host }) => connect({ host, port }));
      const onPhase = (phase: string) => phases.push(phase);
      const socket = await connectTo({ host: 'db.test', port }, { ...race, onPhase }, never);
      t.after(() => socket.destroy());
    }
    const lookUp = 'the look-up of db.test';
    assert.deepEqual(phases, [lookUp, 'the connection', lookUp, 'the connection to any of its 2 addresses']);
  });

  it('looks a name up once for all that wait for it', async () => {
    const asked: string[] = [];
    const lookUp = shared(async (host) => {
      asked.push(host);
      return ['127.0.0.1'];
    });
    await Promise.all([lookUp('a.test'), lookUp('a.test'), lookUp('b.test')]);
    assert.deepEqual(asked, ['a.test', 'b.test']);
    await lookUp('a.test');
    assert.deepEqual(asked, ['a.test', 'b.test', 'a.test']);
  });
});
