import assert from 'node:assert/strict';
import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import net from 'node:net';
import { after, afterEach, before, describe, it, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { KeepAlive, type KeepAliveOptions, StorageRegistry, startThread, stopThread } from 'zeo-keepalive';
import { watchSockets } from 'zeo-keepalive/sockets';
import { started } from '#src/agent/started.js';
import { isChannelComplete } from '#src/sockets/discovery.js';
import { PeerServer, until } from '../sockets/watching.js';
import { captureLog, isOfBusyMachine } from './captured-log.js';

const loopback = { only: '127.0.0.0/8' };
const onLinux = process.platform === 'linux' ? false : 'sockets are watched on Linux only';
const alreadyStarted = { code: 'ERR_KEEPALIVE_ALREADY_STARTED' };

function setUp(t: TestContext, options: KeepAliveOptions = {}, env: NodeJS.ProcessEnv = {}) {
  const agent = new KeepAlive({ period: 30, level: 'silent', ...options }, new StorageRegistry(), env);
  t.after(() => agent.stop());
  return agent;
}

async function connected(t: TestContext, peer: PeerServer): Promise<net.Socket> {
  const socket = net.connect(peer.port, '127.0.0.1');
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

const namesOf = (agent: KeepAlive) => agent.status().connections.map(({ name }) => name);

describe('KeepAlive#watchSockets', { timeout: 60_000, skip: onLinux }, () => {
  // The agent does not hold the process.
  let hold: NodeJS.Timeout;
  before(() => {
    hold = setInterval(() => {}, 60_000);
  });
  after(() => clearInterval(hold));

  it('lists in status() what connects from then on, until it is closed', async (t) => {
    await using peer = await PeerServer.listen();
    const agent = setUp(t);
    agent.start();
    await connected(t, peer);
    using _ = agent.watchSockets(loopback);
    const socket = await connected(t, peer);
    await until(() => namesOf(agent).length > 0);
    const [status, ...others] = agent.status().connections;
    assert.deepEqual(others, []);
    const address = `127.0.0.1:${peer.port}`;
    assert.deepEqual([status?.name, status?.address, status?.state], [`tcp ${address}`, address, 'alive']);
    assert.equal(status?.ready, true);
    assert.equal(JSON.parse(JSON.stringify(status)).name, `tcp ${address}`);
    socket.destroy();
    await until(() => namesOf(agent).length === 0);
  });

  it('publishes its bounds in status() for as long as sockets are watched', (t) => {
    const agent = setUp(t, { period: 30, timeout: 2 });
    const watch = agent.watchSockets();
    assert.equal(agent.status().socketBounds, undefined);
    agent.start();
    // Above 10 s, probes are sent twice a period.
    assert.deepEqual(agent.status().socketBounds, { idleMs: 18_000, inFlightMs: 4000, cutOffHereMs: 7000 });
    watch[Symbol.dispose]();
    assert.equal(agent.status().socketBounds, undefined);
  });

  it('watches no more once it is disposed of, and may then be called again', async (t) => {
    await using peer = await PeerServer.listen();
    const agent = setUp(t);
    agent.start();
    const first = agent.watchSockets(loopback);
    await connected(t, peer);
    await until(() => namesOf(agent).length === 1);
    first[Symbol.dispose]();
    assert.deepEqual(namesOf(agent), []);
    using _ = agent.watchSockets(loopback);
    // Again, of the one that is over: it must not end the other.
    first[Symbol.dispose]();
    await connected(t, peer);
    await until(() => namesOf(agent).length === 1);
  });

  it('is refused while sockets are watched, by whomever', (t) => {
    const agent = setUp(t);
    using _ = agent.watchSockets(loopback);
    assert.throws(() => agent.watchSockets(loopback), alreadyStarted);
    const byVariable = setUp(t, {}, { ZEO_KEEPALIVE_SOCKETS: 'all' });
    assert.throws(() => byVariable.watchSockets(loopback), alreadyStarted);
    const byOption = setUp(t, { sockets: loopback });
    assert.throws(() => byOption.watchSockets(loopback), alreadyStarted);
  });

  it('watches nothing after an invalid pattern, and may be called again', (t) => {
    const agent = setUp(t);
    agent.start();
    assert.throws(() => agent.watchSockets({ only: 'http://db' }), { code: 'ERR_KEEPALIVE_INVALID_SETTING' });
    assert.equal(agent.status().socketBounds, undefined);
    using _ = agent.watchSockets(loopback);
  });

  it('runs where connect cannot be wrapped, and warns where it has to be', async (t) => {
    const { lines, logger } = captureLog();
    const { prototype } = net.Socket;
    Object.defineProperty(prototype, 'connect', { writable: false });
    t.after(() => Object.defineProperty(prototype, 'connect', { writable: true }));
    const agent = setUp(t, { sockets: loopback, level: 'info', logger });
    assert.equal(agent.start(), true);
    await once(agent, 'workerStarted');
    const isWatching = isChannelComplete(process.versions.node);
    assert.equal(agent.status().socketBounds !== undefined, isWatching);
    assert.deepEqual(
      lines.filter(({ level, msg }) => level === 40 && !isOfBusyMachine(msg)).map(({ msg }) => msg),
      isWatching ? [] : ['Sockets are not watched: connections cannot be observed'],
    );
  });

  it('goes on with new connections when the agent is stopped and started again', async (t) => {
    await using peer = await PeerServer.listen();
    const agent = setUp(t, { sockets: loopback });
    agent.start();
    const first = await connected(t, peer);
    await until(() => namesOf(agent).length === 1);
    await agent.stop();
    assert.deepEqual([namesOf(agent), agent.status().socketBounds], [[], undefined]);
    agent.start();
    await connected(t, peer);
    await until(() => namesOf(agent).length === 1);
    assert.equal(first.destroyed, false);
  });

  it('leaves nothing behind in net when the agent stops', async (t) => {
    const { connect } = net.Socket.prototype;
    const isObserved = () =>
      net.Socket.prototype.connect !== connect || channel('net.client.socket').hasSubscribers;
    const agent = setUp(t, { sockets: loopback });
    agent.start();
    assert.equal(isObserved(), true);
    await agent.stop();
    assert.equal(isObserved(), false);
  });

  it('does not watch the connections of worker threads', async (t) => {
    await using peer = await PeerServer.listen();
    const agent = setUp(t, { sockets: loopback });
    agent.start();
    const code = `require('net').connect(${peer.port}, '127.0.0.1').on('connect', () => require('worker_threads').parentPort.postMessage('connected'))`;
    const worker = new Worker(code, { eval: true });
    t.after(() => worker.terminate());
    await once(worker, 'message');
    await connected(t, peer);
    await until(() => namesOf(agent).length > 0);
    assert.equal(peer.sockets.size, 2);
    assert.equal(namesOf(agent).length, 1);
  });
});

describe('watchSockets', { timeout: 60_000, skip: onLinux }, () => {
  afterEach(() => stopThread());

  it('starts the thread with a period of ten seconds, and stops it', () => {
    const watch = watchSockets({ ...loopback, level: 'silent' });
    const agent = started.agent as KeepAlive;
    const { running, periodMs, socketBounds } = agent.status();
    assert.deepEqual([running, periodMs], [true, 10_000]);
    assert.deepEqual(socketBounds, { idleMs: 16_000, inFlightMs: 7000, cutOffHereMs: 13_000 });
    watch[Symbol.dispose]();
    assert.equal(agent.running, false);
  });

  it('takes its period from the option, and from the environment without one', (t) => {
    watchSockets({ ...loopback, level: 'silent', period: 20 })[Symbol.dispose]();
    assert.equal((started.agent as KeepAlive).status().periodMs, 20_000);
    process.env.ZEO_KEEPALIVE_PERIOD = '40';
    t.after(() => delete process.env.ZEO_KEEPALIVE_PERIOD);
    watchSockets({ ...loopback, level: 'silent' })[Symbol.dispose]();
    assert.equal((started.agent as KeepAlive).status().periodMs, 40_000);
  });

  it('joins the thread that runs, and leaves it running', () => {
    const agent = startThread(30, { level: 'silent' }) as KeepAlive;
    const watch = watchSockets(loopback);
    assert.notEqual(agent.status().socketBounds, undefined);
    assert.throws(() => watchSockets(loopback), alreadyStarted);
    watch[Symbol.dispose]();
    assert.deepEqual([agent.running, agent.status().socketBounds], [true, undefined]);
  });

  it('starts nothing for an option that it does not know', () => {
    const before = started.agent;
    assert.throws(() => watchSockets({ onli: '10.0.0.1' } as object), {
      code: 'ERR_KEEPALIVE_INVALID_SETTING',
      message: /Unknown option: expected one of only, except, period, .*, databases; received "onli"/,
    });
    assert.throws(() => watchSockets({ sockets: 'all' } as object), /received "sockets"/);
    assert.equal(started.agent, before);
  });

  it('starts nothing for what is not a pattern', () => {
    const before = started.agent;
    assert.throws(() => watchSockets({ only: 'http://db', level: 'silent' }), {
      code: 'ERR_KEEPALIVE_INVALID_SETTING',
    });
    assert.equal(started.agent, before);
  });

  it('leaves no thread running where the environment has sockets watched', (t) => {
    process.env.ZEO_KEEPALIVE_SOCKETS = 'all';
    t.after(() => delete process.env.ZEO_KEEPALIVE_SOCKETS);
    assert.throws(() => watchSockets({ ...loopback, level: 'silent' }), alreadyStarted);
    assert.equal(started.agent?.running, false);
  });

  it('refuses a thread of another version that cannot watch sockets', (t) => {
    started.agent = { running: true, stop: async () => {} };
    t.after(() => {
      started.agent = undefined;
    });
    assert.throws(() => watchSockets(loopback), {
      ...alreadyStarted,
      message: /^The KeepAlive thread was started by another version of zeo-keepalive/,
    });
  });
});
