/**
 * `zeo-keepalive/metrics`: OpenTelemetry metrics of all agents in this process.
 *
 * Only this module needs `@opentelemetry/api`, an optional peer dependency. It subscribes to the channels, like any other
 * observer.
 *
 * @module metrics
 */
import type { Channel } from 'node:diagnostics_channel';
import {
  type Attributes,
  createNoopMeter,
  diag,
  type MeterProvider,
  metrics,
  type ObservableResult,
} from '@opentelemetry/api';
import { version } from '../model/version.js';
import { causeInWords } from '../tcp/diagnosis.js';
import { type ConnectionReading, channels, pingChannel, readingChannel } from './channels.js';
import { createInstruments, type Instruments } from './instruments.js';
import { connectionAttributes, errorType } from './metric-attributes.js';

export interface MetricsOptions {
  /** Creates the instruments. Default: the global provider, even if it is registered later. */
  readonly meterProvider?: MeterProvider | undefined;
}

const recordings = new Map<MeterProvider | undefined, () => void>();

/**
 * Starts recording metrics of all agents in this process. Returns the function that stops it. A second call with the same
 * provider returns the same function.
 *
 * Those of a connection have `zeo_keepalive.connection.name` and, except for its status, `server.address` and `server.port`: the
 * server that it was connected to, if that is known.
 *
 * | instrument | kind and unit | further attributes |
 * | --- | --- | --- |
 * | `zeo_keepalive.connection.status` | up-down counter: 1 for the state that it is in, else 0 | `zeo_keepalive.connection.state`: `up`, or `down` when there is no connection or the last ping failed |
 * | `zeo_keepalive.pings` | counter | `zeo_keepalive.ping.result`: `alive`, `busy`, `slow`, `failed`, `dead`, `stalled`, `abandoned`, or `down` when a ping was due and there was no connection; `error.type` for `failed` and `dead`: the code of the error, or else its class |
 * | `zeo_keepalive.ping.duration` | histogram, s | |
 * | `zeo_keepalive.detection.duration` | histogram, s: from the last byte of a dead peer, or the first unanswered retransmission or probe of a watched socket, to the verdict | `zeo_keepalive.diagnosis` |
 * | `zeo_keepalive.reconnects` | counter | `zeo_keepalive.cause`; `unnoticed` if it happened between two pings |
 * | `zeo_keepalive.reconnect.duration` | histogram, s: time without a connection, if the agent had noticed | `zeo_keepalive.cause` |
 * | `zeo_keepalive.stall.duration` | histogram, s: stalls in which verdicts were withheld; not of a connection | `zeo_keepalive.stall.of`: `loop` or `process` |
 * | `zeo_keepalive.worker.restarts` | counter; not of a connection | |
 *
 * The counters start at 0 when the connection is first seen, or, if there are many new ones, a few turns later, except those of
 * `failed`.
 *
 * @example
 * import { recordMetrics } from 'zeo-keepalive/metrics';
 * recordMetrics();
 */
export function recordMetrics({ meterProvider }: MetricsOptions = {}): () => void {
  const present = recordings.get(meterProvider);
  if (present !== undefined) return present;
  const endRecording = record(new CurrentInstruments(() => meterProvider ?? metrics.getMeterProvider()));
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
class CurrentInstruments {
  readonly #currentProvider: () => MeterProvider;
  #provider: MeterProvider | undefined;
  #instruments: Instruments | undefined;
  #endReading: () => void = () => {};

  constructor(currentProvider: () => MeterProvider) {
    this.#currentProvider = currentProvider;
  }

  get(): Instruments {
    const provider = this.#currentProvider();
    if (this.#instruments === undefined || provider !== this.#provider) {
      this.#endReading();
      this.#provider = provider;
      this.#instruments = createInstruments(provider.getMeter('zeo-keepalive', version));
      this.#endReading = readStates(this.#instruments);
    }
    return this.#instruments;
  }

  end(): void {
    this.#endReading();
  }
}

/** What is read of a connection at each collection: with thousands of them, nothing is put together again that stays the same. */
interface Read {
  state: 'up' | 'down' | 'closed';
  /** The connection whose counters were started last. */
  ready: boolean | undefined;
  address: string | undefined;
  /** Of its series for each state. */
  readonly up: Attributes;
  readonly down: Attributes;
}

/**
 * Reads the states of the connections at each collection, and starts the counters of those not seen before at 0: an increase
 * from nothing to 1 is none for Prometheus. Returns how to end that.
 */
function readStates({ status, pings, reconnects, workerRestarts }: Instruments): () => void {
  const beginAll = ({ name, address, ready }: ConnectionReading) => {
    const connection = connectionAttributes(name, address);
    for (const outcome of ready ? pingResults : (['down'] as const))
      pings.add(0, { ...connection, ...resultAttributes(outcome) });
    if (!ready) return;
    for (const cause of reconnectCauses) reconnects.add(0, { ...connection, 'zeo_keepalive.cause': cause });
  };
  let waiting: ConnectionReading[] = [];
  let nextTurn: NodeJS.Immediate | undefined;
  /** The first at once, so that a few connections are in the collection itself. */
  const beginSome = () => {
    const some = waiting.slice(0, begunInTurn);
    waiting = waiting.slice(begunInTurn);
    nextTurn = waiting.length > 0 ? setImmediate(beginSome).unref() : undefined;
    for (const reading of some) recordSafely(() => beginAll(reading));
  };
  const reads = new Map<string, Read>();
  const readOf = (name: string): Read => {
    let read = reads.get(name);
    if (read === undefined) {
      const connection = connectionAttributes(name, undefined);
      const attributesOf = (state: string) => ({ ...connection, 'zeo_keepalive.connection.state': state });
      const [up, down] = [attributesOf('up'), attributesOf('down')];
      read = { state: 'closed', ready: undefined, address: undefined, up, down };
      reads.set(name, read);
    }
    return read;
  };
  const read = (result: ObservableResult) => {
    if (reads.size === 0) workerRestarts.add(0);
    // The SDK goes on exporting the last value of a series that is observed no more: that of a closed connection has to be 0.
    for (const read of reads.values()) read.state = 'closed';
    readingChannel.publish((reading: ConnectionReading) =>
      recordSafely(() => {
        const { name, isUp, ready, address } = reading;
        const read = readOf(name);
        read.state = isUp ? 'up' : 'down';
        if (read.ready === ready && read.address === address) return;
        waiting.push(reading);
        read.ready = ready;
        read.address = address;
      }),
    );
    if (nextTurn === undefined) beginSome();
    for (const { state, up, down } of reads.values()) {
      result.observe(state === 'up' ? 1 : 0, up);
      result.observe(state === 'down' ? 1 : 0, down);
    }
  };
  status.addCallback(read);
  return () => {
    status.removeCallback(read);
    clearImmediate(nextTurn);
  };
}

/** Of how many connections the counters are started in one turn of the main loop: it takes some 60 µs for each. */
const begunInTurn = 50;

/** The results whose attributes are known before there is one: not `failed`, which has any `error.type`. */
const pingResults = ['alive', 'busy', 'slow', 'dead', 'stalled', 'abandoned', 'down'] as const;
const reconnectCauses = [...Object.keys(causeInWords), 'unnoticed'];

function resultAttributes(result: (typeof pingResults)[number]): Attributes {
  const attributes = { 'zeo_keepalive.ping.result': result };
  return result === 'dead' ? { ...attributes, 'error.type': 'ERR_KEEPALIVE_TIMEOUT' } : attributes;
}

/** Subscribes to the channels. */
function record(instruments: CurrentInstruments): () => void {
  const ends: (() => void)[] = [() => instruments.end()];
  const on = <Message>(channel: Channel<unknown, Message>, listener: (message: Message) => void) => {
    const contained = (message: unknown) => recordSafely(() => listener(message as Message));
    channel.subscribe(contained);
    ends.push(() => channel.unsubscribe(contained));
  };

  // States are collected from now on, whether or not anything happens.
  recordSafely(() => instruments.get());
  on(pingChannel.asyncEnd, ({ name, address, verdict, roundTripMs, error }) => {
    const connection = connectionAttributes(name, address);
    instruments.get().pings.add(1, {
      ...connection,
      'zeo_keepalive.ping.result': verdict,
      ...(error === undefined ? undefined : { 'error.type': errorType(error) }),
    });
    if (roundTripMs !== undefined) instruments.get().pingDuration.record(roundTripMs / 1000, connection);
  });
  on(channels.connectionDown, ({ name, address }) => {
    instruments.get().pings.add(1, { ...connectionAttributes(name, address), ...resultAttributes('down') });
  });
  on(channels.connectionDied, ({ name, address, timeToDetectMs, diagnosis }) => {
    instruments.get().detectionDuration.record(timeToDetectMs / 1000, {
      ...connectionAttributes(name, address),
      'zeo_keepalive.diagnosis': diagnosis,
    });
  });
  on(channels.connectionBack, ({ name, address, downForMs, cause }) => {
    const attributes = { ...connectionAttributes(name, address), 'zeo_keepalive.cause': cause };
    instruments.get().reconnects.add(1, attributes);
    instruments.get().reconnectDuration.record(downForMs / 1000, attributes);
  });
  on(channels.connectionReplaced, ({ name, address }) => {
    const connection = connectionAttributes(name, address);
    instruments.get().reconnects.add(1, { ...connection, 'zeo_keepalive.cause': 'unnoticed' });
  });
  on(channels.stalled, ({ of, durationMs }) => {
    instruments.get().stallDuration.record(durationMs / 1000, { 'zeo_keepalive.stall.of': of });
  });
  on(channels.workerLost, () => instruments.get().workerRestarts.add(1));
  return () => {
    for (const end of ends) end();
  };
}

/** What a subscriber throws would become an uncaught exception. */
function recordSafely(step: () => void): void {
  try {
    step();
  } catch (error) {
    diag.error('zeo-keepalive cannot record a metric', error);
  }
}
