import { contain } from '../async/contain.js';
import {
  type ConnectionOpened,
  type ConnectionSource,
  isConnectionSource,
} from '../model/connection-source.js';
import { type HangSettings, hangTimeoutMs } from '../model/hang-timeout.js';
import { attempt, type KeepAliveTarget } from '../model/target.js';
import type { Board } from '../threads/board.js';
import { RoundTrips } from './ping/round-trips.js';
import { TrackedTarget } from './ping/tracked-target.js';
import { type Database, type DatabaseRegistry, targetOf } from './storage-registry.js';

export interface RosterOptions {
  readonly registry: DatabaseRegistry;
  readonly board: Board;
  readonly settings: HangSettings;
  /** A database threw when it was asked for its target, or a source of connections when its watch ended. */
  readonly onUnusable: (name: string, error: unknown) => void;
  /** A database was opened that has nothing to ping. */
  readonly onUnpingable: (name: string) => void;
  /** Releasing a target's lock threw. */
  readonly onReleaseFailed: (tracked: TrackedTarget, error: unknown) => void;
  readonly onRemoved: (tracked: TrackedTarget) => void;
  /** These slots of the board were occupied or vacated since the last call. */
  readonly onChanged: (ids: Uint32Array) => void;
}

/**
 * Whatever is opened and closed within this time goes to the worker together, even if each has an iteration of the main
 * loop of its own: a message costs either thread more than opening a storage does. The promised bound has room for it.
 */
const noticeDelayMs = 10;

interface Entry {
  readonly database: Database;
  /** Its target, or what removes all that there are of a source of connections. */
  readonly content: TrackedTarget | (() => void);
}

/**
 * The targets of a registry that are kept alive.
 *
 * Rules:
 * - Each has a slot of the board while it is open, and the worker is notified of every slot that was occupied or vacated.
 * - Each connection of a source, such as a pool, is a target of its own, and is called by its number: `orders/3`.
 * - What counts is what the registry holds, not the event that reports it: a listener that was called before may have closed
 *   what was opened, opened another one in place of what was closed, or stopped the agent.
 */
export class Roster {
  readonly #options: RosterOptions;
  readonly #targets = new Map<number, TrackedTarget>();
  readonly #entries = new Map<string, Entry>();
  readonly #roundTrips = new RoundTrips();
  /** What ends the watching of each source of connections. */
  readonly #sources = new Set<() => void>();
  readonly #changed = new Set<number>();
  #notice: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(options: RosterOptions) {
    this.#options = options;
  }

  /** By slot of the board. A live view. */
  get targets(): ReadonlyMap<number, TrackedTarget> {
    return this.#targets;
  }

  /** Takes in what is open, and follows what is opened and closed from now on. */
  begin(): void {
    const { registry } = this.#options;
    registry.on('opened', this.#update);
    registry.on('closed', this.#update);
    for (const name of registry.opened.keys()) this.#update(name);
  }

  end(): void {
    const { registry } = this.#options;
    this.#ended = true;
    registry.off('opened', this.#update);
    registry.off('closed', this.#update);
    clearTimeout(this.#notice);
    for (const endWatch of this.#sources) endWatch();
    this.#sources.clear();
  }

  readonly #update = (name: string): void => {
    if (this.#ended) return;
    const database = this.#options.registry.opened.get(name);
    const present = this.#entries.get(name);
    if (present?.database === database) return;
    this.#entries.delete(name);
    if (present !== undefined) this.#empty(present);
    if (database === undefined) return;
    try {
      const content = this.#add(name, database);
      if (content === undefined) this.#options.onUnpingable(name);
      else this.#entries.set(name, { database, content });
    } catch (error) {
      this.#options.onUnusable(name, error);
    }
  };

  #empty({ content }: Entry): void {
    if (typeof content === 'function') content();
    else this.#remove(content);
  }

  /** Returns the content of its entry; `undefined` if it is not to be kept alive. */
  #add(name: string, database: Database): Entry['content'] | undefined {
    if (isConnectionSource(database)) return this.#addSource(name, database);
    const target = targetOf(database);
    return target && this.#addTarget(name, target);
  }

  #addSource(name: string, source: ConnectionSource): () => void {
    const present = new Set<TrackedTarget>();
    let isWatched = true;
    const removeAll = () => {
      isWatched = false;
      for (const tracked of present) this.#remove(tracked);
    };
    const opened: ConnectionOpened = (target, number) => {
      // As from a source whose watch could not be ended.
      if (!isWatched) return () => {};
      const tracked = this.#addTarget(`${name}/${number}`, target);
      present.add(tracked);
      return () => {
        present.delete(tracked);
        this.#remove(tracked);
      };
    };
    let end: () => void;
    try {
      end = source.watchConnections(opened);
    } catch (error) {
      removeAll();
      throw error;
    }
    const endWatch = () => {
      isWatched = false;
      contain(end, (error) => this.#options.onUnusable(name, error));
    };
    this.#sources.add(endWatch);
    return () => {
      this.#sources.delete(endWatch);
      endWatch();
      removeAll();
    };
  }

  #addTarget(name: string, target: KeepAliveTarget): TrackedTarget {
    const { board, settings, onReleaseFailed } = this.#options;
    const answersInOrder = attempt(() => target.answersInOrder) === true;
    const hangMs = hangTimeoutMs(
      attempt(() => target.hangTimeout),
      settings,
    );
    const id = board.occupy(answersInOrder, hangMs);
    const tracked = new TrackedTarget({
      id,
      name,
      target,
      answersInOrder,
      hangTimeoutMs: hangMs,
      roundTrips: this.#roundTrips,
      onReleaseFailed,
    });
    this.#targets.set(id, tracked);
    this.#noteChange(id);
    return tracked;
  }

  #remove(tracked: TrackedTarget): void {
    const { id } = tracked;
    if (this.#targets.get(id) !== tracked) return;
    this.#targets.delete(id);
    this.#options.onRemoved(tracked);
    this.#roundTrips.clear(id);
    this.#options.board.vacate(id);
    this.#noteChange(id);
  }

  #noteChange(id: number): void {
    this.#changed.add(id);
    this.#notice ??= setTimeout(() => {
      this.#notice = undefined;
      const ids = Uint32Array.from(this.#changed);
      this.#changed.clear();
      this.#options.onChanged(ids);
    }, noticeDelayMs).unref();
  }
}
