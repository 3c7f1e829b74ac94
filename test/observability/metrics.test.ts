import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { Worker } from 'node:worker_threads';
import {
  type MeterProvider as ApiMeterProvider,
  type Attributes,
  createNoopMeter,
  type Meter,
  metrics,
  type ObservableCallback,
} from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { KeepAlive, KeepAliveError, pingChannel, StorageRegistry } from 'zeo-keepalive';
import { recordMetrics } from 'zeo-keepalive/metrics';
import { ZeoServer } from 'zeo-keepalive/testing';
import { ClientStorage } from 'zeo-keepalive/zeo';
import { Reporter } from '#src/agent/report/reporter.js';
import { createLog } from '#src/observability/log.js';
import { captureLog, isOfBusyMachine, type LogLine } from '../agent/captured-log.js';
import { ScriptedTarget } from '../agent/scripted-target.js';
import { runHost } from '../hosts/run-host.js';

/** OpenTelemetry's SDK, with a reader through which the test gets the metrics. */
function createSdk(t: TestContext) {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  // Exports only on request.
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 });
  const provider = new MeterProvider({ readers: [reader] });
  t.after(() => provider.shutdown());
  return {
    provider,
    async collect() {
      await reader.forceFlush();
      const [scope] = exporter.getMetrics().at(-1)?.scopeMetrics ?? [];
      const byName = new Map(scope?.metrics.map((metric) => [metric.descriptor.name, metric]));
      return {
        scope: scope?.scope,
        names: [...byName.keys()].sort(),
        unit: (name: string) => byName.get(name)?.descriptor.unit,
        /** Values by attributes, without the connection's name. */
        counts(name: string): Record<string, number> {
          const points = (byName.get(name)?.dataPoints ?? []) as DataPoint<number>[];
          return Object.fromEntries(points.map(({ attributes, value }) => [key(attributes), value]));
        },
        histogram(name: string): [key: string, Histogram][] {
          const points = (byName.get(name)?.dataPoints ?? []) as DataPoint<Histogram>[];
          return points.map(({ attributes, value }) => [key(attributes), value]);
        },
      };
    },
  };
}

function key(attributes: Readonly<Record<string, unknown>>): string {
  return Object.entries(attributes)
    .map(([name, value]) => `${name.replace('zeo_keepalive.', '')}=${value}`)
    .sort()
    .join(' ');
}

function keepAlive(t: TestContext, storage: object, name = 'main') {
  const databases = new StorageRegistry();
  databases.open(name, storage);
  const agent = new KeepAlive({ period: 0.1, timeout: 0.3, jitter: 0, level: 'silent' }, databases, {});
  t.after(() => agent.stop());
  return agent;
}

describe('Metrics', { timeout: 60_000 }, () => {
  // The agent does not keep the process alive.
  let hold: NodeJS.Timeout;
  before(() => {
    hold = setInterval(() => {}, 60_000);
  });
  after(() => clearInterval(hold));

  it('count pings by result, and measure round trips, deaths and outages', async (t) => {
    const { provider, collect } = createSdk(t);
    t.after(recordMetrics({ meterProvider: provider }));
    const server = await ZeoServer.listen();
    t.after(() => server.close());
    const storage = await ClientStorage.open({ address: server.address });
    t.after(() => storage.close());
    const agent = keepAlive(t, storage);
    let answered = 0;
    agent.on('pingSucceeded', ({ roundTripMs }) => {
      if (roundTripMs !== undefined) answered += 1;
    });
    agent.start();
    for (let pings = 0; pings < 3; pings++) await once(agent, 'pingSucceeded');
    await collect();
    for (const connection of server.connections) connection.silence();
    const [{ timeToDetectMs }] = await once(agent, 'connectionDied');
    while (agent.status().connections[0]?.state !== 'alive') await once(agent, 'pingSucceeded');
    await agent.stop();

    const { scope, names, unit, counts, histogram } = await collect();
    assert.equal(scope?.name, 'zeo-keepalive');
    assert.match(scope?.version ?? '', /^\d+\.\d+\.\d+/);
    // On a busy machine this process may have been stalled as well.
    assert.deepEqual(
      names.filter((name) => !name.includes('stall')),
      [
        'zeo_keepalive.connection.status',
        'zeo_keepalive.detection.duration',
        'zeo_keepalive.ping.duration',
        'zeo_keepalive.pings',
        'zeo_keepalive.reconnect.duration',
        'zeo_keepalive.reconnects',
        'zeo_keepalive.worker.restarts',
      ],
    );
    const [, port] = server.address.split(':');
    const main = `connection.name=main`;
    const at = `server.address=127.0.0.1 server.port=${port}`;
    const pings = counts('zeo_keepalive.pings');
    assert.equal(pings[`${main} ping.result=alive ${at}`], answered);
    assert.equal(pings[`${main} error.type=ERR_KEEPALIVE_TIMEOUT ping.result=dead ${at}`], 1);
    const [[of, roundTrips]] = histogram('zeo_keepalive.ping.duration') as [[string, Histogram]];
    assert.equal(of, `${main} ${at}`);
    assert.equal(roundTrips.count, answered);
    assert.ok(roundTrips.max !== undefined && roundTrips.max < 60, 'in seconds');
    assert.equal(roundTrips.buckets.boundaries[0], 0.0005);
    const [[why, detection]] = histogram('zeo_keepalive.detection.duration') as [[string, Histogram]];
    assert.equal(why, `${main} diagnosis=${process.platform === 'linux' ? 'peer-hangs' : 'unknown'} ${at}`);
    assert.equal(detection.sum, timeToDetectMs / 1000);
    const reconnects = Object.values(counts('zeo_keepalive.reconnects'));
    assert.equal(
      reconnects.reduce((sum, count) => sum + count),
      1,
    );
    assert.equal(histogram('zeo_keepalive.reconnect.duration')[0]?.[1].count, 1);
    for (const name of names.filter((metric) => metric.endsWith('.duration'))) assert.equal(unit(name), 's');
  });

  it('have one series for all sockets of a destination', async (t) => {
    const { provider, collect } = createSdk(t);
    t.after(recordMetrics({ meterProvider: provider }));
    const { logger } = captureLog();
    const reporter = new Reporter(createLog({ logger }), new EventEmitter());
    const error = new KeepAliveError('ERR_KEEPALIVE_TIMEOUT', 'The path is gone');
    for (let sequence = 1; sequence <= 100; sequence++) {
      reporter.socketDied({
        name: 'tcp db.example.org:5432',
        address: `10.0.0.${sequence}:5432`,
        sequence,
        error,
        death: {
          ...{ diagnosis: 'path-or-host-gone', by: 'probes', count: 2 },
          ...{ unansweredMs: 1500, unacknowledgedBytes: 0 },
        },
        isHeard: true,
      });
    }
    const { histogram } = await collect();
    assert.deepEqual(
      histogram('zeo_keepalive.detection.duration').map(([of, { count, sum }]) => [of, count, sum]),
      [
        [
          'connection.name=tcp db.example.org:5432 diagnosis=path-or-host-gone ' +
            'server.address=db.example.org server.port=5432',
          100,
          150,
        ],
      ],
    );
  });

  it('count failed pings, missing connections and unnoticed replacements', async (t) => {
    const { provider, collect } = createSdk(t);
    t.after(recordMetrics({ meterProvider: provider }));
    let fails = true;
    const storage = new ScriptedTarget(() => (fails ? Promise.reject(new Error('lost')) : 'well'));
    const agent = keepAlive(t, storage, 'zeo://joe:s3cret@db');
    agent.start();
    await once(agent, 'pingFailed');
    storage.ready = false;
    await once(agent, 'connectionDown');
    storage.ready = true;
    fails = false;
    await once(agent, 'pingSucceeded');
    storage.generation += 1;
    await once(agent, 'connectionReplaced');
    await agent.stop();
    const { counts } = await collect();
    const pings = counts('zeo_keepalive.pings');
    const of = 'connection.name=zeo://***@db';
    assert.ok((pings[`${of} error.type=Error ping.result=failed`] ?? 0) >= 1, JSON.stringify(pings));
    assert.ok((pings[`${of} ping.result=down`] ?? 0) >= 1);
    assert.equal(counts('zeo_keepalive.reconnects')[`cause=unnoticed ${of}`], 1);
    assert.doesNotMatch(JSON.stringify(pings), /s3cret/);
  });

  it('show the state of each open connection, and the counters of a new one at 0', async (t) => {
    const { provider, collect } = createSdk(t);
    t.after(recordMetrics({ meterProvider: provider }));
    const storage = Object.assign(new ScriptedTarget(), { address: '[fd00::1]:8100' });
    const databases = new StorageRegistry();
    databases.open('main', storage);
    databases.open('other', Object.assign(new ScriptedTarget(), { ready: false }));
    const agent = new KeepAlive({ period: 600, level: 'silent' }, databases, {});
    t.after(() => agent.stop());
    agent.start();
    /** Those that a connection is in; the SDK exports what was ever observed. */
    const states = async () => {
      const all = Object.entries((await collect()).counts('zeo_keepalive.connection.status'));
      assert.equal(all.length, 4);
      return all.filter(([, value]) => value === 1).map(([of]) => of.replaceAll('connection.', ''));
    };
    assert.deepEqual(await states(), ['name=main state=up', 'name=other state=down']);
    const { counts } = await collect();
    const at = 'server.address=fd00::1 server.port=8100';
    const pings = counts('zeo_keepalive.pings');
    assert.equal(
      pings[`connection.name=main error.type=ERR_KEEPALIVE_TIMEOUT ping.result=dead ${at}`],
      0,
      JSON.stringify(pings),
    );
    assert.equal(pings['connection.name=other ping.result=down'], 0);
    assert.equal(counts('zeo_keepalive.reconnects')[`cause=flow-dropped connection.name=main ${at}`], 0);
    assert.deepEqual(counts('zeo_keepalive.worker.restarts'), { '': 0 });
    storage.ready = false;
    await databases.close('other');
    assert.deepEqual(await states(), ['name=main state=down']);
    await agent.stop();
    assert.deepEqual(await states(), []);
  });

  it('are put together once for each connection, and begun once for each server', async (t) => {
    const begun: (Attributes | undefined)[] = [];
    let read: ObservableCallback = () => {};
    const meter: Meter = Object.assign(Object.create(createNoopMeter()), {
      createCounter: () => ({ add: (_: number, attributes?: Attributes) => begun.push(attributes) }),
      createObservableUpDownCounter: () => ({
        addCallback(callback: ObservableCallback) {
          read = callback;
        },
        removeCallback() {},
      }),
    });
    t.after(recordMetrics({ meterProvider: { getMeter: () => meter } }));
    const storage = Object.assign(new ScriptedTarget(), { address: 'a:1' });
    keepAlive(t, storage).start();
    const observe = () => {
      const attributes: (Attributes | undefined)[] = [];
      begun.length = 0;
      read({ observe: (_, of) => attributes.push(of) });
      return attributes;
    };
    const [up, down] = observe();
    assert.ok(begun.length > 10);
    const again = observe();
    assert.ok(again.length === 2 && again[0] === up && again[1] === down);
    assert.deepEqual(begun, []);
    storage.address = 'b:1';
    assert.deepEqual(observe(), again);
    assert.deepEqual(new Set(begun.map((attributes) => attributes?.['server.address'])), new Set(['b']));
  });

  it('are begun for fifty connections in a turn of the main loop, where there are many', async (t) => {
    const begun = new Set<unknown>();
    let read: ObservableCallback = () => {};
    const meter: Meter = Object.assign(Object.create(createNoopMeter()), {
      createCounter: () => ({
        add: (_: number, attributes?: Attributes) => begun.add(attributes?.['zeo_keepalive.connection.name']),
      }),
      createObservableUpDownCounter: () => ({
        addCallback(callback: ObservableCallback) {
          read = callback;
        },
        removeCallback() {},
      }),
    });
    const end = recordMetrics({ meterProvider: { getMeter: () => meter } });
    t.after(end);
    const databases = new StorageRegistry();
    for (let index = 0; index < 220; index++) databases.open(String(index), new ScriptedTarget());
    const agent = new KeepAlive({ period: 600, level: 'silent' }, databases, {});
    t.after(() => agent.stop());
    agent.start();
    read({ observe: () => {} });
    const counts = [];
    // That of the restarts has no connection.
    for (; begun.size < 201; await new Promise(setImmediate)) counts.push(begun.size - 1);
    assert.deepEqual(counts, [50, 100, 150]);
    end();
    await new Promise(setImmediate);
    assert.equal(begun.size, 201);
  });

  it('name failures by code or class, but not by a text of free choice', async (t) => {
    const { provider, collect } = createSdk(t);
    t.after(recordMetrics({ meterProvider: provider }));
    const failures: unknown[] = [
      Object.assign(new Error('lost'), { code: 'ECONNRESET' }),
      new RangeError('too far'),
      Object.assign(new Error('odd'), { code: 'row 17 of joe', name: 'x'.repeat(65) }),
      'no error',
    ];
    const storage = new ScriptedTarget(() => Promise.reject(failures.shift()));
    const agent = keepAlive(t, storage);
    agent.start();
    while (failures.length > 0) await once(agent, 'pingFailed');
    await agent.stop();
    const pings = (await collect()).counts('zeo_keepalive.pings');
    const types = Object.keys(pings).flatMap(
      (series) => /error\.type=(\S+) \S+=failed/.exec(series)?.[1] ?? [],
    );
    assert.deepEqual(types.sort(), ['ECONNRESET', 'RangeError', '_OTHER']);
    assert.doesNotMatch(JSON.stringify(pings), /joe|xxx/);
  });

  it('measure stalls, and count replaced worker threads', async (t) => {
    const { provider, collect } = createSdk(t);
    t.after(recordMetrics({ meterProvider: provider }));
    const created: Worker[] = [];
    const onWorker = (worker: Worker) => created.push(worker);
    process.on('worker', onWorker);
    t.after(() => process.off('worker', onWorker));
    // A ping is always out, without a verdict as long as the process is stalled.
    const storage = new ScriptedTarget(() => new Promise(() => {}));
    Object.defineProperty(storage, 'lastReceivedAt', { get: () => performance.now() });
    const agent = keepAlive(t, storage);
    agent.start();
    await once(agent, 'pingStarted');
    await new Promise((resolve) => setTimeout(resolve, 100));
    const until = performance.now() + 1000;
    while (performance.now() < until);
    const [{ of, durationMs }] = await once(agent, 'stalled');
    const restarted = once(agent, 'workerLost');
    void created[0]?.terminate();
    await restarted;
    await agent.stop();
    const { counts, histogram } = await collect();
    const stalls = new Map(histogram('zeo_keepalive.stall.duration'));
    assert.ok((stalls.get(`stall.of=${of}`)?.sum ?? 0) >= durationMs / 1000);
    assert.equal(counts('zeo_keepalive.worker.restarts')[''], 1);
  });

  it('go once to the global provider, even if it is registered later', async (t) => {
    metrics.disable();
    t.after(() => metrics.disable());
    const end = recordMetrics();
    t.after(end);
    assert.equal(recordMetrics(), end);
    const agent = keepAlive(t, new ScriptedTarget());
    agent.start();
    await once(agent, 'pingSucceeded');
    const { provider, collect } = createSdk(t);
    metrics.setGlobalMeterProvider(provider);
    let answered = 0;
    agent.on('pingSucceeded', () => {
      answered += 1;
    });
    while (answered < 3) await once(agent, 'pingSucceeded');
    await agent.stop();
    const { counts } = await collect();
    assert.equal(counts('zeo_keepalive.pings')['connection.name=main ping.result=alive'], answered);
  });

  it('leave no subscription behind when recording is ended', async (t) => {
    const { provider, collect } = createSdk(t);
    const end = recordMetrics({ meterProvider: provider });
    assert.equal(pingChannel.hasSubscribers, true);
    end();
    end();
    assert.equal(pingChannel.hasSubscribers, false);
    const agent = keepAlive(t, new ScriptedTarget());
    agent.start();
    await once(agent, 'pingSucceeded');
    assert.deepEqual((await collect()).names, []);
    await agent.stop();
  });

  it('do not disturb the agent when their provider throws', async (t) => {
    const broken = {
      getMeter() {
        throw new Error('provider');
      },
    } as unknown as ApiMeterProvider;
    t.after(recordMetrics({ meterProvider: broken }));
    const agent = keepAlive(t, new ScriptedTarget());
    agent.start();
    for (let pings = 0; pings < 3; pings++) await once(agent, 'pingSucceeded');
  });
});

describe('A host that is started with zeo-keepalive/register', { timeout: 120_000 }, () => {
  const register = ['--import', 'zeo-keepalive/register'];

  async function run(nodeOptions: readonly string[]) {
    await using server = await ZeoServer.listen();
    return await runHost('counts-its-pings', {
      args: [server.address],
      env: { ZEO_KEEPALIVE_PERIOD: '1' },
      nodeOptions: [...nodeOptions, ...register],
    });
  }

  it('records metrics with the provider that it registers', async () => {
    const { code, stdout, stderr } = await run([]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^zeo_keepalive\.pings \d+\n$/);
  });

  it('has them recorded as well where sockets are watched and nothing is pinged', {
    skip: process.platform === 'linux' ? false : 'only Linux has the table that sockets are watched by',
    timeout: 20_000,
  }, async () => {
    const { code, stdout, stderr } = await runHost('records-without-pings', {
      env: { ZEO_KEEPALIVE_PERIOD: '0.5', ZEO_KEEPALIVE_SOCKETS: 'all' },
      nodeOptions: register,
    });
    assert.equal(code, 0, stderr);
    assert.equal(stdout, 'recorded\n');
  });

  const linesOf = (stderr: string): LogLine[] =>
    stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  const without = (how: string) => [
    '--import',
    new URL(`../hosts/without-opentelemetry.js${how}`, import.meta.url).href,
  ];

  for (const [manager, how] of [
    ['npm', ''],
    ['Yarn', '?yarn'],
  ] as const)
    it(`runs quietly without @opentelemetry/api, as ${manager} leaves it`, async () => {
      const { code, stdout, stderr } = await run(without(how));
      assert.equal(code, 0, stderr);
      assert.equal(stdout, 'no provider\n');
      const messages = linesOf(stderr).map(({ msg }) => msg);
      // A busy machine adds others.
      const isOfLoad = (message: string) => isOfBusyMachine(message) || / has not come up in /.test(message);
      const expected = ['Keep alive thread started with period 1 s'];
      assert.deepEqual(
        messages.filter((message) => !isOfLoad(message)),
        expected,
      );
    });

  it('warns that metrics are not recorded if @opentelemetry/api is broken', async () => {
    const { code, stderr } = await run(without('?broken'));
    assert.equal(code, 0, stderr);
    const warnings = linesOf(stderr).filter(({ msg }) => msg === 'Keep alive metrics are not recorded');
    assert.deepEqual(
      warnings.map(({ level, err }) => [level, err?.code]),
      [[40, 'ERR_MODULE_NOT_FOUND']],
    );
  });
});
