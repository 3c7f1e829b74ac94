/*
 * ZODB's exceptions in answers of a server, under ZODB's own names (`ZODB/POSException.py`) and with fields for their
 * details. Any other is a ServerError with its class name and arguments.
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
 * Another transaction changed an object that this one wants to change. `code` is `ERR_ZEO_CONFLICT`; `retryable` as a
 * whole transaction: read, change and commit again.
 */
export class ConflictError extends ServerError {
  /** The object in conflict, 8 bytes. */
  readonly oid: Uint8Array | undefined;
  /** Dotted name of that object's Python class. */
  readonly objectClass: string | undefined;
  /** The current revision of the object, and the one that this transaction read. */
  readonly serials: readonly [committed: Uint8Array, read: Uint8Array] | undefined;

  constructor(args: unknown, className = `${module}.ConflictError`) {
    super(className, args, { retryable: true });
    const { oid, class_name, serials } = (Array.isArray(args) ? {} : (args ?? {})) as Record<string, unknown>;
    this.oid = bytes(oid);
    // ZODB's name for an unreadable class is '.'.
    this.objectClass = typeof class_name === 'string' && class_name !== '.' ? class_name : undefined;
    const [committed, read] = Array.isArray(serials) ? serials.map(bytes) : [];
    this.serials = committed !== undefined && read !== undefined ? [committed, read] : undefined;
  }
}

/** An object that had to stay unchanged has changed (`checkCurrentSerialInTransaction`). */
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

/** The server, the storage or this connection is read-only. `code` is `ERR_ZEO_READ_ONLY`. */
export class ReadOnlyError extends ServerError {
  constructor(args: unknown = [], className = `${module}.ReadOnlyError`) {
    super(className, args);
  }
}

/** A call that does not fit the state of the transaction. `code` is `ERR_ZEO_TRANSACTION`. */
export class StorageTransactionError extends ServerError {
  constructor(args: unknown, className = `${module}.StorageTransactionError`) {
    super(className, args);
  }
}

/** A transaction that cannot be undone, e.g. because of later changes. `code` is `ERR_ZEO_UNDO`. */
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

/** The error for an exception of that Python class: of the class with the same name here, otherwise a ServerError. */
export function serverError(className: string, args: unknown): ServerError {
  const known = Object.hasOwn(classes, className) ? classes[className] : undefined;
  return known === undefined ? new ServerError(className, args) : new known(args, className);
}

function bytes(value: unknown): Uint8Array | undefined {
  return value instanceof Uint8Array ? value : undefined;
}
