import { busiestSecond, histogram } from '../faults/process/seconds.js';
import { type Row, type Run, rowOf, type Topic } from '../faults/report/row.js';
import { survivedRow } from '../faults/report/survived.js';
import type { ZeoVersion } from '../support/python/environments.js';
import { allLosses, capMs, type Loss, type Phase, period, timeout } from './detection.js';
import { type HerdOutcome, servedWithinMs } from './herd.js';
import type { SlowPath, Transfer } from './slow-path.js';
import type { Survival } from './survival.js';
import { type Way, ways } from './ways.js';

/** What the lab does to clients behind guard, for docs/reliability.md. */
export const guardTopics = {
  'path dropped': {
    name: 'guard-path-dropped',
    about: 'Every packet of the first server is lost while clients load; P = T = 1 s',
    layer: 'guard',
  },
  'server stopped': {
    name: 'guard-server-stopped',
    about: 'The process of the first server is stopped while clients load; P = T = 1 s',
    layer: 'guard',
  },
  'flow dropped': {
    name: 'guard-flow-dropped',
    about: 'The flow of each client alone is dropped, as by a forgetful firewall; P = T = 1 s',
    layer: 'guard',
  },
  stalls: {
    name: 'guard-stalls',
    about: 'The process of guard is stopped again and again while its clients are idle; P = T = 1 s',
    layer: 'guard',
  },
  loss: {
    name: 'guard-loss',
    about: 'Packets are lost at random between guard and server, while each client makes a call every second',
    layer: 'guard',
  },
  'slow path': {
    name: 'guard-slow-path',
    about:
      'A large record goes through guard and over a slow path, with a client that goes on or stops amid it',
    layer: 'guard',
  },
  herd: {
    name: 'guard-herd',
    about: 'All clients lose their server at the same moment, and come back to the next one',
    layer: 'guard',
  },
} as const satisfies Record<string, Topic>;

/** From the loss of a server until the load of a client has failed. */
export const detectionBoundMs = (period + timeout + 1) * 1000;

/** A row for each loss and way. Only guard has promised anything. */
export function detectionRows(phases: readonly Phase[], version: ZeoVersion, run: Run): Row[] {
  return allLosses.flatMap((loss) =>
    ways.flatMap((way) => {
      const own = phases.filter((phase) => phase.loss === loss && phase.way === way);
      if (own.length === 0) return [];
      const isGuard = way === 'guard';
      const failed = own.flatMap(({ failedMs }) => failedMs ?? []);
      const isUnanswered = ({ answeredMs }: Phase) => answeredMs === undefined;
      const unanswered = own.filter(isUnanswered).length;
      const result = {
        variant: way,
        boundMs: isGuard ? detectionBoundMs : undefined,
        detectedAfterMs: failed,
        deathsExpected: isGuard ? own.length : 0,
        falseDeaths: 0,
        chances: 0,
        callsLost: isGuard ? own.length - failed.length : 0,
        notes: detectionNotes(own, failed.length),
        broken: isGuard && unanswered > 0 ? [`${unanswered} clients were not served again`] : [],
      };
      return rowOf(guardTopics[loss], `ZEO ${version}`, result, run);
    }),
  );
}

function detectionNotes(own: readonly Phase[], failed: number): string {
  const errors = [...new Set(own.flatMap(({ error }) => error ?? []))].join(', ');
  const answered = own.flatMap(({ answeredMs }) => answeredMs ?? []);
  return failed === 0
    ? `no load of ${own.length} failed within ${capMs / 1000} s`
    : `${failed} of ${own.length} loads failed (${errors}); served again after ${spread(answered)}`;
}

/** For docs/guard.md: from the loss until a load failed, and until the client was served again. */
export function detectionTable(phases: readonly Phase[]): string {
  const losses = allLosses.filter((loss) => phases.some((phase) => phase.loss === loss));
  const shown = ways.filter((way) => phases.some((phase) => phase.way === way));
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(['', ...shown]),
    line(['', ...shown].map(() => '---')),
    ...losses.map((loss) => line([loss, ...shown.map((way) => cellOf(phases, loss, way))])),
  ].join('\n');
}

function cellOf(phases: readonly Phase[], loss: Loss, way: Way): string {
  const own = phases.filter((phase) => phase.loss === loss && phase.way === way);
  if (own.length === 0) return '';
  const failed = own.flatMap(({ failedMs }) => failedMs ?? []);
  const answered = own.flatMap(({ answeredMs }) => answeredMs ?? []);
  if (failed.length === 0) return `not within ${capMs / 1000} s (${own.length})`;
  const count = failed.length === own.length ? `${own.length}` : `${failed.length} of ${own.length}`;
  return `${spread(failed)} / ${spread(answered)} (${count})`;
}

/** Median and maximum: `1.41, at most 1.97 s`. */
function spread(timesMs: readonly number[]): string {
  const sorted = [...timesMs].sort((one, other) => one - other);
  const [median = Number.NaN, most = Number.NaN] = [sorted[sorted.length >> 1], sorted.at(-1)];
  return `${(median / 1000).toFixed(2)}, at most ${(most / 1000).toFixed(2)} s`;
}

/** @param isPromised whether a connection that is lost breaks a promise, or is only counted */
export function survivalRow(
  topic: Topic,
  variant: string,
  outcome: Survival,
  run: Run,
  isPromised = true,
): Row {
  const { peers: connections, deaths: dropped, lost, stillWatched } = outcome;
  const survived = {
    ...outcome,
    connections,
    dropped,
    falseDeaths: lost,
    broken: [],
    faults: stillWatched ? [] : ['not all connections were reset when they were cut off afterwards'],
  };
  return survivedRow(topic, 'bare client', variant, survived, run, isPromised);
}

export function transferRow(transfer: Transfer, { mebibytes, megabits, times }: SlowPath, run: Run): Row {
  const { direction, stopMs, tookMs, leastMs, error, deaths } = transfer;
  const stopped = stopMs > 0 ? `, the client stopped for ${stopMs / 1000} s` : '';
  const result = {
    variant: `${direction} of ${mebibytes} MiB at ${megabits} Mbit/s, T ${times.timeout} s${stopped}`,
    boundMs: undefined,
    detectedAfterMs: [],
    deathsExpected: 0,
    falseDeaths: deaths,
    chances: 1,
    callsLost: 0,
    notes: `took ${(tookMs / 1000).toFixed(1)} s`,
    broken: [
      ...(error === undefined ? [] : [`it failed: ${error}`]),
      // Without the shaping nothing has been tested.
      ...(tookMs < 0.9 * leastMs ? [`expected at least ${(leastMs / 1000).toFixed(1)} s`] : []),
    ],
  };
  return rowOf(guardTopics['slow path'], 'bare client', result, run);
}

export function herdRow(outcome: HerdOutcome, run: Run): Row {
  const { count, times, server, loss, lostMs, greetedMs, servedMs, turnedAway } = outcome;
  const boundMs = (times.period + 2 * times.timeout) * 1000;
  const servedBoundMs = boundMs + servedWithinMs;
  const lastMs = Math.max(...servedMs);
  const busiest = busiestSecond(greetedMs);
  const result = {
    variant: `${count} clients of ${server}, ${loss}, P ${times.period} s, T ${times.timeout} s`,
    boundMs,
    detectedAfterMs: lostMs.slice(0, count),
    deathsExpected: count,
    falseDeaths: Math.max(0, lostMs.length - count),
    chances: count,
    callsLost: 0,
    notes:
      `connected to the next server in each second: ${histogram(greetedMs)}; ${busiest} in the busiest second; ` +
      `all served after ${(lastMs / 1000).toFixed(2)} s; ${turnedAway} attempts failed`,
    broken: [
      ...(servedMs.length < count ? [`${count - servedMs.length} clients were not served again`] : []),
      ...(lastMs > servedBoundMs ? [`all served after ${lastMs} ms, promised ${servedBoundMs} ms`] : []),
      // Of fewer a fifth is less than a guard connects in one second.
      ...(count >= 1000 && busiest > count / 5 ? [`${busiest} of ${count} connected in one second`] : []),
    ],
  };
  return rowOf(guardTopics.herd, 'bare client', result, run);
}
