import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { ZeoServer } from 'zeo-keepalive/testing';
import { LineBudget } from '#src/cli/guard-command/line-budget.js';
import { reportFrontend } from '#src/cli/guard-command/narrate-guard.js';
import { parseRoute } from '#src/cli/guard-command/routes.js';
import type { Entry } from '#src/cli/watch/view.js';
import type { Frontend } from '#src/guard/frontend.js';
import { CertificateAuthority } from '../tls/certificates.js';
import { WireClient } from '../zeo/server/wire-client.js';
import { listenRaw } from '../zeo/storage/scripted-peer.js';
import { RunningCommand, run } from './command.js';

const fast = ['guard', '--period', '0.2', '--timeout', '0.5'];

/** The command in front of these servers, and where it listens. */
async function start(servers: string, ...options: string[]) {
  const command = new RunningCommand([...fast, ...options, `0=${servers}`]);
  const line = await command.line(/listens for clients of/);
  const address = line.split('  ')[1]?.trim() ?? '';
  return { command, address, port: Number(address.split(':')[1]) };
}

describe('zeo-keepalive guard', { timeout: 60_000 }, () => {
  it('relays a client, says so, and ends its connection at SIGTERM', async () => {
    await using server = await ZeoServer.listen();
    const { command, address, port } = await start(server.address);
    const client = await WireClient.register({ port, address });
    await command.line(new RegExp(`${address} #1 +127.0.0.1:\\d+ is connected to ${server.address}$`));
    command.kill('SIGTERM');
    await client.closed;
    const { code, stdout, stderr } = await command.ended();
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /SIGTERM: ends 1 connections?\n/);
    for (const line of stdout.trimEnd().split('\n')) assert.match(line, /^[-\d]{10} [:\d]{8} {2}/);
    assert.match(stdout, / {2}- +stopped\n$/);
  });

  it('says of a dead connection why, and goes on when nobody reads', async () => {
    await using server = await ZeoServer.listen();
    const { command, address, port } = await start(server.address);
    const client = await WireClient.register({ port, address });
    for (const connection of server.connections) connection.silence();
    await command.line(/#1 +DEAD, silent for [\d.]+ s: /);
    await client.closed;
    command.closeOutput();
    const next = await WireClient.register({ port, address });
    const last = await WireClient.register({ port, address });
    await next.call('ping');
    command.kill('SIGTERM');
    await Promise.all([next.closed, last.closed]);
    assert.equal((await command.ended()).code, 0);
  });

  it('writes one JSON object a line with --json', async () => {
    await using mute = await listenRaw((socket) => socket.resume());
    await using server = await ZeoServer.listen();
    const command = new RunningCommand([...fast, '--json', `0=${mute.address},${server.address}`]);
    const { name, servers } = JSON.parse(await command.line(/"listening"/));
    assert.deepEqual(servers, [mute.address, server.address]);
    const client = await WireClient.register({ port: Number(name.split(':')[1]), address: name });
    await client.close();
    await command.line(/"ended"/);
    command.kill('SIGINT');
    const { code, stdout } = await command.ended();
    assert.equal(code, 0);
    const entries = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const of = (event: string) => entries.find((entry) => entry.event === event);
    assert.equal(of('started').timeoutMs, 500);
    assert.deepEqual(
      [of('serverDown').server, of('serverDown').error.code],
      [mute.address, 'ERR_ZEO_DISCONNECTED'],
    );
    assert.equal(of('relayed').server, server.address);
    assert.ok(of('ended').lastedMs > 0);
    assert.equal(of('stopped').reason, 'SIGINT');
  });

  it('fails where it cannot listen', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    const { code, stderr } = await run(['guard', `0=127.0.0.1:1`, `${port}=127.0.0.1:1`]);
    taken.close();
    assert.equal(code, 1);
    assert.match(stderr, /^error: Cannot listen on 127\.0\.0\.1:\d+: it is in use \(EADDRINUSE\)\n$/);
  });

  it('says that it cannot listen on an address of another machine', async () => {
    // As where server and listener are the wrong way round.
    const { code, stderr } = await run(['guard', '192.0.2.1:8100=127.0.0.1:8100']);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^error: Cannot listen on 192\.0\.2\.1:8100: .*EADDRNOTAVAIL.*; expected an address of this machine\n$/,
    );
  });

  it('refuses what it cannot understand, and a loop', async () => {
    for (const [arguments_, expected] of [
      [[], /missing argument 'LISTEN=SERVER' \(or --config\)/],
      [['8100'], /Invalid address "8100": expected LISTEN=SERVER\[,SERVER\.\.\.\]/],
      [['8100='], /expected LISTEN=SERVER/],
      [['nonsense=127.0.0.1:1'], /expected HOST:PORT, \[IPV6\]:PORT or PORT, or the path of a unix socket/i],
      [['8100=zeo1'], /it has no port/],
      [['8100=localhost:8100'], /leads back to this guard, which listens on 127.0.0.1:8100/],
      [['--tls-key', 'own.key', '8100=zeo1:1'], /Expected --tls-cert with the other TLS options/],
      [
        ['--tls-passthrough', '--tls-cert', 'own.crt', '8100=zeo1:1'],
        /Expected no other TLS option with --tls-passthrough, .*; found --tls-cert\n/,
      ],
      [['--server-tls-key', 'own.key', '8100=zeo1:1'], /Expected --server-tls-cert with the other/],
      [['--server-tls-ca', '/missing.pem', '8100=zeo1:1'], /--server-tls-ca needs \/missing.pem, .*ENOENT/],
      [['--period', '0', '8100=zeo1:1'], /The period is zero or negative/],
      [['--grace', '-1', '8100=zeo1:1'], /Expected a number of seconds from 0 to 600/],
    ] as const) {
      const { code, stderr, stdout } = await run(['guard', ...arguments_]);
      assert.deepEqual([code, stdout], [2, ''], arguments_.join(' '));
      assert.match(stderr, expected);
    }
  });

  it('warns of an address that other machines can reach', async () => {
    const command = new RunningCommand([...fast, '0.0.0.0:0=127.0.0.1:1', '0=127.0.0.1:1']);
    await command.line(/0\.0\.0\.0:\d+ +is open to other machines, without TLS/);
    command.kill('SIGTERM');
    const { code, stdout } = await command.ended();
    assert.equal(code, 0);
    assert.equal(stdout.match(/open to other machines/g)?.length, 1);
  });

  it('warns with TLS only if clients need no certificate, and says which side has it', async () => {
    await using authority = await CertificateAuthority.create();
    const { certFile, keyFile } = await authority.server();
    const ca = authority.certFile;
    const pair = ['--tls-cert', certFile, '--tls-key', keyFile];
    for (const [options, listening, isWarned] of [
      [pair, /listens with TLS for clients of 127.0.0.1:1$/m, true],
      [[...pair, '--tls-ca', ca], /listens with TLS for clients of 127.0.0.1:1$/m, false],
      [['--server-tls-ca', ca], /listens for clients of 127.0.0.1:1 with TLS$/m, true],
      [['--tls-passthrough'], /listens for clients of 127.0.0.1:1, whose TLS is passed through$/m, false],
    ] as const) {
      const command = new RunningCommand([...fast, ...options, '0.0.0.0:0=127.0.0.1:1']);
      await command.line(listening);
      command.kill('SIGTERM');
      const { code, stdout } = await command.ended();
      assert.equal(code, 0);
      assert.equal(/open to other machines/.test(stdout), isWarned, options.join(' '));
    }
  });
});

describe('A route of guard', () => {
  it('has an address to listen on and the servers behind it', () => {
    assert.deepEqual(parseRoute('[::1]:8100=zeo1:8100,[2001:db8::1]:81'), {
      listen: { host: '::1', port: 8100 },
      servers: [
        { host: 'zeo1', port: 8100 },
        { host: '2001:db8::1', port: 81 },
      ],
    });
    assert.deepEqual(parseRoute('/run/guard.sock=/run/zeo=1.sock'), {
      listen: { path: '/run/guard.sock' },
      servers: [{ path: '/run/zeo=1.sock' }],
    });
  });
});

describe('What happens at an address', () => {
  it('has a line that is true of any client that was refused', () => {
    const frontend = new EventEmitter() as Frontend;
    const lines: string[] = [];
    reportFrontend(frontend, ({ text }) => lines.push(text));
    frontend.emit('refused', new Error('Cannot speak TLS with the client'));
    assert.deepEqual(lines, ['a client was refused: Cannot speak TLS with the client']);
  });

  it('has a line about a shortage at most once a minute, and later if it lasts', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    let nowMs = 1000;
    t.mock.method(performance, 'now', () => nowMs);
    const pass = (seconds: number) => {
      nowMs += seconds * 1000;
      t.mock.timers.tick(seconds * 1000);
    };
    const frontend = new EventEmitter() as Frontend;
    const shortage = new Error('none left');
    const lines: string[] = [];
    reportFrontend(frontend, ({ event, text }) => lines.push(event === 'closed' ? text : event));
    /** The lines since the last call. */
    const reported = () => lines.splice(0).join();
    const refused = 'none left: clients are refused until others have left (reported at most once a minute)';

    frontend.emit('closed', shortage);
    frontend.emit('opened');
    assert.equal(reported(), `${refused},opened`);
    pass(20);
    frontend.emit('closed', shortage);
    pass(10);
    frontend.emit('opened');
    assert.equal(reported(), '', 'it was over within the minute');
    pass(10);
    frontend.emit('closed', shortage);
    pass(19);
    assert.equal(reported(), '', 'it was reported within the minute');
    pass(1);
    assert.equal(reported(), refused);
    frontend.emit('opened');
    assert.equal(reported(), 'opened');
    frontend.emit('closed', shortage);
    frontend.emit('closed', undefined);
    assert.equal(reported(), 'no server greets: clients are refused until one does');
    pass(120);
    assert.equal(reported(), '', 'the shortage was not the last reason');
  });
});

describe('LineBudget', () => {
  it('leaves out what is too much at once, and says how much that was', () => {
    const shown: string[] = [];
    let nowMs = 0;
    const budget = new LineBudget(
      ({ event, fields }) => shown.push(event === 'leftOut' ? `${fields.count} left out` : event),
      () => nowMs,
    );
    const entry = (event: string): Entry => ({
      ...{ time: new Date(), event, name: 'one', kind: 'note' },
      ...{ text: event, fields: {} },
    });
    for (let count = 0; count < 80; count++) budget.report(entry('many'));
    nowMs += 1000;
    budget.report(entry('last'));
    assert.deepEqual([shown.length, ...shown.slice(-2)], [52, '30 left out', 'last']);
  });
});
