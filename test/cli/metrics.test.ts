import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeepAlive } from '#src/agent/keep-alive.js';
import { StorageRegistry } from '#src/agent/storage-registry.js';
import { MetricsServer } from '#src/cli/watch/metrics-server.js';
import { metricsPages, storageProblems } from '#src/cli/watch/probes.js';
import { Metrics } from '#src/cli/watch/prometheus.js';
import type { Row } from '#src/cli/watch/snapshot.js';
import { plainPage } from '#src/observability/http-pages.js';

const connection = { name: 'main', address: 'zeo1:8100', generation: 2 };

function row(name: string, state: Row['state']): Row {
  const nothing = { server: undefined, roundTrips: undefined, trouble: undefined };
  return { name, state, since: new Date(), pings: 0, failures: 0, ...nothing };
}

describe('the metrics of zeo-keepalive watch', () => {
  it('begin at 0 for each storage, and keep what was counted before they were read', async () => {
    await using agent = new KeepAlive({ period: 60, level: 'silent' }, new StorageRegistry());
    const metrics = new Metrics(agent, { states: () => [row('main', 'ready'), row('other', 'ready')] });
    agent.emit('connectionBack', { ...connection, downForMs: 100, cause: 'refused', explanation: '' });
    const text = await metrics.text();
    for (const line of [
      'zeo_keepalive_detection_duration_seconds_count{storage="main",diagnosis="peer-hangs"} 0',
      'zeo_keepalive_pings_total{storage="other",result="dead"} 0',
      'zeo_keepalive_reconnects_total{storage="other",cause="unnoticed"} 0',
      'zeo_keepalive_reconnect_duration_seconds_count{storage="other",cause="flow-dropped"} 0',
      'zeo_keepalive_reconnect_duration_seconds_count{storage="main",cause="refused"} 1',
    ])
      assert.ok(text.includes(`${line}\n`), `${line} is not in\n${text}`);
  });

  it('describe the process as other exporters do', async () => {
    await using agent = new KeepAlive({ period: 60, level: 'silent' }, new StorageRegistry());
    const metrics = new Metrics(agent, { states: () => [] });
    const value = async (series: string) =>
      Number(new RegExp(`^${series}(?:\\{.*\\})? (\\S+)$`, 'm').exec(await metrics.text())?.[1]);
    assert.match(
      await metrics.text(),
      new RegExp(
        `^zeo_keepalive_build_info\\{version="\\d+\\.\\d+\\.\\S+",node="${process.versions.node}"} 1$`,
        'm',
      ),
    );
    const startedAt = Date.now() / 1000 - process.uptime();
    assert.ok(Math.abs((await value('process_start_time_seconds')) - startedAt) < 5);
    const before = await value('process_cpu_seconds_total');
    assert.ok(before > 0);
    assert.ok((await value('process_cpu_seconds_total')) > before, 'it took time to make the text');
    assert.ok((await value('process_resident_memory_bytes')) > 1e6);
    if (process.platform === 'linux') assert.ok((await value('process_open_fds')) > 2);
  });

  it('count new connections, noticed or not, and pings without one', async () => {
    await using agent = new KeepAlive({ period: 60, level: 'silent' }, new StorageRegistry());
    const metrics = new Metrics(agent, { states: () => [] });
    agent.emit('connectionReplaced', { ...connection, previousGeneration: 1 });
    agent.emit('connectionDown', { ...connection, downForMs: 0, cause: 'unknown', error: undefined });
    agent.emit('connectionBack', { ...connection, downForMs: 100, cause: 'flow-dropped', explanation: '' });
    const text = await metrics.text();
    for (const line of [
      'zeo_keepalive_reconnects_total{storage="main",cause="unnoticed"} 1',
      'zeo_keepalive_reconnects_total{storage="main",cause="flow-dropped"} 1',
      'zeo_keepalive_pings_total{storage="main",result="down"} 1',
    ])
      assert.ok(text.includes(`${line}\n`), `${line} is not in\n${text}`);
  });
});

describe('/readyz', () => {
  it('is 503 until all storages are open, and without a worker', async () => {
    let isRunning = true;
    const rows: Row[] = [];
    await using server = await MetricsServer.listen(
      { host: '127.0.0.1', port: 0 },
      metricsPages({
        metrics: { contentType: 'text/plain', text: async () => '' },
        isHealthy: () => isRunning,
        problems: () => storageProblems(rows, 2),
      }),
    );
    const readiness = async () => {
      const response = await fetch(`http://${server.address}/readyz`);
      return `${response.status} ${await response.text()}`;
    };
    rows.push(row('main', 'alive'));
    assert.equal(await readiness(), '503 1 of 2 storages are not open yet\n');
    rows.push(row('other', 'down'));
    assert.equal(await readiness(), '503 other: down\n');
    rows[1] = row('other', 'ready');
    assert.equal(await readiness(), '200 ok\n');
    isRunning = false;
    assert.equal(await readiness(), '503 the worker thread is not running\n');
  });
});

describe('The server for metrics', { timeout: 60_000 }, () => {
  it('answers soon, although others hold connections without a request', async (t) => {
    await using server = await MetricsServer.listen(
      { host: '127.0.0.1', port: 0 },
      { '/healthz': () => plainPage(200, 'ok') },
    );
    const port = Number(server.address.split(':').at(-1));
    const idle = Array.from({ length: 64 }, () => connect(port, '127.0.0.1').on('error', () => {}));
    t.after(() => idle.map((socket) => socket.destroy()));
    await Promise.all(idle.map((socket) => once(socket, 'connect')));
    // Node would look for them every 30 s.
    const closed = Promise.any(idle.map((socket) => once(socket.resume(), 'close')));
    assert.ok(await Promise.race([closed, sleep(20_000, undefined, { ref: false })]));
    assert.equal((await fetch(`http://${server.address}/healthz`)).status, 200);
  });
});
