import { type Row, type Run, rowOf, type Topic } from '../faults/report/row.js';
import type { ZeoVersion } from '../support/python/environments.js';
import { allLosses, capMs, type Loss, type Phase, period, timeout } from './detection.js';
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
