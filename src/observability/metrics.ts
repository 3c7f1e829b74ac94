/**
 * `zeo-keepalive/metrics`: OpenTelemetry metrics of all agents in this process.
 *
 * Only this module needs `@opentelemetry/api`, an optional peer dependency. It subscribes to the channels, like any other
 * observer.
 *
 * @module metrics
 */
import type { Channel } from 'node:diagnostics_channel';
import { createRequire } from 'node:module';
import { createNoopMeter, diag, type MeterProvider, metrics } from '@opentelemetry/api';
import { channels, pingChannel } from './channels.js';
import { createInstruments, type Instruments } from './instruments.js';
import { redactText } from './redaction.js';

export interface MetricsOptions {
  /** Creates the instruments. Default: the global provider, even if it is registered later. */
  readonly meterProvider?: MeterProvider | undefined;
}

const { version } = createRequire(import.meta.url)('../../../package.json') as { version: string };

const recordings = new Map<MeterProvider | undefined, () => void>();

/**
 * Starts recording metrics of all agents in this process. Returns the function that stops it. A second call with the same
 * provider returns the same function.
 *
 * | instrument | kind and unit | attributes besides `zeo_keepalive.connection.name` |
 * | --- | --- | --- |
 * | `zeo_keepalive.pings` | counter | `zeo_keepalive.ping.result`: `alive`, `busy`, `slow`, `failed`, `dead`, `stalled`, `abandoned`, or `down` when a ping was due and there was no connection |
 * | `zeo_keepalive.ping.duration` | histogram, s | |
 * | `zeo_keepalive.detection.duration` | histogram, s: from the last byte of a dead peer to the verdict | `zeo_keepalive.diagnosis` |
 * | `zeo_keepalive.reconnects` | counter | `zeo_keepalive.cause`; `unnoticed` if it happened between two pings |
 * | `zeo_keepalive.reconnect.duration` | histogram, s: time without a connection, if the agent had noticed | `zeo_keepalive.cause` |
 * | `zeo_keepalive.stall.duration` | histogram, s: stalls in which verdicts were withheld | `zeo_keepalive.stall.of`: `loop` or `process`; no connection name |
 * | `zeo_keepalive.worker.restarts` | counter | no connection name |
 *
 * @example
 * import { recordMetrics } from 'zeo-keepalive/metrics';
 * recordMetrics();
 */
export function recordMetrics({ meterProvider }: MetricsOptions = {}): () => void {
  const present = recordings.get(meterProvider);
  if (present !== undefined) return present;
  const endRecording = record(instrumentsOf(() => meterProvider ?? metrics.getMeterProvider()));
  const end = () => {
    if (recordings.get(meterProvider) !== end) return;
    recordings.delete(meterProvider);
    endRecording();
  };
  recordings.set(meterProvider, end);
  return end;
}

/** @internal Whether the host has registered a provider; without one, recording would have no effect. */
export function hasGlobalProvider(): boolean {
  return metrics.getMeter('zeo-keepalive') !== createNoopMeter();
}

/** Creates new instruments when the provider changes: those created before the SDK registers its own never work. */
function instrumentsOf(currentProvider: () => MeterProvider): () => Instruments {
  let provider: MeterProvider | undefined;
  let instruments: Instruments | undefined;
  return () => {
    const current = currentProvider();
    if (instruments === undefined || current !== provider) {
      provider = current;
      instruments = createInstruments(current.getMeter('zeo-keepalive', version));
    }
    return instruments;
  };
}

/** Subscribes to the channels. Names are redacted as in the log: a host may use a URI with a password as a name. */
function record(instruments: () => Instruments): () => void {
  const ends: (() => void)[] = [];
  const on = <Message>(channel: Channel<unknown, Message>, listener: (message: Message) => void) => {
    const contained = (message: unknown) => {
      try {
        listener(message as Message);
      } catch (error) {
        // What a subscriber throws would become an uncaught exception.
        diag.error('zeo-keepalive cannot record a metric', error);
      }
    };
    channel.subscribe(contained);
    ends.push(() => channel.unsubscribe(contained));
  };

  on(pingChannel.asyncEnd, ({ name, verdict, roundTripMs }) => {
    const connection = redactText(name);
    instruments().pings.add(1, {
      'zeo_keepalive.connection.name': connection,
      'zeo_keepalive.ping.result': verdict,
    });
    if (roundTripMs === undefined) return;
    instruments().pingDuration.record(roundTripMs / 1000, { 'zeo_keepalive.connection.name': connection });
  });
  on(channels.connectionDown, ({ name }) => {
    const connection = redactText(name);
    instruments().pings.add(1, {
      'zeo_keepalive.connection.name': connection,
      'zeo_keepalive.ping.result': 'down',
    });
  });
  on(channels.connectionDied, ({ name, timeToDetectMs, diagnosis }) => {
    const connection = redactText(name);
    instruments().detectionDuration.record(timeToDetectMs / 1000, {
      'zeo_keepalive.connection.name': connection,
      'zeo_keepalive.diagnosis': diagnosis,
    });
  });
  on(channels.connectionBack, ({ name, downForMs, cause }) => {
    const attributes = { 'zeo_keepalive.connection.name': redactText(name), 'zeo_keepalive.cause': cause };
    instruments().reconnects.add(1, attributes);
    instruments().reconnectDuration.record(downForMs / 1000, attributes);
  });
  on(channels.connectionReplaced, ({ name }) => {
    const connection = redactText(name);
    instruments().reconnects.add(1, {
      'zeo_keepalive.connection.name': connection,
      'zeo_keepalive.cause': 'unnoticed',
    });
  });
  on(channels.stalled, ({ of, durationMs }) => {
    instruments().stallDuration.record(durationMs / 1000, { 'zeo_keepalive.stall.of': of });
  });
  on(channels.workerLost, () => instruments().workerRestarts.add(1));
  return () => {
    for (const end of ends) end();
  };
}
