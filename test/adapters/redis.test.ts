import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type EventEmitter, once } from 'node:events';
import { chmod } from 'node:fs/promises';
import type { Socket } from 'node:net';
import path from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import {
  createClient,
  createClientPool,
  createCluster,
  createSentinel,
  type RedisClientOptions,
} from 'redis';
import { redisClient } from 'zeo-keepalive/redis';
import { CertificateAuthority } from '../tls/certificates.js';
import { host, missingProgram, notAnswered, QuickAgent, startReal, until } from './real-server.js';
import { script } from './redis-script.js';

let server: Awaited<ReturnType<typeof startReal>>;

type Client = ReturnType<typeof makeClient>;
type Options = Omit<RedisClientOptions, 'socket'> & { readonly socket?: object };

const makeClient = ({ socket, ...options }: Options = {}) =>
  createClient({ socket: { host, port: server.port, ...socket }, ...options });

async function openClient(t: TestContext, options: Options = {}): Promise<Client> {
  const client = makeClient(options);
  t.after(() => client.destroy());
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** Not `once` of `node:events`, which rejects when the client reports the loss of its connection. */
const emitted = (client: EventEmitter, event: string) =>
  new Promise((resolve) => client.once(event, resolve));

/** Stops the server until it is resumed, or the test ends. */
function stopServer(t: TestContext): () => void {
  server.signal('SIGSTOP');
  const resume = () => server.signal('SIGCONT');
  t.after(resume);
  return resume;
}

const skip = missingProgram('redis') ?? false;

describe('The adapter for redis', { skip, timeout: 120_000 }, () => {
  before(async () => {
    server = await startReal('redis');
  });
  after(() => server[Symbol.asyncDispose]());

  for (const RESP of [2, 3] as const)
    it(`pings a client while it is idle, also as a subscriber, with RESP${RESP}`, async (t) => {
      await using quick = new QuickAgent();
      const client = await openClient(t);
      const subscriber = createClient({ socket: { host, port: server.port }, RESP });
      quick.registry.open('cache', redisClient(client));
      // This one connects later.
      quick.registry.open('news', redisClient(subscriber));
      t.after(() => subscriber.destroy());
      await subscriber.connect();
      const messages: string[] = [];
      await subscriber.subscribe('news', (message) => messages.push(message));
      await Promise.all([quick.pings('cache'), quick.pings('news')]);
      await client.publish('news', 'hello');
      await until(() => messages.length > 0);
      assert.deepEqual([messages, quick.deaths], [['hello'], []]);
    });

  it('does not lose a connection with a blocking command, nor ping it', async (t) => {
    await using quick = new QuickAgent();
    const [client, other] = [await openClient(t), await openClient(t)];
    let isWaiting = false;
    const takeJob = async () => {
      isWaiting = true;
      const job = await client.blPop('jobs', 30);
      isWaiting = false;
      return job?.element;
    };
    // This one is out before there is an adapter.
    const first = takeJob();
    quick.registry.open('cache', redisClient(client, { hangTimeout: 0.4 }));
    quick.registry.open('other', redisClient(other, { hangTimeout: 0.4 }));
    await quick.pings('other', 8);
    assert.ok(isWaiting && !quick.answered.includes('cache'));
    await other.lPush('jobs', 'one');
    assert.equal(await first, 'one');
    await quick.pings('cache');
    const second = takeJob();
    const { length } = quick.answered.filter((name) => name === 'cache');
    await quick.pings('other', 8);
    assert.ok(isWaiting && quick.answered.filter((name) => name === 'cache').length <= length + 1);
    await other.lPush('jobs', 'two');
    assert.deepEqual([await second, quick.deaths], ['two', []]);
  });

  it('does not lose the connections to a server that is busy with a script', async (t) => {
    await using quick = new QuickAgent();
    for (const name of ['cache 0', 'cache 1', 'cache 2'])
      quick.registry.open(name, redisClient(await openClient(t)));
    const busy = await openClient(t);
    await quick.pings('cache 2');
    // On a busy machine, one may be over before a ping is late.
    while (!quick.log.lines.some(notAnswered('cache 1'))) await busy.eval(script, { arguments: ['1200'] });
    await quick.pings('cache 1');
    assert.deepEqual(quick.deaths, []);
  });

  it('calls a ping off when a script begins before its answer is written', async (t) => {
    await using quick = new QuickAgent({ level: 'silent' });
    const client = await openClient(t);
    let result: Promise<unknown> | undefined;
    const { ping } = client;
    // Both are written at once: Redis writes both answers when the script is over.
    t.mock.method(client, 'ping', () => {
      const answer = ping.call(client);
      result ??= client.eval(script, { arguments: ['1200'] });
      return answer;
    });
    quick.registry.open('cache', redisClient(client, { hangTimeout: 0.4 }));
    await quick.pings('cache');
    assert.equal(await result, null);
    assert.deepEqual(quick.deaths, []);
  });

  it('does not ping within a transaction that is not one pipeline', async (t) => {
    await using quick = new QuickAgent();
    const [client, other] = [await openClient(t), await openClient(t)];
    quick.registry.open('cache', redisClient(client));
    quick.registry.open('other', redisClient(other));
    await quick.pings('cache');
    await client.sendCommand(['MULTI']);
    await client.withCommandOptions({}).sendCommand(['SET', 'key', 'value']);
    await quick.pings('other', 3);
    assert.deepEqual(await client.sendCommand(['EXEC']), ['OK']);
    await quick.pings('cache');
    assert.deepEqual(await client.multi().get('key').exec(), ['value']);
  });

  it('does not ping a client that monitors, until it is reset', async (t) => {
    await using quick = new QuickAgent();
    const [client, other] = [await openClient(t), await openClient(t)];
    quick.registry.open('cache', redisClient(client));
    quick.registry.open('other', redisClient(other));
    const lines: unknown[] = [];
    await client.monitor((line) => lines.push(line));
    await quick.pings('other', 4);
    assert.ok(!lines.includes('PONG'));
    await client.reset();
    await quick.pings('cache');
  });

  it('has a server found that hangs, fails what is pending, and watches it come back', async (t) => {
    await using quick = new QuickAgent();
    const client = await openClient(t);
    quick.registry.open('cache', redisClient(client, { hangTimeout: 1 }));
    await quick.pings('cache');
    const resume = stopServer(t);
    await quick.log.line(notAnswered('cache'));
    const ofOurs = { code: 'ERR_KEEPALIVE_TIMEOUT', retryable: true };
    await Promise.all([
      assert.rejects(client.get('key'), ofOurs),
      assert.rejects(client.multi().get('key').execAsPipeline(), ofOurs),
    ]);
    assert.equal(quick.deaths[0]?.diagnosis, 'peer-hangs');
    const back = once(quick.agent, 'connectionBack');
    resume();
    await back;
    assert.equal(await client.set('key', 'value'), 'OK');
    await quick.pings('cache');
    assert.equal(quick.agent.status().connections[0]?.generation, 2);
  });

  it('has a server found that hangs after a command was sent and before its ping', async (t) => {
    await using quick = new QuickAgent();
    const client = await openClient(t);
    quick.registry.open('cache', redisClient(client, { hangTimeout: 0.6 }));
    await quick.pings('cache');
    stopServer(t);
    await assert.rejects(client.get('key'), { code: 'ERR_KEEPALIVE_TIMEOUT' });
    assert.equal(quick.deaths[0]?.diagnosis, 'peer-hangs');
  });

  it('does not wait without end for a server that hangs while the client connects', async (t) => {
    // Without a listener for errors, which must not end the process.
    const client = makeClient();
    t.after(() => client.destroy());
    await client.connect();
    await using quick = new QuickAgent();
    quick.registry.open('cache', redisClient(client, { hangTimeout: 0.5 }));
    await quick.pings('cache');
    stopServer(t);
    // After the death: the connections that the host of the server accepts.
    for (let count = 0; count < 2; count++) await emitted(client, 'connect');
    assert.equal(quick.deaths.length, 1);
  });

  it('does not wait without end for a server that hung before the client was adapted', async (t) => {
    const client = makeClient();
    t.after(() => client.destroy());
    client.on('error', () => {});
    stopServer(t);
    const connected = emitted(client, 'connect');
    client.connect().catch(() => {});
    await connected;
    // It sends its greeting.
    for (let turns = 0; turns < 5; turns++) await new Promise(setImmediate);
    redisClient(client, { hangTimeout: 0.3 });
    await emitted(client, 'connect');
  });

  it('waits for a client that has not asked the server for anything yet', async (t) => {
    let connections = 0;
    const credentials = async () => {
      await sleep(1000);
      return {};
    };
    const client = makeClient({ credentialsProvider: { type: 'async-credentials-provider', credentials } });
    t.after(() => client.destroy());
    client.on('error', () => {}).on('connect', () => connections++);
    redisClient(client, { hangTimeout: 0.4 });
    await client.connect();
    assert.equal(connections, 1);
  });

  it('ends nothing but the connection when the client has no listener for errors', async (t) => {
    const client = makeClient({ socket: { reconnectStrategy: false } });
    await client.connect();
    await using quick = new QuickAgent();
    quick.registry.open('cache', redisClient(client, { hangTimeout: 0.5 }));
    await quick.pings('cache');
    stopServer(t);
    // It has no more connections to watch.
    await until(() => quick.registry.opened.size === 0);
    assert.deepEqual([quick.deaths.length, client.isOpen], [1, false]);
  });

  it('leaves a client that does not keep the process alive as it is', async (t) => {
    await using quick = new QuickAgent();
    const client = await openClient(t);
    client.unref();
    const admin = await openClient(t);
    quick.registry.open('cache', redisClient(client));
    await quick.pings('cache');
    const made = new Promise<Socket>((resolve) => {
      const note = (message: unknown) => {
        unsubscribe('net.client.socket', note);
        resolve((message as { readonly socket: Socket }).socket);
      };
      subscribe('net.client.socket', note);
    });
    const ready = emitted(client, 'ready');
    await admin.sendCommand(['CLIENT', 'KILL', 'SKIPME', 'yes', 'TYPE', 'normal']);
    await ready;
    await quick.pings('cache');
    const { _handle: handle } = (await made) as Socket & { readonly _handle: { hasRef(): boolean } };
    assert.deepEqual([handle.hasRef(), quick.agent.status().connections[0]?.generation], [false, 2]);
  });

  it('counts a ping that the server refuses as answered', async (t) => {
    const admin = await openClient(t);
    await admin.sendCommand(['ACL', 'SETUSER', 'limited', 'on', 'nopass', '~*', '+@all', '-ping']);
    await using quick = new QuickAgent();
    const client = await openClient(t, { username: 'limited', password: 'any' });
    quick.registry.open('cache', redisClient(client));
    await quick.pings('cache');
    assert.equal(quick.agent.status().connections[0]?.failures, 0);
  });

  it('takes a client out that was closed', async () => {
    await using quick = new QuickAgent();
    const client = makeClient();
    await client.connect();
    quick.registry.open('cache', redisClient(client));
    await quick.pings('cache');
    await client.close();
    await until(() => quick.registry.opened.size === 0);
    assert.deepEqual([quick.names, quick.deaths], [[], []]);
  });

  it('pings over TLS', async (t) => {
    await using authority = await CertificateAuthority.create();
    const { certFile, keyFile } = await authority.server();
    // Redis runs under an account of its own.
    for (const file of [path.dirname(certFile), certFile, keyFile, authority.certFile])
      await chmod(file, 0o755);
    const files = [
      '--tls-cert-file',
      certFile,
      '--tls-key-file',
      keyFile,
      '--tls-ca-cert-file',
      authority.certFile,
    ];
    await using secure = await startReal('redis', (port) => [
      ...['--port', '0', '--tls-port', `${port}`, '--tls-auth-clients', 'no'],
      ...files,
    ]);
    await using quick = new QuickAgent();
    const client = await openClient(t, {
      socket: { host, port: secure.port, tls: true, ca: authority.cert },
    });
    quick.registry.open('cache', redisClient(client, { hangTimeout: 0.5 }));
    await quick.pings('cache');
    secure.signal('SIGSTOP');
    await emitted(client, 'reconnecting');
    secure.signal('SIGCONT');
    assert.equal(quick.deaths.length, 1);
  });

  it('pings each client of a pool under its number, from its first use on', async (t) => {
    await using quick = new QuickAgent();
    const pool = createClientPool({ socket: { host, port: server.port } }, { minimum: 2 });
    t.after(() => pool.destroy());
    quick.registry.open('cache', redisClient(pool, { hangTimeout: 1 }));
    await pool.connect();
    // Both are in use at once.
    await Promise.all([pool.set('key', 'value'), pool.withTypeMapping({}).get('key')]);
    await Promise.all([quick.pings('cache/1'), quick.pings('cache/2')]);
    // It has no listener for errors.
    const resume = stopServer(t);
    await quick.log.line(notAnswered('cache/1'));
    await assert.rejects(pool.get('key'), { code: 'ERR_KEEPALIVE_TIMEOUT' });
    resume();
    await Promise.all([quick.pings('cache/1'), quick.pings('cache/2')]);
    await pool.close();
    await until(() => quick.registry.opened.size === 0);
  });

  it('pings each node of a cluster under its number', async (t) => {
    await using node = await startReal('redis', [
      ...['--cluster-enabled', 'yes', '--cluster-announce-ip', host],
    ]);
    const admin = createClient({ socket: { host, port: node.port } });
    await admin.connect();
    await admin.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', '0', '16383']);
    while (!`${await admin.sendCommand(['CLUSTER', 'INFO'])}`.includes('cluster_state:ok'));
    admin.destroy();
    const cluster = createCluster({ rootNodes: [{ socket: { host, port: node.port } }] });
    t.after(() => cluster.destroy());
    await using quick = new QuickAgent();
    quick.registry.open('cache', redisClient(cluster));
    await cluster.connect();
    await quick.pings('cache/1');
    await cluster.subscribe('news', () => {});
    await quick.pings('cache/2');
    await cluster.close();
    await until(() => quick.registry.opened.size === 0);
    assert.deepEqual(quick.deaths, []);
  });

  it('refuses what is not of redis, and the same one twice', () => {
    const [client, pool] = [createClient(), createClientPool()];
    redisClient(client);
    redisClient(pool);
    const code = 'ERR_KEEPALIVE_INVALID_ARGUMENT';
    for (const again of [client, client.withTypeMapping({}), pool.withTypeMapping({})] as unknown as Client[])
      assert.throws(() => redisClient(again), { code, message: /one that has no adapter yet/ });
    const old = Object.assign(Object.create(createClient()), { _getQueue: undefined });
    const sentinel = createSentinel({ name: 'orders', sentinelRootNodes: [{ host, port: 1 }] });
    for (const other of [new pg.Client(), {}, 'redis://x', old, sentinel] as unknown as Client[])
      assert.throws(() => redisClient(other), {
        code,
        message: /client: expected a client, pool or cluster of redis 5\.11 or newer, not a sentinel/,
      });
    const options = { hangTimeout: 0 };
    assert.throws(() => redisClient(createClient(), options), { code, message: /Option hangTimeout/ });
  });
});
