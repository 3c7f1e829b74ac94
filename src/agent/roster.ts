import type { KeepAliveStorage } from '../model/target.js';
import type { Board } from '../threads/board.js';
import { RoundTrips } from './ping/round-trips.js';
import { Member } from './ping/target-state.js';
import { type Database, type DatabaseRegistry, storageOf } from './storage-registry.js';

export interface RosterOptions {
  readonly registry: DatabaseRegistry;
  readonly board: Board;
  /** A database could not be asked for its storage. */
  readonly onUnusable: (name: string, error: unknown) => void;
  readonly onRemoved: (member: Member) => void;
  /** These slots of the board were occupied or vacated since the last call. */
  readonly onChanged: (ids: Uint32Array) => void;
}

/**
 * What is opened and closed within this time is told together, also when each has a turn of the main loop of its own: a
 * message costs either thread more than opening a storage does. The promised bound has room for it.
 */
const noticeDelayMs = 10;

interface Entry {
  readonly database: Database;
  readonly member: Member;
}

/** The storages of a registry that are kept alive. Each has a slot of the board while it is open. */
export class Roster {
  readonly #options: RosterOptions;
  readonly #members = new Map<number, Member>();
  readonly #entries = new Map<string, Entry>();
  readonly #roundTrips = new RoundTrips();
  readonly #changed = new Set<number>();
  #notice: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(options: RosterOptions) {
    this.#options = options;
  }

  /** By slot of the board. A live view. */
  get members(): ReadonlyMap<number, Member> {
    return this.#members;
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
  }

  /**
   * By what the registry holds now, whatever the event was: a listener that was called before this one may have closed
   * what was opened, or opened another one in place of what was closed, or stopped the agent.
   */
  readonly #update = (name: string): void => {
    if (this.#ended) return;
    const database = this.#options.registry.opened.get(name);
    const present = this.#entries.get(name);
    if (present?.database === database) return;
    if (present !== undefined) this.#remove(name, present.member);
    if (database !== undefined) this.#add(name, database);
  };

  #add(name: string, database: Database): void {
    let storage: KeepAliveStorage | undefined;
    try {
      storage = storageOf(database);
    } catch (error) {
      this.#options.onUnusable(name, error);
    }
    if (storage === undefined) return;
    const id = this.#options.board.occupy();
    const member = new Member(id, name, storage, this.#roundTrips);
    this.#members.set(id, member);
    this.#entries.set(name, { database, member });
    this.#noteChange(id);
  }

  #remove(name: string, member: Member): void {
    const { id } = member;
    this.#entries.delete(name);
    this.#members.delete(id);
    this.#options.onRemoved(member);
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
