import type { Frontend } from '../../guard/frontend.js';
import type { Guard } from '../../guard/guard.js';
import { explain } from '../io/format.js';
import type { Entry, EntryKind, Report } from '../watch/view.js';
import { changesOf, listening } from './narrate-guard.js';
import type { ConfigChange, RouteSource } from './route-source.js';

export interface ReloadOptions {
  readonly guard: Guard;
  readonly source: RouteSource;
  /** Those that were reported at the start. */
  readonly changes: readonly ConfigChange[];
  /** How long calls may take to be answered where the guard is not to listen any more. */
  readonly graceMs: number;
  readonly report: Report;
  /** Nothing is reported any more once it has aborted. */
  readonly stopping: AbortSignal;
  /** Called with each new address before clients can connect to it. */
  readonly onNew: (frontend: Frontend) => void;
}

/** Reads the configuration again, one time after the other, and keeps what there was if that fails. */
export class Reload {
  readonly #options: ReloadOptions;
  #running: Promise<void> | undefined;
  #isAskedAgain = false;
  /** Of the configuration as it was read last: another one need not report them again. */
  #changes: ReadonlySet<string>;

  constructor(options: ReloadOptions) {
    this.#options = options;
    this.#changes = new Set(options.changes.map(keyOf));
  }

  request(): void {
    this.#isAskedAgain = true;
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    while (this.#isAskedAgain) {
      this.#isAskedAgain = false;
      await this.#reload();
    }
    this.#running = undefined;
  }

  async #reload(): Promise<void> {
    const { guard, source, graceMs, report, stopping, onNew } = this.#options;
    const { file } = source;
    if (file === undefined) {
      report(entry('reloaded', 'SIGHUP: nothing to read again, because there is no --config'));
      return;
    }
    try {
      const { routes, changes } = await source.read(guard.routes);
      const { opened, changed, closed } = await guard.reroute(routes, graceMs, onNew);
      const orphaned = changed.map(({ name, orphans }) => ({ name, count: orphans.length }));
      for (const frontend of opened) frontend.probe();
      report(entry('reloaded', `SIGHUP: read ${file} again`, 'note', { config: file }));
      for (const frontend of [...opened, ...changed]) report(listening(frontend));
      for (const { name, relays } of closed) report(givenUp(name, 'no longer accepts clients', relays.size));
      for (const { name, count } of orphaned)
        if (count > 0) report(givenUp(name, 'now has other servers', count));
      const news = changes.filter((change) => !this.#changes.has(keyOf(change)));
      for (const change of changesOf(news)) report(change);
      this.#changes = new Set(changes.map(keyOf));
    } catch (error) {
      if (stopping.aborted) return;
      const text = `SIGHUP: continues as before: ${explain(error)}`;
      report(entry('reloadFailed', text, 'bad', { config: file, error }));
    }
  }
}

const keyOf = (change: ConfigChange) => JSON.stringify(change);

function givenUp(name: string, why: string, connections: number): Entry {
  const text = `${why}: ends ${connections} ${connections === 1 ? 'connection' : 'connections'}`;
  return { ...entry('givenUp', text, 'note', { connections }), name };
}

function entry(event: string, text: string, kind: EntryKind = 'note', fields: object = {}): Entry {
  return { time: new Date(), event, name: undefined, kind, text, fields: { ...fields } };
}
