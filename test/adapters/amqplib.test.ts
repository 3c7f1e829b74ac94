import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { after, before, describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import amqplib from 'amqplib';
import type * as callbackApi from 'amqplib/callback_api';
import pg from 'pg';
import { amqpConnection } from 'zeo-keepalive/amqplib';
import { host, missingProgram, notAnswered, QuickAgent, startRabbit, until } from './real-server.js';

const require = createRequire(import.meta.url);
const { connect } = require('amqplib/callback_api') as typeof callbackApi;
const amqplib1 = require('amqplib1') as typeof amqplib;

let server: Awaited<ReturnType<typeof startRabbit>>;

/** A channel, as a connection lists it. */
interface Channels {
  readonly channels: readonly ({ readonly channel: { close(): Promise<void> } } | null)[];
}

/** Without heartbeats, whose silence would end a connection as well. */
const where = () => ({ hostname: host, port: server.port, heartbeat: 0 });

async function open(t: TestContext, options: { readonly channelMax?: number } = {}, library = amqplib) {
  const connection = await library.connect({ ...where(), ...options });
  t.after(() => connection.close().catch(() => {}));
  return connection;
}

async function openByCallback(t: TestContext) {
  const connection = await promisify<object, callbackApi.Connection>(connect)(where());
  t.after(() => connection.close(() => {}));
  return connection;
}

function openChannel(connection: callbackApi.Connection): Promise<callbackApi.Channel> {
  return new Promise((resolve, reject) => {
    connection.createChannel((error, channel) => (error ? reject(error) : resolve(channel)));
  });
}

const skip = missingProgram('rabbitmq') ?? false;

describe('The adapter for amqplib', { skip, timeout: 240_000 }, () => {
  before(async () => {
    server = await startRabbit();
  });
  after(() => server[Symbol.asyncDispose]());

  it('pings a connection of either API until it is closed', async (t) => {
    await using quick = new QuickAgent();
    const [promised, called] = [await open(t), await openByCallback(t)];
    quick.registry.open('promised', amqpConnection(promised));
    quick.registry.open('called', amqpConnection(called));
    await Promise.all([quick.pings('promised', 3), quick.pings('called', 3)]);
    await promised.close();
    called.close(() => {});
    await until(() => quick.registry.opened.size === 0);
    assert.deepEqual([quick.names, quick.deaths], [[], []]);
  });

  it('goes on when its channel is closed, and leaves those of the application alone', async (t) => {
    await using quick = new QuickAgent();
    const connection = await open(t);
    const consumer = await connection.createChannel();
    quick.registry.open('broker', amqpConnection(connection, { hangTimeout: 0.4 }));
    await consumer.prefetch(1);
    const { queue } = await consumer.assertQueue('', { exclusive: true });
    const received: string[] = [];
    await consumer.consume(queue, (message) => received.push(`${message?.content}`));
    for (const text of ['one', 'two']) consumer.sendToQueue(queue, Buffer.from(text));
    await quick.pings('broker');
    const { channels } = connection.connection as unknown as Channels;
    await channels[2]?.channel.close();
    await quick.pings('broker', 8);
    // The first is not acknowledged, and the limit still that of the application.
    assert.deepEqual([received, quick.deaths], [['one'], []]);
  });

  it('does not ping a connection while it has no channel left, nor lose it', async (t) => {
    await using quick = new QuickAgent();
    const [connection, other] = [await open(t, { channelMax: 1 }), await open(t)];
    const channel = await connection.createChannel();
    const warned = once(process, 'warning');
    quick.registry.open('broker', amqpConnection(connection, { hangTimeout: 0.4 }));
    quick.registry.open('other', amqpConnection(other));
    const [{ message }] = await warned;
    assert.match(message, /An amqplib connection is not pinged: it has no channel left/);
    await quick.pings('other', 8);
    assert.ok(!quick.answered.includes('broker'));
    await channel.assertQueue('', { exclusive: true });
    await channel.close();
    await quick.pings('broker', 2);
    assert.deepEqual(quick.deaths, []);
  });

  it('has a server found that hangs, and fails what is pending', async (t) => {
    const resume = () => server.signal('SIGCONT');
    t.after(resume);
    await using quick = new QuickAgent();
    const [promised, called] = [await open(t), await openByCallback(t)];
    const version1 = await open(t, {}, amqplib1);
    const channel1 = await version1.createChannel();
    const channel = await promised.createConfirmChannel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    const other = await openChannel(called);
    quick.registry.open('promised', amqpConnection(promised, { hangTimeout: 1 }));
    quick.registry.open('called', amqpConnection(called, { hangTimeout: 1 }));
    quick.registry.open('version 1', amqpConnection(version1, { hangTimeout: 1 }));
    // It makes another connection, which `setup` has kept alive as well.
    const setup = (connection: amqplib.ChannelModel) =>
      void quick.registry.open('recovering', amqpConnection(connection, { hangTimeout: 1 }));
    const recovering = await amqplib.connect(where(), { recovery: { initialDelay: 50, setup } });
    t.after(() => recovering.close());
    recovering.on('error', () => {});
    await Promise.all(['promised', 'called', 'version 1', 'recovering'].map((name) => quick.pings(name)));
    server.signal('SIGSTOP');
    const isStopped = ['promised', 'called', 'version 1'].map((name) => quick.log.line(notAnswered(name)));
    await Promise.all(isStopped);
    const publish = promisify<string, Buffer, object, unknown>(channel.sendToQueue.bind(channel));
    const failure = { code: 'ERR_KEEPALIVE_TIMEOUT', retryable: true };
    await Promise.all([
      assert.rejects(channel.checkQueue(queue), failure),
      assert.rejects(channel.checkQueue(queue), failure),
      assert.rejects(publish(queue, Buffer.from('hello'), {}), failure),
      assert.rejects(channel.waitForConfirms(), failure),
      assert.rejects(channel1.checkQueue(queue), failure),
      assert.rejects(promisify(other.checkQueue.bind(other))(queue), failure),
      until(() => quick.deaths.length === 4),
    ]);
    assert.ok(quick.deaths.every(({ diagnosis }) => diagnosis === 'peer-hangs'));
    resume();
    await quick.pings('recovering');
    assert.deepEqual([...quick.registry.opened.keys()], ['recovering']);
  });

  it('refuses what is not an open connection of amqplib, and the same one twice', async (t) => {
    const connection = await open(t);
    const code = 'ERR_KEEPALIVE_INVALID_ARGUMENT';
    amqpConnection(connection);
    assert.throws(() => amqpConnection(connection), { code, message: /one that has no adapter yet/ });
    await connection.close();
    assert.throws(() => amqpConnection(connection), { code, message: /that is not closed/ });
    const recovering = await amqplib.connect(where(), { recovery: true });
    t.after(() => recovering.close());
    for (const other of [recovering, new pg.Client(), {}, 'amqp://x'] as unknown as (typeof connection)[])
      assert.throws(() => amqpConnection(other), { code, message: /of amqplib without recovery/ });
  });

  it('does not lose a connection that the server blocks, nor ping it', async (t) => {
    await using quick = new QuickAgent();
    const [connection, other] = [await open(t), await open(t)];
    const channel = await connection.createChannel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    quick.registry.open('broker', amqpConnection(connection, { hangTimeout: 0.4 }));
    quick.registry.open('other', amqpConnection(other));
    await Promise.all([quick.pings('broker'), server.control('set_vm_memory_high_watermark', '0')]);
    // The server reads nothing more of it.
    const blocked = once(connection, 'blocked');
    channel.sendToQueue(queue, Buffer.from('hello'));
    await blocked;
    await quick.pings('other', 8);
    assert.deepEqual(quick.deaths, []);
    const unblocked = once(connection, 'unblocked');
    await server.control('set_vm_memory_high_watermark', '0.4');
    await unblocked;
    await quick.pings('broker');
  });
});
