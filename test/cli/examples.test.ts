import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import mysql from 'mysql2/promise';
import { type WebSocket, WebSocketServer } from 'ws';
import { ZeoServer } from 'zeo-keepalive/testing';
import { maxTid } from '#src/zodb/ids.js';
import { host, missingProgram, startReal } from '../adapters/real-server.js';
import { mappingRecord } from '../interop/records.js';
import type { ProgramName } from '../socket-lab/servers/programs.js';
import { oid } from '../zeo/server/records.js';
import { RunningCommand } from './command.js';

const folder = fileURLToPath(new URL('../../../examples/', import.meta.url));

function start(name: string, args: readonly string[], env = {}, nodeOptions: readonly string[] = []) {
  return new RunningCommand(args, env, [...nodeOptions, `${folder}${name}`]);
}

/** Sends Ctrl-C and expects nothing to keep the process alive. */
async function endsWell(command: RunningCommand): Promise<void> {
  command.kill('SIGINT');
  const { code, stderr } = await command.ended();
  assert.equal(code, 0, stderr);
}

const tests: Readonly<Record<string, () => Promise<void>>> = {
  'host.js': async () => {
    await using server = await ZeoServer.listen();
    const command = start('host.js', [server.address, '0.2']);
    await command.line(/^answered in /);
    for (const connection of server.connections) connection.silence();
    await command.line(/^dead: /);
    await command.line(/^connected again to /);
    await command.line(/^answered in /);
    await endsWell(command);
  },
  'registered-app.js': async () => {
    await using server = await ZeoServer.listen();
    const env = { ZEO_KEEPALIVE_PERIOD: '0.2' };
    const command = start('registered-app.js', [server.address], env, ['--import', 'zeo-keepalive/register']);
    await command.line(/is running/);
    await once(server, 'call');
    await once(server, 'call');
    await endsWell(command);
  },
  'health-endpoint.js': async () => {
    await using server = await ZeoServer.listen();
    const command = start('health-endpoint.js', [server.address, '0.2']);
    const url = await command.line(/^http/);
    const answers = async (status: number) => {
      while ((await fetch(url)).status !== status) await new Promise((resolve) => setTimeout(resolve, 50));
    };
    await answers(200);
    const status = (await (await fetch(new URL('/status', url))).json()) as {
      connections: { name: string }[];
    };
    assert.equal(status.connections[0]?.name, 'main');
    await server.close();
    await answers(503);
    await endsWell(command);
  },
  'read-and-write.js': async () => {
    await using server = await ZeoServer.listen();
    const root = mappingRecord({ greeting: 'hello' });
    server.storage().commit([{ oid: new Uint8Array(8), data: root }]);
    const command = start('read-and-write.js', [server.address]);
    await command.line(/^The root object:.*hello/);
    await command.line(/^Its copy is object 0000000000000001, written by/);
    assert.equal((await command.ended()).code, 0);
    const copy = server.storage().loadBefore(oid(1), maxTid);
    assert.deepEqual(copy?.data, root);
  },
  'service.js': async () => {
    await using postgres = await startReal('postgresql');
    await using redis = await startReal('redis');
    const command = start('service.js', [], {
      ZEO_KEEPALIVE_PERIOD: '0.2',
      ZEO_KEEPALIVE_TIMEOUT: '0.3',
      ZEO_KEEPALIVE_HANG_TIMEOUT: '0.6',
      PGHOST: host,
      PGPORT: `${postgres.port}`,
      PGUSER: 'postgres',
      PGDATABASE: 'postgres',
      REDIS_URL: `redis://${host}:${redis.port}`,
    });
    const url = await command.line(/^http/);
    assert.match(await (await fetch(url)).text(), /^Visit 1, at /);
    redis.signal('SIGSTOP');
    await command.line(/^cache is dead: .*the server process hangs/);
    redis.signal('SIGCONT');
    await command.line(/^cache is back/);
    assert.match(await (await fetch(url)).text(), /^Visit 2, at /);
    await endsWell(command);
  },
  'worker.js': async () => {
    await using mariadb = await startReal('mariadb');
    const admin = await mysql.createConnection({ host, port: mariadb.port, user: 'root' });
    await admin.query('CREATE DATABASE jobs');
    await admin.end();
    const server = new WebSocketServer({ port: 0, host });
    await once(server, 'listening');
    const nextWorker = async () => ((await once(server, 'connection')) as [WebSocket])[0];
    const connected = nextWorker();
    const command = start('worker.js', [], {
      ZEO_KEEPALIVE_PERIOD: '0.2',
      ZEO_KEEPALIVE_TIMEOUT: '0.3',
      ZEO_KEEPALIVE_HANG_TIMEOUT: '0.6',
      MYSQL_URL: `mysql://root@${host}:${mariadb.port}/jobs`,
      FEED_URL: `ws://${host}:${(server.address() as AddressInfo).port}`,
    });
    const worker = await connected;
    const send = (to: WebSocket, id: number) => to.send(JSON.stringify({ id, text: 'to do' }));
    for (const text of ['{"id":', 'null', '{"id": "1"}']) {
      worker.send(text);
      await command.line(/^feed: expected a job, received /);
    }
    send(worker, 1);
    await command.line(/^stored 1/);
    mariadb.signal('SIGSTOP');
    await command.line(/^jobs\/1 is dead: .*the server process hangs/);
    send(worker, 2);
    mariadb.signal('SIGCONT');
    await command.line(/^stored 2/);
    const connectedAgain = nextWorker();
    // The feed no longer reads.
    worker.pause();
    await command.line(/^feed is dead: /);
    const again = await connectedAgain;
    send(again, 3);
    await command.line(/^stored 3/);
    await endsWell(command);
    worker.terminate();
    server.close();
  },
  'own-client.js': async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {}).on('data', () => socket.write('+PONG\r\n'));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const command = start('own-client.js', [`${port}`, '0.2']);
    await command.line(/^answered in /);
    // The server goes silent.
    for (const socket of sockets) socket.removeAllListeners('data').pause();
    await command.line(/^dead: /);
    await command.line(/^answered in /);
    await endsWell(command);
    for (const socket of sockets) socket.destroy();
    server.close();
  },
};

const programsOf: Readonly<Record<string, readonly ProgramName[]>> = {
  'service.js': ['postgresql', 'redis'],
  'worker.js': ['mariadb'],
};

describe('the examples', { timeout: 120_000 }, () => {
  for (const name of readdirSync(folder)) {
    const missing = (programsOf[name] ?? []).map(missingProgram).find((reason) => reason !== undefined);
    it(`${name} runs as its comment describes`, { skip: missing ?? false }, async () => {
      const test = tests[name];
      assert.ok(test !== undefined, `No test for ${name}`);
      await test();
    });
  }
});
