import type { KeepAlive } from '../../agent/keep-alive.js';
import type { KeepAliveStatus } from '../../agent/status.js';
import { formatDateTime, formatMs } from '../io/format.js';
import { describeTrouble, type Row, type Snapshot } from './snapshot.js';
import type { Entry } from './view.js';
import type { WatchedStorage } from './watched-storage.js';

/** How many entries are kept for the screen: more than any shows. */
const mostRecent = 20;

/** The state of a `watch` from start to end. */
export class Session {
  readonly #agent: KeepAlive;
  readonly #storages = new Map<string, WatchedStorage>();
  readonly #recent: Entry[] = [];

  constructor(agent: KeepAlive) {
    this.#agent = agent;
  }

  add(storage: WatchedStorage): void {
    this.#storages.set(storage.name, storage);
  }

  /** Takes note of an entry. */
  note(entry: Entry): void {
    if (entry.name !== undefined) this.#storages.get(entry.name)?.note(entry);
    if (entry.kind === 'routine' || entry.kind === 'detail') return;
    this.#recent.push(entry);
    if (this.#recent.length > mostRecent) this.#recent.shift();
  }

  /** Costs less than its rows. */
  states(): readonly Pick<Row, 'name' | 'state'>[] {
    return [...this.#storages.values()];
  }

  rows(): readonly Row[] {
    return this.#rowsOf(this.#agent.status());
  }

  snapshot(): Snapshot {
    const status = this.#agent.status();
    const { periodMs = 0, hangBoundMs = 0 } = status;
    const rows = this.#rowsOf(status);
    return { now: new Date(), periodMs, detectionBoundMs: hangBoundMs, rows, recent: [...this.#recent] };
  }

  /** The last entry: how each storage fared. */
  summary(reason: string): Entry {
    const rows = this.rows();
    const storages = rows.map(({ name, state, pings, failures, roundTrips, trouble }) => ({
      name,
      state,
      pings,
      failures,
      p50Ms: roundTrips?.p50Ms,
      p99Ms: roundTrips?.p99Ms,
      lastTrouble: trouble,
    }));
    const text = rows.map(summarize).join('\n');
    return {
      time: new Date(),
      event: 'ended',
      name: undefined,
      kind: 'note',
      text,
      fields: { reason, storages },
    };
  }

  #rowsOf({ connections }: KeepAliveStatus): readonly Row[] {
    const statuses = new Map(connections.map((status) => [status.name, status]));
    return [...this.#storages.values()].map((storage) => storage.row(statuses.get(storage.name)));
  }
}

function summarize({ name, state, pings, failures, roundTrips, trouble }: Row): string {
  const times =
    roundTrips === undefined
      ? ''
      : `, round trip ${formatMs(roundTrips.p50Ms)} ms, 99 % within ${formatMs(roundTrips.p99Ms)} ms`;
  const last = trouble === undefined ? '' : `\n  └ ${formatDateTime(trouble.at)} ${describeTrouble(trouble)}`;
  return `${name}  ${state}, ${pings} pings, ${failures} failed${times}${last}`;
}
