import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import mqtt from 'mqtt';
import { mqttClient } from 'zeo-keepalive/mqtt';
import { host, missingProgram, notAnswered, QuickAgent, startReal, until } from './real-server.js';

let server: Awaited<ReturnType<typeof startReal>>;

/** A connection attempt to a server that hangs is given up soon. */
const patience = { connectTimeout: 1000, reconnectPeriod: 100 };

function open(t: TestContext, options: mqtt.IClientOptions = {}): mqtt.MqttClient {
  const client = mqtt.connect({ host, port: server.port, ...patience, ...options });
  t.after(() => client.end(true));
  return client;
}

const skip = missingProgram('mosquitto') ?? false;

describe('The adapter for mqtt', { skip, timeout: 120_000 }, () => {
  before(async () => {
    server = await startReal('mosquitto');
  });
  after(() => server[Symbol.asyncDispose]());

  it('pings a client from its first connection until its end', async (t) => {
    await using quick = new QuickAgent();
    const client = open(t);
    quick.registry.open('sensors', mqttClient(client));
    await quick.pings('sensors');
    await client.endAsync();
    await until(() => quick.registry.opened.size === 0);
    assert.deepEqual([quick.names, quick.deaths], [[], []]);
  });

  it('does not lose a client whose message handler holds it up', async (t) => {
    await using quick = new QuickAgent();
    const [client, other] = [open(t), open(t)];
    await client.subscribeAsync('news');
    let finish = () => {};
    client.handleMessage = (_packet, done) => {
      finish = done;
    };
    quick.registry.open('other', mqttClient(other));
    await quick.pings('other');
    // It is more than the client takes before the message is handled, and less than would stay in the system's buffer.
    other.publish('news', Buffer.alloc(40_000));
    await until(() => (client.stream as NodeJS.ReadStream).isPaused());
    quick.registry.open('sensors', mqttClient(client, { hangTimeout: 0.4 }));
    await quick.pings('other', 8);
    assert.ok((client.stream as NodeJS.ReadStream).isPaused());
    client.handleMessage = (_packet, done) => done();
    finish();
    await quick.pings('sensors');
    assert.deepEqual(quick.deaths, []);
  });

  it('has a server found that hangs, fails what is pending, and watches it come back', async (t) => {
    const resume = () => server.signal('SIGCONT');
    t.after(resume);
    await using quick = new QuickAgent();
    const client = open(t);
    quick.registry.open('sensors', mqttClient(client, { hangTimeout: 1 }));
    await quick.pings('sensors');
    server.signal('SIGSTOP');
    await quick.log.line(notAnswered('sensors'));
    // It is sent again on the next connection.
    const published = client.publishAsync('news', 'hello', { qos: 1 });
    const failure = { code: 'ERR_KEEPALIVE_TIMEOUT', retryable: true };
    await Promise.all([
      assert.rejects(client.unsubscribeAsync('news'), failure),
      assert.rejects(client.subscribeAsync('news'), { message: /so the server process hangs/ }),
    ]);
    assert.deepEqual(
      quick.deaths.map(({ diagnosis }) => diagnosis),
      ['peer-hangs'],
    );
    resume();
    await published;
    await quick.pings('sensors');
    assert.equal(quick.agent.status().connections[0]?.generation, 2);
  });

  it('pings a client of version 4, and has a server found that hangs', async (t) => {
    const mqtt4 = createRequire(import.meta.url)('mqtt4') as typeof mqtt;
    const resume = () => server.signal('SIGCONT');
    t.after(resume);
    await using quick = new QuickAgent();
    const client = mqtt4.connect({ host, port: server.port, ...patience });
    t.after(() => client.end(true));
    quick.registry.open('sensors', mqttClient(client, { hangTimeout: 1 }));
    await quick.pings('sensors');
    server.signal('SIGSTOP');
    await quick.log.line(notAnswered('sensors'));
    const failure = { code: 'ERR_KEEPALIVE_TIMEOUT' };
    await assert.rejects(promisify(client.unsubscribe.bind(client))('news'), failure);
    resume();
    await quick.pings('sensors');
    assert.equal(quick.agent.status().connections[0]?.generation, 2);
  });

  it('refuses what is not a client of mqtt over TCP, and the same one twice', async (t) => {
    const client = open(t);
    mqttClient(client);
    const code = 'ERR_KEEPALIVE_INVALID_ARGUMENT';
    assert.throws(() => mqttClient(client), { code, message: /one that has no adapter yet/ });
    const overWebSocket = mqtt.connect('ws://127.0.0.1:9', { reconnectPeriod: 0 });
    overWebSocket.on('error', () => {});
    t.after(() => overWebSocket.end(true));
    for (const other of [overWebSocket, {}, 'mqtt://x'] as unknown as mqtt.MqttClient[])
      assert.throws(() => mqttClient(other), { code, message: /expected a client of mqtt 4 or 5, over TCP/ });
    await new Promise((resolve) => client.once('connect', resolve));
    const ended = open(t);
    await ended.endAsync(true);
    assert.throws(() => mqttClient(ended), { code, message: /a client that has not ended/ });
  });
});
