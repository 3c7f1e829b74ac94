import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { connect as connectWithTls } from 'node:tls';
import { ZeoServer } from 'zeo-keepalive/testing';
import { Ping } from '#src/agent/ping/ping.js';
import { GuardMetrics } from '#src/cli/guard-status/guard-metrics.js';
import { GuardStatistics } from '#src/cli/guard-status/guard-statistics.js';
import { mostUngreeted } from '#src/guard/backend.js';
import { TlsSentry } from '#src/guard/tls-sentry.js';
import { Board } from '#src/threads/board.js';
import { trackedBy } from '../../agent/scripted-target.js';
import { until } from '../../support/turning-clock.js';
import { SuiteCertificates } from '../../tls/certificates.js';
import { listenRaw } from '../../zeo/storage/scripted-peer.js';
import { startGuard } from '../guarded.js';
import { openTls, registerTls } from './tls-client.js';

const tls = { passThrough: true };
const mebibyte = 1024 * 1024;
/** A server's whole answer to a handshake that it refuses. */
const tlsAlert = '\x15\x03\x03\0\x02\x02\x28';

/** A server that accepts connections and says nothing of itself, as one that is stopped; unless it is told what to. */
async function listenMute(
  t: TestContext,
  said: (chunk: Buffer, socket: Socket) => string | undefined = () => undefined,
) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket
      .on('error', () => {})
      .on('data', (chunk) => {
        const answer = said(chunk, socket);
        if (answer !== undefined) socket.write(answer, 'latin1');
      });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = server.address() as { port: number };
  return { address: `127.0.0.1:${port}`, sockets };
}

/** With an error, unless it ended in good order. */
function closed(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    let code: string | undefined;
    socket.resume().on('error', (error: NodeJS.ErrnoException) => {
      code = error.code;
    });
    socket.once('close', () => resolve(code));
  });
}

describe('A guard that passes TLS through', { timeout: 50_000 }, () => {
  const certificates = SuiteCertificates.make();
  const listen = () => ZeoServer.listen({ tls: certificates.listening });
  const open = (t: TestContext, port: number) => openTls(t, port, certificates.connecting);
  const register = (t: TestContext, port: number) => registerTls(t, port, certificates.connecting);

  it('lets the server see the certificate of the client itself', async (t) => {
    await using server = await listen();
    const { port, relays } = await startGuard(t, [server.address], { tls });
    const client = await register(t, port);
    await client.call('ping');
    const stranger = connectWithTls({ host: '127.0.0.1', port, ca: certificates.authority.cert });
    assert.match((await closed(stranger)) ?? '', /ERR_SSL|ECONNRESET/);
    assert.equal(relays[0]?.socketPorts?.remote, server.port);
  });

  it('has a server answer once a period, and leaves connections alone', async (t) => {
    await using server = await listen();
    const { agent, port } = await startGuard(t, [server.address], { tls, period: 0.2, timeout: 0.5 });
    const client = await register(t, port);
    const deaths: unknown[] = [];
    agent.on('connectionDied', (death) => deaths.push(death));
    for (let pings = 0; pings < 6; pings++) {
      const [{ name, roundTripMs }] = await once(agent, 'pingSucceeded', { signal: t.signal });
      if (!name.includes('#')) assert.ok(roundTripMs > 0);
      else pings -= 1;
    }
    await client.call('ping');
    assert.deepEqual(deaths, []);
  });

  it('passes on how either side ends, and a reset as a reset', async (t) => {
    await using server = await listen();
    const { port, relays } = await startGuard(t, [server.address], { tls });
    const client = await register(t, port);
    const ended = once(relays[0] as object as NodeJS.EventEmitter, 'closed');
    client.socket.end();
    assert.deepEqual(await ended, [undefined]);
    const mute = await listenMute(t);
    const guarded = await startGuard(t, [mute.address], { tls, period: 60 });
    const other = connect({ port: guarded.port });
    other.write('\x16\x03\x01\0\0', 'latin1');
    const [relay] = await once(guarded.frontend, 'relayed');
    const reset = once(relay, 'closed');
    while (mute.sockets.size === 0) await new Promise((resolve) => setImmediate(resolve));
    const [socket] = mute.sockets;
    const code = closed(socket as Socket);
    other.resetAndDestroy();
    const [error] = await reset;
    assert.equal(error.message, 'The connection to the client was lost: ECONNRESET');
    assert.equal(await code, 'ECONNRESET');
  });

  it('resets all clients of a server that accepts and does not answer', async (t) => {
    const stopped = await listenMute(t);
    const { guard, agent, frontend, port, relays } = await startGuard(t, [stopped.address], {
      ...{ tls, period: 1, timeout: 0.5 },
    });
    const statistics = new GuardStatistics(guard);
    const metrics = new GuardMetrics(guard, statistics);
    statistics.watch(frontend);
    const reports: string[] = [];
    agent.on('connectionDied', () => reports.push('it did not answer'));
    frontend.on('serverDown', () => reports.push('it is down'));
    const died = once(agent, 'connectionDied');
    const down = once(frontend, 'serverDown');
    const clients = [open(t, port), open(t, port)];
    const codes = Promise.all(clients.map((client) => closed(client)));
    const [{ name, address, diagnosis }] = await died;
    assert.deepEqual([name, address], [`${frontend.name} to ${stopped.address}`, stopped.address]);
    if (process.platform === 'linux') assert.equal(diagnosis, 'peer-hangs');
    const [, error] = await down;
    assert.equal(error.code, 'ERR_KEEPALIVE_TIMEOUT');
    assert.deepEqual(reports, ['it did not answer', 'it is down']);
    assert.deepEqual(await codes, ['ECONNRESET', 'ECONNRESET']);
    assert.equal(relays.length, 2);
    const labels = `listener="${frontend.name}",server="${stopped.address}"`;
    const text = await metrics.text();
    assert.ok(text.includes(`zeo_keepalive_guard_deaths_total{${labels}} 2\n`), text);
    assert.ok(text.includes(`zeo_keepalive_pings_total{${labels},result="dead"} 1\n`), text);
  });

  it('calls nothing dead for a time in which it did not run itself', async (t) => {
    await using server = await listen();
    const { agent, frontend, port } = await startGuard(t, [server.address], {
      tls,
      period: 0.3,
      timeout: 0.5,
    });
    const client = await register(t, port);
    const deaths: unknown[] = [];
    agent.on('connectionDied', (death) => deaths.push(death));
    frontend.on('serverDown', (_backend, error) => deaths.push(error));
    for (let stalls = 0; stalls < 3; stalls++) {
      // With a handshake that is out, or a connection that is under way.
      await once(agent, 'pingStarted');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
      await once(agent, 'pingSucceeded');
    }
    await client.call('ping');
    assert.deepEqual(deaths, []);
  });

  it('shows the agent the ports of the connection that it has made for a ping', async (t) => {
    const hellos: Socket[] = [];
    const server = await listenMute(t, (_chunk, socket) => {
      hellos.push(socket);
      return undefined;
    });
    const { frontend } = await startGuard(t, [server.address], { tls, period: 60, timeout: 60 });
    const [backend] = frontend.backends;
    assert.ok(backend);
    const sentry = new TlsSentry({ name: 'sentry', backend, timeoutMs: 60_000, onDead: () => {} });
    const board = new Board();
    const tracked = trackedBy(board, 'sentry', sentry);
    const localPorts = new Set<number | undefined>();
    while (localPorts.size < 2) {
      const ended = new EventEmitter<{ ended: [] }>();
      const ping = new Ping(tracked, board, () => ended.emit('ended'));
      ping.start();
      assert.deepEqual([board.state(tracked.id), board.ports(tracked.id)], ['queued', undefined]);
      const hello = () => hellos.find(({ remotePort }) => remotePort === sentry.socketPorts?.local);
      while (hello() === undefined) await new Promise((resolve) => setImmediate(resolve));
      ping.noteTraffic();
      assert.deepEqual(board.ports(tracked.id), sentry.socketPorts);
      localPorts.add(board.ports(tracked.id)?.local);
      hello()?.write(tlsAlert, 'latin1');
      await once(ended, 'ended');
    }
  });

  it('begins a ping anew although the one before has not ended', async (t) => {
    const stopped = await listenMute(t);
    const { frontend } = await startGuard(t, [stopped.address], { tls, period: 60, timeout: 60 });
    const [backend] = frontend.backends;
    assert.ok(backend);
    const sentry = new TlsSentry({ name: 'sentry', backend, timeoutMs: 60_000, onDead: () => {} });
    const [first, second] = [new AbortController(), new AbortController()];
    const pings = [sentry.ping(first.signal)];
    while (sentry.outgoing.isPingQueued) await new Promise((resolve) => setImmediate(resolve));
    first.abort();
    pings.push(sentry.ping(second.signal));
    assert.equal(sentry.outgoing.isPingQueued, true);
    await assert.rejects(pings[0] as Promise<void>);
    while (sentry.outgoing.isPingQueued) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(sentry.socketPorts);
    second.abort();
    await assert.rejects(pings[1] as Promise<void>);
  });

  it('goes back to a server when it has answered a handshake again', async (t) => {
    let answers = false;
    const server = await listenMute(t, () => (answers ? tlsAlert : undefined));
    const { agent, frontend } = await startGuard(t, [server.address], { tls, period: 0.2, timeout: 0.5 });
    await once(frontend, 'serverDown');
    answers = true;
    await once(frontend, 'serverUp');
    await once(agent, 'pingSucceeded');
    assert.equal(frontend.backends[0]?.isUp, true);
  });

  it('says of a server that speaks no TLS what it sends', async (t) => {
    await using server = await ZeoServer.listen();
    const { agent, frontend } = await startGuard(t, [server.address], { tls });
    const failures: unknown[] = [];
    agent.on('pingFailed', (failure) => failures.push(failure));
    const [, error] = await once(frontend, 'serverDown');
    assert.equal(error.code, 'ERR_ZEO_TLS');
    assert.match(error.message, /expected a TLS handshake; received "\\x00\\x00\\x00\\x02[MZ]5"$/);
    assert.deepEqual(failures, []);
  });

  it('refuses clients that speak no TLS, or nothing at all', async (t) => {
    await using server = await listen();
    const { frontend, port } = await startGuard(t, [server.address], { tls });
    for (const [said, expected] of [
      ['GET / HTTP/1.1\r\n\r\n', /expected a TLS handshake; received "GET \/ HTTP/],
      ['', /expected a TLS handshake; received nothing for 5 s, as from a client without TLS$/],
    ] as const) {
      const refused = once(frontend, 'refused');
      const client = connect({ port });
      client.write(said);
      const [[reason], code] = await Promise.all([refused, closed(client)]);
      assert.deepEqual([reason.code, code], ['ERR_ZEO_TLS', 'ECONNRESET']);
      assert.match(reason.message, expected);
    }
    await register(t, port);
  });

  /** A guard whose server is, as another guard would be, a detour back to it. */
  async function startLoop(t: TestContext) {
    let port = 0;
    const detour = await listenRaw((socket) => {
      const back = connect({ port }).on('error', () => {});
      socket.on('error', () => {}).on('close', () => back.destroy());
      back.on('close', () => socket.destroy());
      socket.pipe(back).pipe(socket);
    });
    t.after(() => detour[Symbol.asyncDispose]());
    const guarded = await startGuard(t, [detour.address], { tls, period: 60, timeout: 2 });
    port = guarded.port;
    return guarded;
  }

  it('refuses a handshake that it has forwarded itself, and says why', async (t) => {
    const { frontend, port, relays } = await startLoop(t);
    const refused = once(frontend, 'refused');
    const client = connectWithTls({ port, rejectUnauthorized: false });
    const [[reason], code] = await Promise.all([refused, closed(client)]);
    assert.match(reason.message, /forwarded the same handshake, so a server leads back to it$/);
    assert.equal(code, 'ECONNRESET');
    assert.equal(relays.length, 1);
  });

  it('has a bounded number of connections to a server that leads back to it', async (t) => {
    const { frontend, port } = await startLoop(t);
    let most = 0;
    const reasons: string[] = [];
    frontend.on('relayed', (relay) => {
      most = Math.max(most, frontend.relays.size);
      relay.once('closed', (error) => reasons.push(String(error)));
    });
    const client = connect({ port }).on('error', () => {});
    t.after(() => client.destroy());
    // By which no handshake is known again: it has no random.
    client.write('\x16\x03\x01\0\0', 'latin1');
    const said = /did not answer within 2 s on any of 32 connections: .* leads back to this guard/;
    const isOver = () => most > mostUngreeted || reasons.some((reason) => said.test(reason));
    await until(isOver, 20_000, 'the loop is bounded, or it is not');
    assert.equal(most, mostUngreeted);
  });

  it('takes a client’s handshake in pieces of any size', async (t) => {
    await using server = await listen();
    const { port } = await startGuard(t, [server.address], { tls });
    // In front of the guard, so that each byte of the hello is a chunk of its own.
    const front = createServer((client) => {
      const guard = connect({ port, noDelay: true }).on('error', () => {});
      client
        .on('error', () => {})
        .on('data', async (chunk) => {
          client.pause();
          for (const byte of chunk.subarray(0, 8)) {
            guard.write(Uint8Array.of(byte));
            await new Promise((resolve) => setImmediate(resolve));
          }
          guard.write(chunk.subarray(8));
          client.resume();
        });
      guard.pipe(client);
    }).listen(0);
    t.after(() => front.close());
    await once(front, 'listening');
    const client = await register(t, (front.address() as { port: number }).port);
    await client.call('ping');
    client.socket.destroy();
  });

  it('holds a bounded part of what a client does not read', async (t) => {
    const server = await listenMute(t);
    const { port, relays } = await startGuard(t, [server.address], { tls, period: 60 });
    const client = connect({ port }).on('error', () => {});
    t.after(() => client.destroy());
    await once(client, 'connect');
    client.write('\x16\x03\x01\0\0', 'latin1');
    client.pause();
    while (server.sockets.size === 0 || relays.length === 0)
      await new Promise((resolve) => setTimeout(resolve, 10));
    const [socket] = server.sockets;
    const sent = 64 * mebibyte;
    socket?.write(Buffer.alloc(sent));
    let before = -1;
    // Until nothing moves any more.
    while (relays[0]?.receivedBytes.fromServer !== before) {
      before = relays[0]?.receivedBytes.fromServer ?? 0;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    assert.ok(before < sent / 2, `${before} bytes were taken`);
    client.resume();
    let received = 0;
    client.on('data', (chunk) => {
      received += chunk.length;
    });
    while (received < sent) await once(client, 'data');
    assert.equal(received, sent);
  });

  it('ends connections on which nothing passes when it stops', async (t) => {
    await using server = await listen();
    const { guard, port } = await startGuard(t, [server.address], { tls });
    const client = await register(t, port);
    const gone = closed(client.socket);
    await guard.stop(60_000);
    await gone;
  });
});
