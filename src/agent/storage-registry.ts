import { EventEmitter } from 'node:events';
import { callListeners, contain } from '../async/contain.js';
import { KeepAliveError } from '../model/errors.js';
import { attempt, isKeepAliveTarget, type KeepAliveTarget } from '../model/target.js';
import { processWide } from './process-wide.js';

/** Whatever a host opens: a target, or a database that has one as `storage`. */
export type Database = object;

export interface StorageRegistryEvents {
  opened: [name: string, database: Database];
  closed: [name: string, database: Database];
}

type RegistryListener = (name: string, database: Database) => void;

/** What the agent needs of a registry: `StorageRegistry` has it, also that of another copy of this package. */
export interface DatabaseRegistry {
  /** What is open now, by name. A live view. */
  readonly opened: ReadonlyMap<string, Database>;
  on(event: keyof StorageRegistryEvents, listener: RegistryListener): unknown;
  off(event: keyof StorageRegistryEvents, listener: RegistryListener): unknown;
}

/**
 * The databases that a host has open, by name. Those whose storage is the client of a server are kept alive while they
 * are here; any other (a local file, or a driver's client without its adapter) is left alone, of which the agent warns.
 *
 * A listener that throws is reported as a process warning (`ZeoListenerWarning`), and the next one is called.
 *
 * @example
 * databases.open('main', await ClientStorage.open('zeo.example.org:8100'));
 */
export class StorageRegistry extends EventEmitter<StorageRegistryEvents> {
  readonly #opened = new Map<string, Database>();
  /** How to stop listening to each, by name. */
  readonly #endListening = new Map<string, () => void>();

  /** What is open now, by name. A live view. */
  get opened(): ReadonlyMap<string, Database> {
    return this.#opened;
  }

  /**
   * Registers an open database and returns it. It leaves the registry by itself when it, or its storage, emits `closed`.
   *
   * @throws KeepAliveError `ERR_KEEPALIVE_NAME_TAKEN` when another one is open under that name,
   * `ERR_KEEPALIVE_INVALID_ARGUMENT` for anything but an object.
   */
  open<D extends Database>(name: string, database: D): D {
    if (typeof database !== 'object' || database === null) {
      throw new KeepAliveError(
        'ERR_KEEPALIVE_INVALID_ARGUMENT',
        `The database ${name} is ${database === null ? 'null' : typeof database}; expected an object`,
      );
    }
    const present = this.#opened.get(name);
    if (present === database) return database;
    if (present !== undefined) {
      throw new KeepAliveError('ERR_KEEPALIVE_NAME_TAKEN', `A database named ${name} is already open`);
    }
    this.#opened.set(name, database);
    this.#endListening.set(
      name,
      onceClosed(database, () => this.#remove(name, database)),
    );
    this.#tell('opened', name, database);
    return database;
  }

  /**
   * Takes a database out and closes it, if it has a `close` method. Resolves to whether there was one of that name.
   * From the moment of the call it is not pinged any more.
   */
  async close(name: string): Promise<boolean> {
    const database = this.#opened.get(name);
    if (database === undefined) return false;
    this.#remove(name, database);
    await (database as { close?: () => unknown }).close?.();
    return true;
  }

  #remove(name: string, database: Database): void {
    if (this.#opened.get(name) !== database) return;
    this.#opened.delete(name);
    this.#endListening.get(name)?.();
    this.#endListening.delete(name);
    this.#tell('closed', name, database);
  }

  #tell(event: keyof StorageRegistryEvents, name: string, database: Database): void {
    callListeners(this, event, [name, database]);
  }
}

/** The connection to keep alive behind a database, if it has one. */
export function targetOf(database: Database): KeepAliveTarget | undefined {
  if (isKeepAliveTarget(database)) return database;
  const { storage } = database as { storage?: unknown };
  return isKeepAliveTarget(storage) ? storage : undefined;
}

export function isDatabaseRegistry(value: unknown): value is DatabaseRegistry {
  if (typeof value !== 'object' || value === null) return false;
  const { opened, on, off } = value as Partial<DatabaseRegistry>;
  return (
    typeof on === 'function' &&
    typeof off === 'function' &&
    typeof opened?.get === 'function' &&
    typeof opened[Symbol.iterator] === 'function'
  );
}

function isStorageRegistry(value: unknown): value is StorageRegistry {
  if (!isDatabaseRegistry(value)) return false;
  const { open, close } = value as Partial<StorageRegistry>;
  return typeof open === 'function' && typeof close === 'function';
}

/**
 * The registry that everything uses unless it is given another. All copies of this package in a process, or rather in one
 * of its threads, have the same: it may be the instance of another copy's class.
 */
export const databases: StorageRegistry = processWide(
  'databases.1',
  isStorageRegistry,
  () => new StorageRegistry(),
);

interface Emitter {
  on(event: 'closed', listener: () => void): unknown;
  off(event: 'closed', listener: () => void): unknown;
}

/** By its methods: an emitter may be of another library. */
function isEmitter(value: unknown): value is Emitter {
  if (typeof value !== 'object' || value === null) return false;
  const { on, off } = value as Partial<Emitter>;
  return typeof on === 'function' && typeof off === 'function';
}

/**
 * Calls `listener` when a database or its storage tells that it was closed; returns how to call that off. What throws
 * when it is listened to is taken out by `StorageRegistry#close` only.
 */
function onceClosed(database: Database, listener: () => void): () => void {
  const target = attempt(() => targetOf(database));
  const emitters = (target === database ? [database] : [database, target]).filter(isEmitter);
  const ignore = () => {};
  for (const emitter of emitters) contain(() => emitter.on('closed', listener), ignore);
  return () => {
    for (const emitter of emitters) contain(() => emitter.off('closed', listener), ignore);
  };
}
