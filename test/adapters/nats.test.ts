import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import * as nats3 from '@nats-io/transport-node';
import * as nats2 from 'nats';
import { natsConnection } from 'zeo-keepalive/nats';
import { SuiteCertificates } from '../tls/certificates.js';
import { host, missingProgram, notAnswered, QuickAgent, startReal, until } from './real-server.js';

type Options = Pick<nats3.NodeConnectionOptions, 'pingInterval' | 'maxPingOut' | 'tls'>;

/** A connection attempt to a server that hangs is given up soon. */
const patience = { timeout: 1000, reconnectTimeWait: 100, maxReconnectAttempts: -1 };

const clients = [
  ['nats 2', nats2.connect],
  ['@nats-io/transport-node 3', nats3.connect],
] as const;

const skip = missingProgram('nats') ?? false;

for (const [name, connect] of clients) {
  describe(`The adapter for ${name}`, { skip, timeout: 120_000 }, () => {
    let server: Awaited<ReturnType<typeof startReal>>;
    const certificates = SuiteCertificates.make();
    before(async () => {
      server = await startReal('nats');
    });
    after(() => server[Symbol.asyncDispose]());

    async function open(t: TestContext, options: Options = {}, port = server.port) {
      const connection = await connect({ servers: `${host}:${port}`, ...patience, ...options });
      t.after(() => connection.close());
      return connection;
    }

    it('pings a connection until it is closed, also with messages that are not read', async (t) => {
      await using quick = new QuickAgent();
      const [connection, other] = [await open(t), await open(t)];
      const unread = connection.subscribe('news');
      await connection.flush();
      quick.registry.open('events', natsConnection(connection));
      for (let count = 0; count < 1000; count += 1) other.publish('news', new Uint8Array(1000));
      await other.flush();
      await quick.pings('events', 3);
      await until(() => unread.getReceived() === 1000);
      await connection.close();
      await until(() => quick.registry.opened.size === 0);
      assert.deepEqual([quick.names, quick.deaths], [[], []]);
    });

    it('has a server found that hangs, fails what is pending, and watches it come back', async (t) => {
      const resume = () => server.signal('SIGCONT');
      t.after(resume);
      await using quick = new QuickAgent();
      const connection = await open(t);
      quick.registry.open('events', natsConnection(connection, { hangTimeout: 1 }));
      connection.subscribe('no.answer');
      await quick.pings('events');
      server.signal('SIGSTOP');
      await quick.log.line(notAnswered('events'));
      const failure = { code: 'ERR_KEEPALIVE_TIMEOUT', retryable: true };
      await Promise.all([
        assert.rejects(connection.flush(), failure),
        assert.rejects(connection.request('no.answer', '', { timeout: 60_000 }), failure),
      ]);
      assert.deepEqual(
        quick.deaths.map(({ diagnosis }) => diagnosis),
        ['peer-hangs'],
      );
      resume();
      await quick.pings('events');
      assert.equal(quick.agent.status().connections[0]?.generation, 2);
      await connection.flush();
    });

    it('gives a ping up when the client has closed its connection by itself', async (t) => {
      const resume = () => server.signal('SIGCONT');
      t.after(resume);
      await using quick = new QuickAgent();
      const connection = await open(t, { pingInterval: 500, maxPingOut: 1 });
      quick.registry.open('events', natsConnection(connection));
      await quick.pings('events');
      const failed = quick.log.line(({ msg }) => msg === 'Keep alive for events failed');
      server.signal('SIGSTOP');
      await failed;
      resume();
      await quick.pings('events');
      assert.deepEqual(quick.deaths, []);
    });

    it('pings over TLS, and finds a server that hangs', async (t) => {
      const { certFile, keyFile } = certificates.server;
      // The server has an account of its own.
      await Promise.all([chmod(path.dirname(keyFile), 0o755), chmod(keyFile, 0o644)]);
      const flags = ['--tls', '--tlscert', certFile, '--tlskey', keyFile];
      await using secured = await startReal('nats', flags);
      await using quick = new QuickAgent();
      const connection = await open(t, { tls: { ca: certificates.authority.cert } }, secured.port);
      quick.registry.open('events', natsConnection(connection, { hangTimeout: 1 }));
      await quick.pings('events');
      secured.signal('SIGSTOP');
      await quick.log.line(notAnswered('events'));
      await assert.rejects(connection.flush(), { code: 'ERR_KEEPALIVE_TIMEOUT' });
      assert.equal(quick.deaths[0]?.diagnosis, 'peer-hangs');
      secured.signal('SIGCONT');
      await quick.pings('events');
    });

    it('refuses what is not an open connection of NATS, and the same one twice', async (t) => {
      const connection = await open(t);
      const code = 'ERR_KEEPALIVE_INVALID_ARGUMENT';
      natsConnection(connection);
      assert.throws(() => natsConnection(connection), { code, message: /one that has no adapter yet/ });
      await connection.close();
      assert.throws(() => natsConnection(connection), { code, message: /that is not closed/ });
      for (const other of [{}, 'nats://x', new Map()] as unknown as nats3.NatsConnection[])
        assert.throws(() => natsConnection(other), { code, message: /expected a connection of NATS/ });
    });
  });
}
