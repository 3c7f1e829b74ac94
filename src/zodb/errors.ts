/*
 * The exceptions of ZODB that a server answers with, under ZODB's own names (`ZODB/POSException.py`), with what they
 * say as fields. One that is not here stays a ServerError, with its class name and arguments.
 */
import { ServerError } from '../model/errors.js';

const module = 'ZODB.POSException';

/** The object, or the revision of it, does not exist. `code` is `ERR_ZEO_POS_KEY`. */
export class POSKeyError extends ServerError {
  /** 8 bytes; `undefined` when the server did not say. */
  readonly oid: Uint8Array | undefined;

  constructor(args: unknown, className = `${module}.POSKeyError`) {
    super(className, args);
    this.oid = bytes(Array.isArray(args) ? args[0] : undefined);
  }
}

/**
 * Somebody else changed an object that this transaction wants to change. `code` is `ERR_ZEO_CONFLICT`; `retryable`,
 * as the whole transaction is: read again, change again, commit again.
 */
export class ConflictError extends ServerError {
  /** Of the object in conflict, 8 bytes. */
  readonly oid: Uint8Array | undefined;
  /** Dotted name of that object's Python class. */
  readonly objectClass: string | undefined;
  /** The transaction that wrote the object as it is now, and the one that this transaction had read. */
  readonly serials: readonly [committed: Uint8Array, read: Uint8Array] | undefined;

  constructor(args: unknown, className = `${module}.ConflictError`) {
    super(className, args, { retryable: true });
    const { oid, class_name, serials } = (Array.isArray(args) ? {} : (args ?? {})) as Record<string, unknown>;
    this.oid = bytes(oid);
    // '.' is what ZODB makes of a record that names no class.
    this.objectClass = typeof class_name === 'string' && class_name !== '.' ? class_name : undefined;
    const [committed, read] = Array.isArray(serials) ? serials.map(bytes) : [];
    this.serials = committed !== undefined && read !== undefined ? [committed, read] : undefined;
  }
}

/** An object that was to stay as it was read has changed (`checkCurrentSerialInTransaction`). */
export class ReadConflictError extends ConflictError {
  constructor(args: unknown, className = `${module}.ReadConflictError`) {
    super(args, className);
  }
}

/** Two changes of one BTree cannot be merged. `args` has the reason's number. */
export class BTreesConflictError extends ConflictError {
  constructor(args: unknown, className = `${module}.BTreesConflictError`) {
    super(args, className);
  }
}

/** The server, the storage, or this client's connection is for reading only. `code` is `ERR_ZEO_READ_ONLY`. */
export class ReadOnlyError extends ServerError {
  constructor(args: unknown = [], className = `${module}.ReadOnlyError`) {
    super(className, args);
  }
}

/** What was called is not what this transaction is ready for. `code` is `ERR_ZEO_TRANSACTION`. */
export class StorageTransactionError extends ServerError {
  constructor(args: unknown, className = `${module}.StorageTransactionError`) {
    super(className, args);
  }
}

/** A transaction cannot be undone: others have built on it. `code` is `ERR_ZEO_UNDO`. */
export class UndoError extends ServerError {
  constructor(args: unknown, className = `${module}.UndoError`) {
    super(className, args);
  }
}

const classes: Readonly<Record<string, new (args: unknown, className: string) => ServerError>> = {
  [`${module}.POSKeyError`]: POSKeyError,
  [`${module}.ConflictError`]: ConflictError,
  [`${module}.ReadConflictError`]: ReadConflictError,
  [`${module}.BTreesConflictError`]: BTreesConflictError,
  [`${module}.ReadOnlyError`]: ReadOnlyError,
  [`${module}.StorageTransactionError`]: StorageTransactionError,
  [`${module}.UndoError`]: UndoError,
  [`${module}.MultipleUndoErrors`]: UndoError,
};

/** The exception of that Python class, as an error of the class that has its name here, or else as a ServerError. */
export function serverError(className: string, args: unknown): ServerError {
  const known = Object.hasOwn(classes, className) ? classes[className] : undefined;
  return known === undefined ? new ServerError(className, args) : new known(args, className);
}

function bytes(value: unknown): Uint8Array | undefined {
  return value instanceof Uint8Array ? value : undefined;
}
