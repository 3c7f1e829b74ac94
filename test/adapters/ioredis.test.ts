import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it, type TestContext } from 'node:test';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import pg from 'pg';
import { ioredisClient } from 'zeo-keepalive/ioredis';
import { host, missingProgram, notAnswered, QuickAgent, startReal, until } from './real-server.js';
import { script } from './redis-script.js';

let server: Awaited<ReturnType<typeof startReal>>;

type ClientOptions = Pick<RedisOptions, 'commandTimeout' | 'maxRetriesPerRequest' | 'username' | 'password'>;

async function openClient(t: TestContext, options: ClientOptions = {}): Promise<Redis> {
  const client = new Redis({ host, port: server.port, ...options });
  t.after(() => client.disconnect());
  client.on('error', () => {});
  await once(client, 'ready');
  return client;
}

const skip = missingProgram('redis') ?? false;

describe('The adapter for ioredis', { skip, timeout: 120_000 }, () => {
  before(async () => {
    server = await startReal('redis');
  });
  after(() => server[Symbol.asyncDispose]());

  it('pings a client while it is idle, also as a subscriber', async (t) => {
    await using quick = new QuickAgent();
    const [client, subscriber] = [await openClient(t), await openClient(t)];
    quick.registry.open('cache', ioredisClient(client));
    quick.registry.open('news', ioredisClient(subscriber));
    await subscriber.subscribe('news');
    await Promise.all([quick.pings('cache'), quick.pings('news')]);
    const [message] = await Promise.all([once(subscriber, 'message'), client.publish('news', 'hello')]);
    assert.deepEqual(message, ['news', 'hello']);
    assert.deepEqual(quick.deaths, []);
  });

  it('does not lose a connection with a blocking command, nor ping it', async (t) => {
    await using quick = new QuickAgent();
    const [client, other] = [await openClient(t), await openClient(t)];
    quick.registry.open('cache', ioredisClient(client, { hangTimeout: 0.4 }));
    await quick.pings('cache');
    let isWaiting = true;
    const taken = client.blpop('jobs', 30).finally(() => {
      isWaiting = false;
    });
    quick.registry.open('other', ioredisClient(other, { hangTimeout: 0.4 }));
    const { length } = quick.answered.filter((name) => name === 'cache');
    await quick.pings('other', 8);
    assert.ok(quick.answered.filter((name) => name === 'cache').length <= length + 1);
    assert.ok(isWaiting);
    await other.lpush('jobs', 'one');
    assert.deepEqual([await taken, quick.deaths], [['jobs', 'one'], []]);
  });

  it('does not lose the connections to a server that is busy with a script', async (t) => {
    await using quick = new QuickAgent();
    const clients = [await openClient(t), await openClient(t), await openClient(t)];
    for (const [index, client] of clients.entries())
      quick.registry.open(`cache ${index}`, ioredisClient(client));
    const busy = await openClient(t);
    await quick.pings('cache 2');
    let isNoticed = false;
    void quick.log.line(notAnswered('cache 1')).then(() => {
      isNoticed = true;
    });
    // On a busy machine the agent may be kept from noticing the first.
    while (!isNoticed) await busy.eval(script, 0, 1200);
    await quick.pings('cache 1');
    assert.deepEqual(quick.deaths, []);
  });

  it('calls a ping off when a script begins before its answer is written', async (t) => {
    await using quick = new QuickAgent({ level: 'silent' });
    const client = await openClient(t);
    let result: Promise<unknown> | undefined;
    // The ping and the script arrive together: Redis writes both answers when the script is over.
    quick.agent.once('pingStarted', () => {
      client.stream.cork();
      process.nextTick(() => {
        result = client.eval(script, 0, 1200);
        client.stream.uncork();
      });
    });
    quick.registry.open('cache', ioredisClient(client, { hangTimeout: 0.4 }));
    await quick.pings('cache');
    assert.equal(await result, null);
    assert.deepEqual(quick.deaths, []);
  });

  it('does not ping within a transaction that is not one pipeline', async (t) => {
    await using quick = new QuickAgent();
    const [client, other] = [await openClient(t), await openClient(t)];
    quick.registry.open('cache', ioredisClient(client));
    quick.registry.open('other', ioredisClient(other));
    await quick.pings('cache');
    await client.multi({ pipeline: false });
    await client.set('key', 'value');
    await quick.pings('other', 3);
    assert.deepEqual(await client.exec(), [[null, 'OK']]);
    await quick.pings('cache');
  });

  it('has a server found that hangs, fails what is pending, and watches it come back', async (t) => {
    await using quick = new QuickAgent();
    const client = await openClient(t, { maxRetriesPerRequest: null, commandTimeout: 60_000 });
    quick.registry.open('cache', ioredisClient(client, { hangTimeout: 1 }));
    await quick.pings('cache');
    server.signal('SIGSTOP');
    const resume = () => server.signal('SIGCONT');
    t.after(resume);
    await quick.log.line(notAnswered('cache'));
    await assert.rejects(client.get('key'), { code: 'ERR_KEEPALIVE_TIMEOUT', retryable: true });
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
    quick.registry.open('cache', ioredisClient(client, { hangTimeout: 0.6 }));
    await quick.pings('cache');
    server.signal('SIGSTOP');
    t.after(() => server.signal('SIGCONT'));
    await assert.rejects(client.get('key'), { code: 'ERR_KEEPALIVE_TIMEOUT' });
    assert.equal(quick.deaths[0]?.diagnosis, 'peer-hangs');
  });

  it('has a connection given up that a server which hangs has only accepted', async (t) => {
    const client = await openClient(t);
    ioredisClient(client, { hangTimeout: 0.3 });
    server.signal('SIGSTOP');
    t.after(() => server.signal('SIGCONT'));
    const accepted = once(client, 'connect');
    client.disconnect(true);
    await accepted;
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => client.once('error', resolve));
    assert.equal(error.code, 'ERR_KEEPALIVE_TIMEOUT');
    await once(client, 'connect');
    server.signal('SIGCONT');
    assert.equal(await client.ping(), 'PONG');
  });

  it('does not count a time limit of the client as an answer', async (t) => {
    await using quick = new QuickAgent();
    const client = await openClient(t, { commandTimeout: 100 });
    quick.registry.open('cache', ioredisClient(client));
    await quick.pings('cache');
    server.signal('SIGSTOP');
    await quick.log.line(notAnswered('cache'));
    server.signal('SIGCONT');
    await quick.pings('cache');
    assert.deepEqual([quick.agent.status().connections[0]?.failures, quick.deaths], [0, []]);
  });

  it('counts a ping that the server refuses as answered', async (t) => {
    const admin = await openClient(t);
    await admin.call('ACL', 'SETUSER', 'limited', 'on', 'nopass', '~*', '+@all', '-ping');
    await using quick = new QuickAgent();
    const client = await openClient(t, { username: 'limited', password: 'any' });
    quick.registry.open('cache', ioredisClient(client));
    await quick.pings('cache');
    assert.equal(quick.agent.status().connections[0]?.failures, 0);
  });

  it('takes a client out that was closed', async (t) => {
    await using quick = new QuickAgent();
    const client = await openClient(t);
    quick.registry.open('cache', ioredisClient(client));
    await client.quit();
    await until(() => quick.registry.opened.size === 0);
    assert.deepEqual([quick.names, quick.deaths], [[], []]);
  });

  it('pings each node of a cluster under its number', async (t) => {
    await using node = await startReal('redis', [
      ...['--cluster-enabled', 'yes', '--cluster-announce-ip', host],
    ]);
    const admin = new Redis({ host, port: node.port });
    t.after(() => admin.disconnect());
    await admin.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383);
    while (!`${await admin.call('CLUSTER', 'INFO')}`.includes('cluster_state:ok'));
    const cluster = new Cluster([{ host, port: node.port }]);
    await using quick = new QuickAgent();
    quick.registry.open('cache', ioredisClient(cluster));
    await cluster.set('key', 'value');
    await until(() => quick.answered.length > 1);
    assert.match(quick.answered[0] ?? '', /^cache\/\d$/);
    cluster.disconnect();
    await until(() => quick.registry.opened.size === 0);
  });

  it('refuses what is not a client of ioredis, and the same one twice', (t) => {
    const client = new Redis({ lazyConnect: true });
    t.after(() => client.disconnect());
    ioredisClient(client);
    const code = 'ERR_KEEPALIVE_INVALID_ARGUMENT';
    assert.throws(() => ioredisClient(client), { code, message: /one that has no adapter yet/ });
    for (const other of [new pg.Client(), {}, 'redis://x'] as unknown as Redis[])
      assert.throws(() => ioredisClient(other), { code, message: /client: expected a Redis or Cluster/ });
    const options = { hangTimeout: 0 };
    const another = new Redis({ lazyConnect: true });
    assert.throws(() => ioredisClient(another, options), { code, message: /Option hangTimeout/ });
  });
});
