import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';

/** The package, by whichever way it was loaded. */
export interface Loaded {
  readonly main: typeof import('zeo-keepalive');
  readonly zeo: typeof import('zeo-keepalive/zeo');
  readonly records: typeof import('zeo-keepalive/records');
  readonly testing: typeof import('zeo-keepalive/testing');
  readonly metrics: typeof import('zeo-keepalive/metrics');
  readonly sockets: typeof import('zeo-keepalive/sockets');
  readonly zconfig: typeof import('zeo-keepalive/zconfig');
  readonly adapters: {
    readonly amqplib: typeof import('zeo-keepalive/amqplib');
    readonly http2: typeof import('zeo-keepalive/http2');
    readonly ioredis: typeof import('zeo-keepalive/ioredis');
    readonly mqtt: typeof import('zeo-keepalive/mqtt');
    readonly mysql2: typeof import('zeo-keepalive/mysql2');
    readonly nats: typeof import('zeo-keepalive/nats');
    readonly pg: typeof import('zeo-keepalive/pg');
    readonly redis: typeof import('zeo-keepalive/redis');
    readonly ws: typeof import('zeo-keepalive/ws');
  };
}

/** The pickles of an empty `persistent.mapping.PersistentMapping`. */
const record = new TextEncoder().encode('cpersistent.mapping\nPersistentMapping\n.}.');

/** Uses every export for what it is there for. */
export async function exercise(loaded: Loaded): Promise<void> {
  const { main, zeo, records, testing, metrics, sockets, zconfig, adapters } = loaded;
  refuseStrangers(adapters);
  refuseStrangersToBrokers(adapters);
  await assert.rejects(zconfig.readZopeConfig('missing.conf'), zconfig.ConfigError);
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const endRecording = metrics.recordMetrics({ meterProvider });

  const server = await testing.ZeoServer.listen();
  const storage = main.databases.open('main', await zeo.ClientStorage.open(server.address));
  const transaction = await storage.tpcBegin();
  await transaction.store(zeo.zeroId, zeo.zeroId, record);
  await transaction.tpcVote();
  await transaction.tpcFinish();
  const { data } = await storage.load(zeo.zeroId);
  assert.equal(String(records.decodeRecord(data).class), 'persistent.mapping.PersistentMapping');

  // The worker's entry is found from wherever the package lies.
  const agent = main.startThread(0.2, { level: 'silent' });
  assert.ok(agent !== undefined);
  const watch: Disposable = sockets.watchSockets({ only: 'db.example.org:5432' });
  assert.equal(agent.status().socketBounds === undefined, process.platform !== 'linux');
  watch[Symbol.dispose]();
  const [{ roundTripMs }] = await once(agent, 'pingSucceeded');
  assert.equal(typeof roundTripMs, 'number');
  const died = once(agent, 'connectionDied');
  for (const connection of server.connections) connection.silence();
  const [{ error }] = await died;
  assert.ok(error instanceof main.KeepAliveError);
  await once(agent, 'connectionBack');

  await reader.forceFlush();
  const names = exporter
    .getMetrics()
    .flatMap(({ scopeMetrics }) =>
      scopeMetrics.flatMap((scope) => scope.metrics.map(({ descriptor }) => descriptor.name)),
    );
  assert.ok(names.includes('zeo_keepalive.pings'), names.join());

  endRecording();
  await meterProvider.shutdown();
  await main.stopThread();
  await main.databases.close('main');
  await server.close();
}

/** None of the drivers is installed, nor needed. */
function refuseStrangers({ http2, ioredis, mysql2, pg, redis, ws }: Loaded['adapters']): void {
  const refusal = { code: 'ERR_KEEPALIVE_INVALID_ARGUMENT' };
  const { ioredisClient } = ioredis;
  const adapters: readonly ((client: never) => unknown)[] = [
    http2.http2Session,
    ioredisClient,
    mysql2.mysqlPool,
    mysql2.mysqlConnection,
    pg.pgPool,
    pg.pgClient,
    redis.redisClient,
    ws.webSocket,
  ];
  for (const adapt of adapters) assert.throws(() => adapt({} as never), refusal);
}

function refuseStrangersToBrokers({ amqplib, mqtt, nats }: Loaded['adapters']): void {
  for (const adapt of [amqplib.amqpConnection, mqtt.mqttClient, nats.natsConnection])
    assert.throws(() => adapt({} as never), { code: 'ERR_KEEPALIVE_INVALID_ARGUMENT' });
}
