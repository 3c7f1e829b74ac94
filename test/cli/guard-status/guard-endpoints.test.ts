import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { ZeoServer } from 'zeo-keepalive/testing';
import { frontendProblems } from '#src/cli/guard-status/readiness.js';
import type { Frontend } from '#src/guard/frontend.js';
import type { ServerConnection } from '#src/zeo/server/server-connection.js';
import { missingPromtool, promtoolCheck } from '../../support/promtool.js';
import { WireClient } from '../../zeo/server/wire-client.js';
import { listenRaw } from '../../zeo/storage/scripted-peer.js';
import { RunningCommand, run } from '../command.js';

/** The command with metrics, in front of these servers, one address for each group. */
async function start(groups: readonly string[], period = '0.2', timeout = '0.5') {
  const options = ['--period', period, '--timeout', timeout, '--metrics', '0'];
  const command = new RunningCommand(['guard', ...options, ...groups.map((servers) => `0=${servers}`)]);
  const listeners: string[] = [];
  for (const _ of groups) {
    const line = await command.line(/listens for clients of/);
    listeners.push(line.split('  ')[1]?.trim() ?? '');
  }
  const line = await command.line(/shows its status at/);
  const [, url = ''] = /(http:\S+)\/;/.exec(line) ?? [];
  const get = async (path: string, init?: RequestInit) => {
    const response = await fetch(`${url}${path}`, init);
    return { status: response.status, headers: response.headers, body: await response.text() };
  };
  const connect = (address = '') => WireClient.register({ address, port: Number(address.split(':')[1]) });
  /** Until the answer is as expected. */
  const until = async (path: string, isExpected: (body: string) => boolean) => {
    for (;;) {
      const { body } = await get(path);
      if (isExpected(body)) return body;
    }
  };
  return { command, listeners, get, connect, until };
}

async function end(command: RunningCommand): Promise<void> {
  command.kill('SIGTERM');
  assert.equal((await command.ended()).code, 0);
}

const limit = { timeout: 60_000 };

describe('guard --metrics', () => {
  it('has series at 0 for each address and server, none for a client', limit, async () => {
    await using server = await ZeoServer.listen();
    const { command, listeners, get, connect, until } = await start([server.address, server.address]);
    const [first = '', second = ''] = listeners;
    const labels = (listener: string) => `listener="${listener}",server="${server.address}"`;
    const zeros = [
      ...['alive', 'dead'].map((result) => `pings_total{${labels(second)},result="${result}"}`),
      `ping_duration_seconds_count{${labels(second)}}`,
      `detection_duration_seconds_count{${labels(second)},diagnosis="peer-hangs"}`,
      ...['open_connections', 'connections_total', 'deaths_total'].map(
        (name) => `guard_${name}{${labels(second)}}`,
      ),
      ...['client', 'server'].map((from) => `guard_received_bytes_total{${labels(second)},from="${from}"}`),
      ...['waiting_clients', 'refused_clients_total'].map((name) => `guard_${name}{listener="${second}"}`),
    ];
    const lines = new Set((await get('/metrics')).body.split('\n'));
    for (const series of zeros) assert.ok(lines.has(`zeo_keepalive_${series} 0`), series);

    const client = await connect(first);
    await until('/metrics', (body) =>
      new RegExp(`pings_total\\{${labels(first)},result="alive"} [1-9]`).test(body),
    );
    for (const connection of server.connections) connection.silence();
    await client.closed;
    const other = await connect(first);
    const { body } = await get('/metrics');
    for (const [series, value] of [
      [`guard_open_connections{${labels(first)}}`, '1'],
      [`guard_connections_total{${labels(first)}}`, '2'],
      [`guard_deaths_total{${labels(first)}}`, '1'],
      [`detection_duration_seconds_count{${labels(first)},diagnosis="peer-hangs"}`, '1'],
      [`guard_server_up{${labels(first)}}`, '1'],
      [`guard_received_bytes_total{${labels(first)},from="client"}`, '[1-9]\\d+'],
      [`guard_received_bytes_total{${labels(first)},from="server"}`, '[1-9]\\d+'],
    ] as const) {
      const escaped = series.replace(/[[\]{}.]/g, '\\$&');
      assert.match(body, new RegExp(`^zeo_keepalive_${escaped} ${value}$`, 'm'));
    }
    assert.doesNotMatch(body, /#\d/, 'a connection is named');
    await other.close();
    await end(command);
  });

  it('serves metrics with which promtool finds no fault', { ...limit, skip: missingPromtool }, async () => {
    const { command, get } = await start(['127.0.0.1:1']);
    assert.equal(await promtoolCheck(['metrics'], (await get('/metrics')).body), '');
    await end(command);
  });

  it('is ready when each address has a server that greets', limit, async () => {
    await using live = await ZeoServer.listen();
    await using mute = await listenRaw((socket) => socket.resume());
    const groups = [`${mute.address},${live.address}`, `${mute.address},127.0.0.1:1`];
    const { command, listeners, get, until } = await start(groups);
    const problem =
      `${listeners[1]}: no server greets: ${mute.address} did not greet within 0.5 s; ` +
      'Cannot connect to 127.0.0.1:1: ECONNREFUSED\n';
    await until('/readyz', (body) => body === problem);
    assert.equal((await get('/readyz')).status, 503);
    assert.equal((await get('/healthz')).status, 200);
    await end(command);
  });

  it('says why a server does not greet before that nobody is accepted', () => {
    const backends = ['zeo1', 'zeo2'].map((name) => ({
      name,
      isUp: false,
      error: new Error(`${name} is gone`),
    }));
    const shut = { name: '127.0.0.1:8100', isListening: false, backends } as unknown as Frontend;
    assert.deepEqual(
      [...frontendProblems([shut], () => undefined)],
      [
        '127.0.0.1:8100: no server greets: zeo1 is gone; zeo2 is gone',
        '127.0.0.1:8100: no client is accepted',
      ],
    );
  });

  it('finds a server down that no client is connected to', limit, async () => {
    const server = await ZeoServer.listen();
    const { command, listeners, get, until } = await start([server.address]);
    await until('/readyz', (body) => body === 'ok\n');
    await server.close();
    const refused = `${listeners[0]}: no server greets: Cannot connect to ${server.address}: ECONNREFUSED\n`;
    await until('/readyz', (body) => body === refused);
    const { listeners: shown } = JSON.parse((await get('/status.json')).body);
    assert.deepEqual([shown[0].servers[0].state, shown[0].isListening], ['down', true]);
    await end(command);
  });

  it('is ready while it serves, and not while it is being stopped', limit, async () => {
    await using server = await ZeoServer.listen();
    const { command, listeners, get, connect, until } = await start([server.address], '600', '600');
    await until('/readyz', (body) => body === 'ok\n');
    const client = await connect(listeners[0]);
    // Its connection is not ended before its call is answered.
    const silenced = new Promise<ServerConnection>((resolve) =>
      server.on('call', ({ method, connection }) => {
        if (method !== 'get_info') return;
        connection.silence();
        resolve(connection);
      }),
    );
    const answered = client.call('get_info');
    const connection = await silenced;
    command.kill('SIGTERM');
    assert.equal(await until('/readyz', (body) => body !== 'ok\n'), 'The guard is being stopped\n');
    assert.equal((await get('/healthz')).status, 200);
    assert.equal(JSON.parse((await get('/status.json')).body).isStopping, true);
    connection.resume();
    await answered;
    assert.equal((await command.ended()).code, 0);
    await assert.rejects(get('/healthz'), { message: 'fetch failed' });
  });

  it('serves a page that may run its own script and nothing else', limit, async () => {
    await using server = await ZeoServer.listen();
    const { command, get } = await start([server.address]);
    const { status, headers, body } = await get('/');
    assert.deepEqual([status, headers.get('content-type')], [200, 'text/html; charset=utf-8']);
    const policy = headers.get('content-security-policy') ?? '';
    const [, script = ''] = /<script>(.*)<\/script>/s.exec(body) ?? [];
    const hash = createHash('sha256').update(script).digest('base64');
    assert.match(policy, /^default-src 'none'; /);
    assert.ok(script.length > 1000 && policy.includes(`script-src 'sha256-${hash}';`), policy);
    assert.doesNotMatch(policy, /unsafe|\*/);
    const head = await get('/', { method: 'HEAD' });
    assert.deepEqual([head.status, head.body], [200, '']);
    assert.equal((await get('/', { method: 'POST' })).status, 405);
    const other = await get('/other');
    assert.deepEqual(
      [other.status, other.body],
      [404, 'Not found; try /, /status.json, /metrics, /healthz, /readyz\n'],
    );
    await end(command);
  });

  it('lists at most 200 connections and counts the rest', limit, async () => {
    await using server = await ZeoServer.listen();
    const { command, listeners, connect, get } = await start([server.address]);
    const clients = await Promise.all(Array.from({ length: 203 }, () => connect(listeners[0])));
    const { connections, connectionsLeftOut } = JSON.parse((await get('/status.json')).body);
    assert.deepEqual([connections.length, connectionsLeftOut], [200, 3]);
    assert.match(connections[0].name, /#203$/);
    for (const { socket } of clients) socket.destroy();
    await end(command);
  });

  it('warns of an address that other machines can reach', limit, async () => {
    const command = new RunningCommand(['guard', '--metrics', '0.0.0.0:0', '0=127.0.0.1:1']);
    await command.line(/the status page is open to other machines/);
    await end(command);
  });

  it('does not start where its port is in use', limit, async () => {
    await using taken = await listenRaw(() => {});
    const { code, stderr } = await run(['guard', '--metrics', taken.address, '0=127.0.0.1:1']);
    assert.equal(code, 1);
    assert.equal(stderr, `error: Cannot serve metrics on ${taken.address}: the port is in use\n`);
  });
});
