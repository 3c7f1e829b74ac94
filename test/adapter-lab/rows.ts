import { type Row, type Run, rowOf, type Topic } from '../faults/report/row.js';
import type { ClientName } from '../socket-lab/clients/all.js';
import { clientKinds } from '../socket-lab/clients/all.js';
import type { Drop } from '../socket-lab/silent-drop.js';
import { byClientAndState, turningMs } from '../socket-lab/summary.js';

/** What the lab does to clients with an adapter, for docs/reliability.md. */
export const adapterTopics = {
  drop: {
    name: 'adapter-drop',
    about: 'Every packet of a client’s connection is lost from a random moment on; P = T = 1 s',
    layer: 'adapters',
  },
  stopped: {
    name: 'adapter-server-stopped',
    about:
      'The processes of the server are stopped at a random moment, while the client is idle, just before it calls (in flight), or ' +
      'before it calls behind a ping; P = T = 1 s',
    layer: 'adapters',
  },
  stalls: {
    name: 'adapter-stalls',
    about: 'The application stands still while its server is well; P = T = 1 s, hang timeout 30 s',
    layer: 'adapters',
  },
  busy: {
    name: 'adapter-busy',
    about: 'The server takes long to answer, or a transaction is idle; P = T = 1 s, hang timeout 30 s',
    layer: 'adapters',
  },
  load: {
    name: 'adapter-load',
    about: 'More callers than connections call again and again; P = T = 1 s, hang timeout 30 s',
    layer: 'adapters',
  },
} as const satisfies Record<string, Topic>;

/** A call, after the verdict on its connection: what it takes to reach the caller. */
const heardWithinMs = 500;

/**
 * A row for each client and state.
 *
 * @param setting what all of them were set up with
 * @param promisedMs from the fault to the verdict; `undefined` where nothing is promised
 */
export function deathRows(
  topic: Topic,
  drops: readonly Drop[],
  setting: string,
  promisedMs: (first: Drop) => number | undefined,
  run: Run,
): Row[] {
  return byClientAndState(drops).map((own) => {
    const [first] = own as [Drop];
    const boundMs = promisedMs(first);
    const isPromised = boundMs !== undefined;
    const foundMs = own.flatMap((drop) => turningMs(drop) ?? []);
    const heardMs = own.flatMap(({ heardMs }) => heardMs ?? []);
    const result = {
      variant: `${first.state}${setting}`,
      boundMs,
      // The agent's verdict, or without an agent what the application hears.
      detectedAfterMs: isPromised ? foundMs : heardMs,
      deathsExpected: isPromised ? own.length : 0,
      falseDeaths: 0,
      chances: 0,
      callsLost: isPromised ? own.length - heardMs.length : 0,
      notes: isPromised
        ? `the caller heard of it at most ${Math.ceil(Math.max(0, ...own.flatMap(afterFound)))} ms later`
        : `heard of by ${heardMs.length} of ${own.length}`,
      broken: isPromised ? brokenOf(own) : [],
    };
    return rowOf(topic, first.name, result, run);
  });
}

function brokenOf(own: readonly Drop[]): string[] {
  const late = own.flatMap(afterFound).filter((ms) => ms > heardWithinMs);
  const lost = own.filter(({ name, backMs }) => clientKinds[name].reconnects && backMs === undefined);
  return [
    ...(late.length > 0 ? [`${late.length} callers heard of it late`] : []),
    ...(lost.length > 0 ? [`${lost.length} clients did not come back`] : []),
  ];
}

/** From the verdict until the caller heard of it. */
function afterFound({ foundMs, heardMs }: Drop): number[] {
  return foundMs === undefined || heardMs === undefined ? [] : [heardMs - foundMs];
}

const pingedOnlyIdle: ReadonlySet<ClientName> = new Set([
  'pg Pool',
  'pg Client',
  'mysql2 pool',
  'mysql2 Connection',
]);

/** Whether a call that began before the ping is promised an end: the ping is sent behind it. */
export const isPingedInCall = (name: ClientName) => !pingedOnlyIdle.has(name);
