import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ZeoServer } from 'zeo-keepalive/testing';
import { findZeo } from '../support/python/environments.js';
import { startZeoServer } from '../support/python/zeo-server.js';
import { RunningCommand, run } from './command.js';

const { missing } = findZeo('6.2');
const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const fast = ['--period', '0.2', '--timeout', '0.4'];

describe('zeo-keepalive watch without a terminal', { timeout: 120_000 }, () => {
  it('prints a line for each event and a summary at the end', { skip: missing }, async () => {
    await using server = await startZeoServer({ version: '6.2' });
    const command = new RunningCommand([...fast, server.address]);
    await command.line(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}\S+ +connected to /);
    await command.line(/ping answered in [\d.]+ ms$/);
    server.signal('SIGSTOP');
    await command.line(/DEAD, silent for [\d.]+ s: /);
    await command.line(/still down after /);
    server.signal('SIGCONT');
    await command.line(/back after /);
    await command.line(/ping answered/);
    command.kill('SIGINT');
    const { code, stdout, stderr } = await command.ended();
    assert.equal(code, 0);
    assert.equal(stderr, '');
    assert.match(
      stdout,
      /alive, \d+ pings, 1 failed, round trip .*\n {2}└ \S+ \S+ DEAD, .*; back after [\d.]+ s.*\n$/,
    );
    // Once as a line and once in the summary: the loss of the connection does not repeat the verdict.
    assert.equal(stdout.match(/DEAD/g)?.length, 2);
  });

  it('prints local times in its lines and in its summary', async () => {
    const beganAt = Math.trunc(Date.now() / 1000) * 1000;
    const command = new RunningCommand([...fast, '127.0.0.1:1'], { TZ: 'Etc/GMT-14' });
    await command.line(/ECONNREFUSED/);
    command.kill('SIGINT');
    const { stdout } = await command.ended();
    const times = [...stdout.matchAll(/^(?: {2}└ )?(\S+) (\S+) .*ECONNREFUSED/gm)];
    assert.equal(times.length, 2, stdout);
    for (const [, day, time] of times) {
      const at = Date.parse(`${day}T${time}+14:00`);
      assert.ok(at >= beganAt && at <= Date.now(), stdout);
    }
  });

  it('pings every 10 s if the period variable is blank', async () => {
    const command = new RunningCommand(['127.0.0.1:1'], { ZEO_KEEPALIVE_PERIOD: ' ' });
    await command.line(/pings every 10 s/);
    command.kill('SIGINT');
    assert.equal((await command.ended()).code, 0);
  });

  it('warns about durations that are probably in the wrong unit', async () => {
    const command = new RunningCommand(['zeo://127.0.0.1:1?wait_timeout=4000'], {
      ZEO_KEEPALIVE_PERIOD: '30000',
    });
    await command.line(
      / {2}ZEO_KEEPALIVE_PERIOD is 30000 s \(8 h 20 min\); the unit is seconds, not milliseconds$/,
    );
    await command.line(
      / {2}The option waitTimeout is 4000 s \(1 h 7 min\); the unit is seconds, not milliseconds$/,
    );
    command.kill('SIGINT');
    const { code, stderr } = await command.ended();
    assert.deepEqual([code, stderr], [0, '']);
  });

  it('leaves out answered pings and the like with --quiet', async () => {
    await using server = await ZeoServer.listen();
    const command = new RunningCommand([...fast, '--quiet', server.address]);
    await command.line(/connected/);
    await waitForCalls(server, 3);
    command.kill('SIGINT');
    const { stdout } = await command.ended();
    assert.doesNotMatch(stdout, /answered/);
    assert.match(stdout, /alive, [1-9]\d* pings, 0 failed/);
  });

  it('writes one JSON object per line with --json', async () => {
    await using server = await ZeoServer.listen();
    const command = new RunningCommand([...fast, '--json', server.address, '127.0.0.1:1']);
    await command.line(/"pingSucceeded"/);
    for (const connection of server.connections) connection.silence();
    await command.line(/"connectionDied"/);
    await command.line(/"connectionBack"/);
    command.kill('SIGTERM');
    const { code, stdout } = await command.ended();
    assert.equal(code, 0);
    const entries = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.ok(
      entries.every(({ time, event }) => !Number.isNaN(Date.parse(time)) && typeof event === 'string'),
    );
    const of = (event: string, name = server.address) =>
      entries.find((entry) => entry.event === event && (entry.name ?? name) === name);
    assert.equal(of('started').periodMs, 200);
    assert.equal(of('connected').generation, 1);
    assert.ok(of('pingSucceeded').roundTripMs > 0);
    assert.equal(of('connectionDied').error.code, 'ERR_KEEPALIVE_TIMEOUT');
    assert.ok(of('connectionDied').silentMs > 0);
    assert.equal(typeof of('connectionBack').cause, 'string');
    assert.equal(of('reconnecting', '127.0.0.1:1').error.code, 'ERR_ZEO_CONNECT');
    const ended = entries.at(-1);
    assert.deepEqual([ended.event, ended.reason, ended.storages.length], ['ended', 'SIGTERM', 2]);
  });

  it('prints what a peer sends without control characters', async (t) => {
    const evil = 'HTTP \x1b[2J\x07 \u009b31m \u202egnp.exe';
    const peer = createServer((socket) => {
      socket.on('error', () => {});
      socket.end(evil);
    });
    peer.listen(0, '127.0.0.1');
    t.after(() => peer.close());
    await once(peer, 'listening');
    const { port } = peer.address() as AddressInfo;
    for (const how of [[], ['--json']]) {
      const command = new RunningCommand([...fast, ...how, `127.0.0.1:${port}`]);
      await command.line(/HTTP/);
      command.kill('SIGINT');
      const { stdout } = await command.ended();
      assert.doesNotMatch(stdout.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
    }
  });

  it('ends and closes its connections when its output is closed', async () => {
    await using server = await ZeoServer.listen();
    const command = new RunningCommand([...fast, server.address]);
    await command.line(/connected/);
    command.closeOutput();
    const { code, stderr } = await command.ended();
    assert.deepEqual([code, stderr], [0, '']);
    await waitFor(() => server.connections.size === 0);
  });

  it('ends on SIGTERM although its reader has stopped reading', async () => {
    await using server = await ZeoServer.listen();
    // They soon write more than a pipe holds.
    const uris = Array.from(
      { length: 40 },
      (_, index) => `zeo://${server.address}?wait_timeout=${index + 1}`,
    );
    const command = spawn(process.execPath, [main, 'watch', ...fast, '--json', ...uris], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 60_000,
      killSignal: 'SIGKILL',
    });
    await waitForCalls(server, 3000);
    const exit = once(command, 'exit');
    command.kill('SIGTERM');
    assert.deepEqual(await exit, [0, null]);
  });

  for (const [signal, code, endedBy] of [
    ['SIGINT', 0, null],
    ['SIGTERM', 0, null],
    ['SIGHUP', null, 'SIGHUP'],
  ] as const) {
    it(`ends on ${signal} in the middle of a ping, with a summary`, async () => {
      await using server = await ZeoServer.listen();
      const command = new RunningCommand(['--period', '0.2', '--timeout', '60', server.address]);
      await command.line(/answered/);
      for (const connection of server.connections) connection.silence();
      // The next ping cannot be observed from outside; more than a period is long enough for it.
      await new Promise((resolve) => setTimeout(resolve, 600));
      command.kill(signal);
      const ended = await command.ended();
      assert.deepEqual([ended.code, ended.signal, ended.stderr], [code, endedBy, '']);
      assert.match(ended.stdout, /alive, \d+ pings, 0 failed/);
    });
  }

  it('explains a usage error on standard error and ends with 2', async () => {
    for (const [args, why] of [
      [['watch'], "missing argument 'ADDRESS'"],
      [['--nonsense', '127.0.0.1:1'], "unknown option '--nonsense'"],
      [['watch', 'nowhere'], 'Invalid ZEO address "nowhere": it has no port'],
      [['zeo1.example.org'], 'Invalid ZEO address "zeo1.example.org": it has no port'],
      [['wach', '--json', '127.0.0.1:1'], "unknown command 'wach'\n(Did you mean watch?)"],
      [['localhost'], "unknown command 'localhost'"],
      [['--period', 'often', '127.0.0.1:1'], "'often' is invalid. Expected a number."],
      [
        ['--period', '-3', '127.0.0.1:1'],
        'Expected a positive period, as there is nothing to do without one; found -3',
      ],
      [
        ['--timeout', '0', '127.0.0.1:1'],
        'Option timeout: expected a number of seconds from 0.001 to 2147483; received 0',
      ],
      [['--metrics', '127.0.0.1', '127.0.0.1:1'], 'HOST:PORT'],
      [['--metrics', '70000', '127.0.0.1:1'], 'HOST:PORT'],
    ] as const) {
      const { code, stderr, stdout } = await run(args);
      assert.equal(code, 2, stderr);
      assert.ok(stderr.startsWith('error: ') && stderr.includes(why), stderr);
      assert.equal(stdout, '');
    }
    const { code, stderr } = await run(['127.0.0.1:1'], { ZEO_KEEPALIVE_TIMEOUT: 'soon' });
    assert.equal(code, 2);
    assert.match(stderr, /ZEO_KEEPALIVE_TIMEOUT: expected .*; received "soon"/);
  });

  it('never shows the password contained in a URI', async () => {
    await using server = await ZeoServer.listen();
    const uri = `zeo://${server.address}?username=me&password=s3cret`;
    const command = new RunningCommand([...fast, '--json', uri]);
    await command.line(/pingSucceeded/);
    command.kill('SIGINT');
    const { stdout, stderr } = await command.ended();
    assert.doesNotMatch(stdout + stderr, /s3cret/);
  });
});

describe('zeo-keepalive watch --metrics', { timeout: 120_000 }, () => {
  it('serves metrics for Prometheus and the two probes', async () => {
    await using server = await ZeoServer.listen();
    const command = new RunningCommand([...fast, '--json', '--metrics', '0', server.address]);
    const { url } = JSON.parse(await command.line(/"metrics"/));
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
    await command.line(/"pingSucceeded"/);
    for (const connection of server.connections) connection.silence();
    await command.line(/"connectionBack"/);
    await command.line(/"pingSucceeded"/);
    const text = await (await fetch(url)).text();
    const labels = `storage="${server.address}"`;
    for (const line of [
      `zeo_keepalive_pings_total{${labels},result="dead"} 1`,
      `zeo_keepalive_storage_up{${labels}} 1`,
      'zeo_keepalive_worker_restarts_total 0',
    ]) {
      assert.ok(text.includes(`${line}\n`), `${line} is not in\n${text}`);
    }
    assert.match(
      text,
      /zeo_keepalive_detection_duration_seconds_count\{.*diagnosis="(peer-hangs|unknown)"\} 1/,
    );
    assert.match(text, /zeo_keepalive_reconnect_duration_seconds_count\{.*cause=".*"\} 1/);
    assert.match(text, /zeo_keepalive_ping_duration_seconds_count\{.*\} [1-9]/);
    const get = async (path: string, method = 'GET') => {
      const response = await fetch(new URL(path, url), { method });
      return `${response.status} ${await response.text()}`;
    };
    assert.equal(await get('/healthz'), '200 ok\n');
    assert.equal(await get('/readyz?verbose'), '200 ok\n');
    assert.match(await get('/'), /^404 /);
    assert.match(await get('/metrics', 'POST'), /^405 /);
    await server.close();
    await command.line(/"disconnected"/);
    assert.match(await get('/readyz'), /^503 127\.0\.0\.1:\d+: down\n$/);
    assert.equal(await get('/healthz'), '200 ok\n');
    command.kill('SIGTERM');
    assert.equal((await command.ended()).code, 0);
  });

  it('reports a port that is in use and ends with 1', async () => {
    await using server = await ZeoServer.listen();
    const { code, stderr, stdout } = await run(['--metrics', server.address, server.address]);
    assert.equal(code, 1);
    assert.equal(stderr, `error: Cannot serve metrics on ${server.address}: the port is in use\n`);
    assert.equal(stdout, '');
  });
});

async function waitForCalls(server: ZeoServer, count: number): Promise<void> {
  for (let calls = 0; calls < count; calls++) await once(server, 'call');
}

async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}
