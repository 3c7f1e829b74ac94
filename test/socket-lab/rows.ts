import { type Row, type Run, rowOf, type Topic } from '../faults/report/row.js';
import { survivedRow } from '../faults/report/survived.js';
import { clientKinds } from './clients/all.js';
import type { FalseDrops } from './false-drops.js';
import type { Drop } from './silent-drop.js';
import { byClientAndState, turningMs } from './summary.js';

/** What the lab does to sockets, for docs/reliability.md; P = T = 1 s. */
export const socketTopics = {
  drop: {
    name: 'socket-drop',
    about: 'Every packet of a client’s connection is lost from a random moment on; P = T = 1 s',
    layer: 'sockets',
  },
  'false-drops': {
    name: 'socket-false-drops',
    about: 'What no watched socket may die of; P = T = 1 s',
    layer: 'sockets',
  },
  loss: {
    name: 'socket-loss',
    about:
      'Packets are lost at random in both directions, while each client makes a call every second; P = T = 1 s',
    layer: 'sockets',
  },
} as const satisfies Record<string, Topic>;

export interface Bounds {
  readonly idleMs: number;
  readonly inFlightMs: number;
}

/** What is promised of a connection in the state that this one was in when its path was cut. */
export const boundOf = ({ state }: Drop, { idleMs, inFlightMs }: Bounds): number =>
  state === 'in flight' ? inFlightMs : idleMs;

/** A row for each client and state. */
export function dropRows(drops: readonly Drop[], bounds: Bounds, run: Run): Row[] {
  return byClientAndState(drops).map((own) => {
    const [first] = own as [Drop];
    const heardMs = own.flatMap((drop) => afterFound(drop) ?? []);
    const isLost = ({ backMs }: Drop) => clientKinds[first.name].reconnects && backMs === undefined;
    const result = {
      variant: first.state,
      boundMs: boundOf(first, bounds),
      detectedAfterMs: own.flatMap((drop) => turningMs(drop) ?? []),
      deathsExpected: own.length,
      falseDeaths: 0,
      chances: 0,
      callsLost: own.length - heardMs.length,
      notes: `the caller heard of it at most ${Math.ceil(Math.max(0, ...heardMs))} ms later`,
      broken: own.some(isLost) ? [`${own.filter(isLost).length} clients did not come back`] : [],
    };
    return rowOf(socketTopics.drop, first.name, result, run);
  });
}

/** From the verdict until the caller heard of it. */
function afterFound({ foundMs, heardMs }: Drop): number | undefined {
  return foundMs === undefined || heardMs === undefined ? undefined : heardMs - foundMs;
}

/** @param isPromised whether a connection that is dropped breaks a promise, or is only counted */
export function falseDropsRow(
  topic: Topic,
  variant: string,
  outcome: FalseDrops,
  run: Run,
  isPromised = true,
  client = 'all',
): Row {
  const { sockets: connections, dropped, lost, stillWatches } = outcome;
  const survived = {
    ...outcome,
    connections,
    falseDeaths: dropped,
    broken: lost > 0 ? [`${lost} connections were lost`] : [],
    faults: stillWatches ? [] : ['a connection that was cut off afterwards was not found dead'],
  };
  return survivedRow(topic, client, variant, survived, run, isPromised);
}
