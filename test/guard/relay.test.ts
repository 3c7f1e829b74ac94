import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import type { ConnectionDiedEvent } from 'zeo-keepalive';
import { ZeoServer } from 'zeo-keepalive/testing';
import type { Relay } from '#src/guard/relay.js';
import { codecs } from '#src/zeo/encoding/codec.js';
import { until } from '../support/turning-clock.js';
import { bytes, frame } from '../zeo/protocol/byte-builder.js';
import { oid } from '../zeo/server/records.js';
import { WireClient } from '../zeo/server/wire-client.js';
import { ScriptedPeer, silence } from '../zeo/storage/scripted-peer.js';
import { startGuard } from './guarded.js';

const patienceMs = 20_000;
const pingsOf = (peer: ScriptedPeer, count: number) =>
  until(() => peer.count('ping') >= count, patienceMs, `${count} pings`);

/** A peer behind a guard, and a client that is registered there through it. */
async function registered(t: TestContext, peerOptions: Parameters<typeof ScriptedPeer.listen>[0] = {}) {
  const peer = await ScriptedPeer.listen(peerOptions);
  t.after(() => peer.close());
  const guarded = await startGuard(t, [peer.address]);
  const deaths: ConnectionDiedEvent[] = [];
  guarded.agent.on('connectionDied', (event) => deaths.push(event));
  return { ...guarded, peer, client: await client(t, guarded), deaths };
}

async function client(t: TestContext, guarded: { readonly port: number; readonly address: string }) {
  const client = await WireClient.register(guarded);
  t.after(() => client.close());
  return client;
}

/** A raw server that greets, and a raw client that has its greeting through a guard. */
async function greeted(t: TestContext) {
  const raw = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  t.after(() => raw.close());
  await once(raw, 'listening');
  const accepted = once(raw, 'connection');
  const guarded = await startGuard(t, [`127.0.0.1:${(raw.address() as AddressInfo).port}`]);
  const client = connect({ port: guarded.port, allowHalfOpen: true });
  client.on('error', () => {});
  t.after(() => client.destroy());
  const [server] = (await accepted) as [Socket];
  server.on('error', () => {}).write(frame('Z5'));
  t.after(() => server.destroy());
  const [greeting] = await once(client, 'data');
  assert.deepEqual(Uint8Array.from(greeting), frame('Z5'));
  return { ...guarded, client, server };
}

describe('A relayed connection', { timeout: 60_000 }, () => {
  for (const [encoding, name] of [
    ['Z', 'Z5'],
    ['M', 'M5'],
  ] as const) {
    it(`is pinged in ${name}, and its client sees only its own answers`, async (t) => {
      const { client, peer } = await registered(t, { encoding });
      assert.equal(client.protocol, name);
      while (peer.count('ping') < 3) await client.call('get_info');
      peer.tell('invalidateTransaction', [bytes('tid'), [oid(1)]]);
      await client.notification('invalidateTransaction');
      const replies = client.arrivals.flatMap(({ method, args }) => (method === 'reply' ? [args[0]] : []));
      assert.deepEqual(
        replies,
        replies.map((_, index) => index + 1),
      );
    });
  }

  it('is pinged by get_info where that is wanted, however long the answer', async (t) => {
    const interfaces = Array.from({ length: 2000 }, (_, index) => ['ZODB.interfaces', `IStorage${index}`]);
    const info = { name: 'scripted', interfaces };
    const peer = await ScriptedPeer.listen({ handlers: { get_info: () => info, ping: () => silence } });
    t.after(() => peer.close());
    const guarded = await startGuard(t, [peer.address], { pingMethod: 'get_info' });
    const registered = await client(t, guarded);
    await until(() => peer.count('get_info') >= 3, patienceMs, 'pings');
    assert.deepEqual(await registered.call('get_info'), info);
    const replies = registered.arrivals.flatMap(({ method, args }) => (method === 'reply' ? [args[0]] : []));
    assert.deepEqual(replies, [1, 2]);
    assert.equal(guarded.frontend.backends[0]?.isUp, true);
  });

  it('has the label that its client gives itself, printable and not long', async (t) => {
    const { client, relays } = await registered(t, { handlers: { set_client_label: () => null } });
    const [relay] = relays;
    const labelled = once(relay as Relay, 'labelled');
    assert.equal(relay?.label, undefined);
    await client.call('get_info');
    await client.call('set_client_label', `worker-1\x1b[2J${'!'.repeat(200)}`);
    const [label] = await labelled;
    assert.equal(label, `worker-1\ufffd[2J${'!'.repeat(88)}`);
    assert.equal(relay?.label, label);
  });

  it('has no label by what its client says later, or in a frame that is too long', async (t) => {
    for (const bytes of [0, 100_000]) {
      const handlers = { set_client_label: () => null, storea: () => null };
      const { client, relays } = await registered(t, { handlers });
      for (let count = 0; count < (bytes === 0 ? 20 : 1); count++)
        await client.call('storea', new Uint8Array(bytes));
      await client.call('set_client_label', 'late');
      assert.equal(relays[0]?.label, undefined);
    }
  });

  it('is not pinged before the server has answered its registration', async (t) => {
    const peer = await ScriptedPeer.listen({ readOnly: true });
    t.after(() => peer.close());
    const { port, address, agent } = await startGuard(t, [peer.address], { period: 0.05 });
    const sweeps = (count: number) => {
      let seen = 0;
      agent.on('pingSucceeded', () => {
        seen += 1;
      });
      return until(() => seen >= count, patienceMs, `${count} pings`);
    };
    const other = await WireClient.register({ port, address }, '1', true);
    t.after(() => other.close());
    const [first] = peer.connections;
    const calls: string[] = [];
    const client = await WireClient.connect({ port, address });
    t.after(() => client.close());
    const second = [...peer.connections].find((connection) => connection !== first);
    second?.socket.on('data', (chunk) => calls.push(Buffer.from(chunk).toString('latin1')));
    await sweeps(3);
    await assert.rejects(client.call('register', '1', false), /ReadOnlyError/);
    await sweeps(3);
    assert.ok(!calls.join('').includes('ping'), 'it was pinged');
    await client.call('register', '1', true);
    await until(() => calls.join('').includes('ping'), patienceMs, 'a ping');
  });

  it('is reset when its server falls silent on it, and the next one is not', async (t) => {
    await using server = await ZeoServer.listen();
    const { agent, frontend, port, address } = await startGuard(t, [server.address]);
    const client = await WireClient.register({ port, address });
    const failed = once(client.socket, 'error');
    const reports: string[] = [];
    agent.on('connectionDied', () => reports.push('the connection died'));
    frontend.on('serverDown', () => reports.push('its server is down'));
    const died = once(agent, 'connectionDied');
    for (const connection of server.connections) connection.silence();
    const call = client.call('get_info');
    const [[error]] = await Promise.all([failed, assert.rejects(call, /Connection closed/)]);
    assert.equal(error.code, 'ECONNRESET');
    const [{ name, address: dead, error: verdict }] = await died;
    assert.deepEqual([name, dead, verdict.code], [`${address} #1`, server.address, 'ERR_KEEPALIVE_TIMEOUT']);
    assert.deepEqual(reports, ['the connection died', 'its server is down']);
    const next = await WireClient.register({ port, address });
    t.after(() => next.close());
    await next.call('ping');
  });

  it('is not dead while its client does not read', async (t) => {
    const large = new Uint8Array(4 * 1024 * 1024).fill(7);
    const { client, peer, deaths, agent } = await registered(t, { handlers: { loadBefore: () => large } });
    client.socket.pause();
    const loads = Array.from({ length: 8 }, () => client.call('loadBefore', oid(1), oid(2)));
    let succeeded = 0;
    agent.on('pingSucceeded', ({ evidence }) => {
      if (evidence === 'bytes') succeeded += 1;
    });
    // Each of them outlasts the timeout.
    await until(() => succeeded >= 2, patienceMs, 'pings of a connection that stands still');
    assert.ok(peer.count('ping') >= 1);
    client.socket.resume();
    for (const loaded of await Promise.all(loads)) assert.deepEqual(loaded, large);
    assert.deepEqual(deaths, []);
  });

  it('is not dead while its client pauses inside of a frame, and is pinged behind it', async (t) => {
    const { client, peer, deaths, agent, relays } = await registered(t);
    const call = codecs.Z.encodeFrame([9, false, 'storea', [new Uint8Array(100_000)]], 200_000);
    const before = peer.count('ping');
    const slow: string[] = [];
    agent.on('pingSucceeded', ({ verdict }) => slow.push(verdict));
    client.socket.write(call.subarray(0, 50_000));
    await until(() => slow.filter((verdict) => verdict === 'slow').length >= 2, patienceMs, 'slow pings');
    assert.ok(peer.count('ping') <= before + 1);
    assert.equal(relays[0]?.outgoing.isPingQueued, true);
    peer.handlers.storea = () => null;
    client.socket.write(call.subarray(50_000));
    await pingsOf(peer, before + 2);
    assert.equal(relays[0]?.outgoing.isPingQueued, undefined);
    assert.deepEqual([peer.count('storea'), deaths], [1, []]);
  });

  it('answers all who ask for a ping while the client pauses inside of a frame', async (t) => {
    const { client, peer, relays } = await registered(t, { handlers: { storea: () => null } });
    const call = codecs.Z.encodeFrame([9, false, 'storea', [new Uint8Array(1000)]], 2000);
    client.socket.write(call.subarray(0, 500));
    const [relay] = relays;
    await until(() => relay?.outgoing.isPingQueued === true, patienceMs, 'a ping of the agent that waits');
    const pings = [relay?.ping(), relay?.ping()];
    client.socket.write(call.subarray(500));
    await Promise.all(pings);
    assert.equal(peer.count('storea'), 1);
  });

  it('is dead when its server stops in the middle of an upload', async (t) => {
    const { client, peer, agent } = await registered(t);
    const died = once(agent, 'connectionDied');
    const [connection] = peer.connections;
    connection?.socket.pause();
    const call = codecs.Z.encodeFrame([9, false, 'storea', [new Uint8Array(32 * 1024 * 1024)]], 2 ** 26);
    client.socket.write(call);
    const [{ diagnosis }] = await died;
    assert.ok(diagnosis === 'peer-hangs' || diagnosis === 'unknown', diagnosis);
    await client.closed;
  });

  it('is reset when its server does not answer a registration', async (t) => {
    const peer = await ScriptedPeer.listen({ handlers: { register: () => silence } });
    t.after(() => peer.close());
    const { relays, port, address } = await startGuard(t, [peer.address], { timeout: 0.3 });
    const client = await WireClient.connect({ port, address });
    const ended = once(relays[0] as Relay, 'closed');
    await assert.rejects(client.call('register', '1', false), /Connection closed/);
    const [error] = await ended;
    assert.match(error.message, /did not answer a registration within 0.6 s/);
  });

  it('passes on an end as an end, and what still comes behind it', async (t) => {
    const { client, server } = await greeted(t);
    server.resume();
    client.end(frame('Z5'));
    await once(server, 'end');
    const received: Buffer[] = [];
    client.on('data', (chunk) => received.push(chunk));
    server.end('the last words');
    await once(client, 'close');
    assert.equal(Buffer.concat(received).toString(), 'the last words');
  });

  it('passes on a reset of the client as a reset, and says whose it was', async (t) => {
    const { client, server, relays } = await greeted(t);
    const closed = once(relays[0] as Relay, 'closed');
    const failed = once(server, 'error');
    server.resume();
    client.resetAndDestroy();
    const [error] = await failed;
    assert.equal(error.code, 'ECONNRESET');
    const [{ message }] = await closed;
    assert.equal(message, 'The connection to the client was lost: ECONNRESET');
  });

  it('passes on a reset of the server as a reset, and says whose it was', async (t) => {
    const { client, server, relays } = await greeted(t);
    const [relay] = relays;
    const closed = once(relay as Relay, 'closed');
    const failed = once(client, 'error');
    server.resetAndDestroy();
    const [error] = await failed;
    assert.equal(error.code, 'ECONNRESET');
    const [{ message }] = await closed;
    assert.equal(message, `The connection to the server ${relay?.address} was lost: ECONNRESET`);
  });

  // What clients of ZEO 4 and 3 answer.
  for (const version of ['Z4', 'Z3101', 'Z309']) {
    it(`passes on the answer ${version} to the greeting, and says what is wrong with it`, async (t) => {
      const { client, server, relays, frontend } = await greeted(t);
      const closed = once(relays[0] as Relay, 'closed');
      client.write(frame(version));
      const [answer] = await once(server, 'data');
      assert.deepEqual(Uint8Array.from(answer), frame(version));
      server.end();
      client.resume().end();
      const [error] = await closed;
      assert.match(error.message, new RegExp(`expected Z5, as announced; the client replied ${version}`));
      assert.deepEqual(
        frontend.backends.map(({ isUp }) => isUp),
        [true],
      );
    });
  }

  it('passes on a health check, which is not a fault', async (t) => {
    await using server = await ZeoServer.listen();
    const { port, relays } = await startGuard(t, [server.address]);
    const client = connect({ port });
    t.after(() => client.destroy());
    await once(client, 'data');
    const closed = once(relays[0] as Relay, 'closed');
    client.write(frame('ruok'));
    const [status] = await once(client, 'data');
    assert.match(status.toString(), /"connections"/);
    assert.deepEqual(await closed, [undefined]);
  });

  it('takes no more than a bounded part of what its client does not read', async (t) => {
    const { client, server } = await greeted(t);
    client.pause();
    // More than the sockets of the system hold, and much more than a relay does.
    const total = 256 * 1024 * 1024;
    const chunk = new Uint8Array(1024 * 1024);
    let written = 0;
    const write = () => {
      while (written < total && server.write(chunk)) written += chunk.length;
    };
    server.on('drain', write);
    write();
    // It stands still: as much is written as at the last look, some looks ago.
    let last = -1;
    let still = 0;
    const stands = () => {
      still = server.bytesWritten - server.writableLength === last ? still + 1 : 0;
      last = server.bytesWritten - server.writableLength;
      return still > 50;
    };
    const before = process.memoryUsage().arrayBuffers;
    await until(stands, patienceMs, 'the server is held up');
    assert.ok(last < 64 * 1024 * 1024, `${last} bytes were taken`);
    assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 1024 * 1024);
    client.resume();
    server.off('drain', write);
    let received = 0;
    client.on('data', (chunk) => {
      received += chunk.length;
    });
    await until(() => received === server.bytesWritten - frame('Z5').length, patienceMs, 'all of it');
  });

  it('is reset with a client of another protocol, and no other is', async (t) => {
    const { client, port, relays, frontend } = await registered(t);
    const stranger = connect({ port });
    stranger.on('error', () => {}).resume();
    stranger.write('GET / HTTP/1.1\r\nHost: example.org\r\n\r\n');
    const [relay] = await once(frontend, 'relayed');
    const [error] = await once(relay, 'closed');
    assert.match(error.message, /looks like an HTTP client/);
    await once(stranger, 'close');
    await client.call('ping');
    assert.equal(relays.length, 2);
  });

  it('is reset with a client whose first frame is announced with 4 GiB', async (t) => {
    const { client, port, frontend } = await registered(t);
    const stranger = connect({ port });
    stranger.on('error', () => {}).resume();
    stranger.write(Uint8Array.of(255, 255, 255, 255));
    const [relay] = await once(frontend, 'relayed');
    const [error] = await once(relay, 'closed');
    assert.equal(error.code, 'ERR_ZEO_NOT_ZEO');
    await client.call('ping');
  });

  it('passes on a frame of 4 GiB that a registered client announces, which hurts no other', async (t) => {
    await using server = await ZeoServer.listen();
    const guarded = await startGuard(t, [server.address]);
    const other = await client(t, guarded);
    const stranger = await client(t, guarded);
    stranger.socket.write(Buffer.alloc(100_000, 255));
    // The server refuses it.
    await stranger.closed;
    await once(guarded.agent, 'pingSucceeded');
    await other.call('ping');
    assert.deepEqual([guarded.frontend.relays.size, guarded.frontend.backends[0]?.isUp], [1, true]);
  });

  it('passes on a frame of 4 GiB that its server announces', async (t) => {
    const { client, server } = await greeted(t);
    const huge = Buffer.alloc(1024 * 1024, 255);
    let received = 0;
    client.on('data', (chunk) => {
      received += chunk.length;
    });
    server.write(huge);
    await until(() => received === huge.length, patienceMs, 'all of it that was sent');
  });
});
