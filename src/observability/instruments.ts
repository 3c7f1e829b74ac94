import type { Counter, Histogram, Meter, ObservableUpDownCounter } from '@opentelemetry/api';

/** From half a millisecond, as of a local server, to the longest timeouts. */
const roundTripBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const outageBoundaries = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];

/** The instruments. Names, units and attributes follow OpenTelemetry's semantic conventions. */
export interface Instruments {
  readonly status: ObservableUpDownCounter;
  readonly pings: Counter;
  readonly pingDuration: Histogram;
  readonly detectionDuration: Histogram;
  readonly reconnects: Counter;
  readonly reconnectDuration: Histogram;
  readonly stallDuration: Histogram;
  readonly workerRestarts: Counter;
}

export function createInstruments(meter: Meter): Instruments {
  const duration = (name: string, description: string, explicitBucketBoundaries: number[]) =>
    meter.createHistogram(`zeo_keepalive.${name}.duration`, {
      description,
      unit: 's',
      advice: { explicitBucketBoundaries },
    });
  return {
    status: meter.createObservableUpDownCounter('zeo_keepalive.connection.status', {
      description: '1 for the state that the connection is in, 0 for the other',
      unit: '{connection}',
    }),
    pings: meter.createCounter('zeo_keepalive.pings', {
      description: 'Pings that were due, by result',
      unit: '{ping}',
    }),
    pingDuration: duration('ping', 'Round trips of answered pings', roundTripBoundaries),
    detectionDuration: duration(
      'detection',
      'From the last byte of a peer, or the first unanswered retransmission or probe of a socket, to the verdict that it is dead',
      outageBoundaries,
    ),
    reconnects: meter.createCounter('zeo_keepalive.reconnects', {
      description: 'Connections that replaced a lost one',
      unit: '{connection}',
    }),
    reconnectDuration: duration('reconnect', 'How long storages had no connection', outageBoundaries),
    stallDuration: duration(
      'stall',
      'Stalls of the main loop or the process, in which verdicts were withheld',
      outageBoundaries,
    ),
    workerRestarts: meter.createCounter('zeo_keepalive.worker.restarts', {
      description: 'Worker threads that ended by themselves and were replaced',
      unit: '{restart}',
    }),
  };
}
