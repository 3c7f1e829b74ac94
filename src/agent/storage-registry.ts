import { EventEmitter } from 'node:events';
import { KeepAliveError } from '../model/errors.js';
import { isKeepAliveStorage, type KeepAliveStorage } from '../model/target.js';

/** Whatever a host opens: a storage, or a database that has one as `storage`. */
export type Database = object;

export interface StorageRegistryEvents {
  opened: [name: string, database: Database];
  closed: [name: string, database: Database];
}

/**
 * The databases that a host has open, by name. Those whose storage is the client of a server are kept alive while they
 * are here; any other (a local file) is left alone.
 *
 * @example
 * databases.open('main', await ClientStorage.open('zeo.example.org:8100'));
 */
export class StorageRegistry extends EventEmitter<StorageRegistryEvents> {
  readonly #opened = new Map<string, Database>();
  readonly #onClosed = new Map<string, () => void>();

  /** What is open now, by name. A live view. */
  get opened(): ReadonlyMap<string, Database> {
    return this.#opened;
  }

  /**
   * Registers an open database and returns it. A database that emits `closed` leaves the registry by itself.
   *
   * @throws KeepAliveError `ERR_KEEPALIVE_NAME_TAKEN` when another one is open under that name,
   * `ERR_KEEPALIVE_INVALID_ARGUMENT` for what is no object.
   */
  open<D extends Database>(name: string, database: D): D {
    if (typeof database !== 'object' || database === null) {
      throw new KeepAliveError(
        'ERR_KEEPALIVE_INVALID_ARGUMENT',
        `The database ${name} is ${typeof database}, no object`,
      );
    }
    const present = this.#opened.get(name);
    if (present === database) return database;
    if (present !== undefined) {
      throw new KeepAliveError('ERR_KEEPALIVE_NAME_TAKEN', `A database named ${name} is already open`);
    }
    this.#opened.set(name, database);
    if (database instanceof EventEmitter) {
      const onClosed = () => this.#remove(name, database);
      this.#onClosed.set(name, onClosed);
      database.once('closed', onClosed);
    }
    this.emit('opened', name, database);
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
    const onClosed = this.#onClosed.get(name);
    this.#onClosed.delete(name);
    if (onClosed !== undefined) (database as EventEmitter).off('closed', onClosed);
    this.emit('closed', name, database);
  }
}

/** The connection to keep alive behind a database, if it has one. */
export function storageOf(database: Database): KeepAliveStorage | undefined {
  if (isKeepAliveStorage(database)) return database;
  const { storage } = database as { storage?: unknown };
  return isKeepAliveStorage(storage) ? storage : undefined;
}

/** The registry that everything uses unless it is given another. */
export const databases = new StorageRegistry();
