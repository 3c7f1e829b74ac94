/*
 * ZODB's exceptions in answers of a server, under ZODB's own names (`ZODB/POSException.py`) and with fields for their
 * details. Any other is a ServerError with its class name and arguments.
 */
import { type ErrorCode, KeepAliveError } from '../model/errors.js';

const module = 'ZODB.POSException';

/** An exception that the server answered a call with: its Python class name and arguments, as data. */
export class ServerError extends KeepAliveError {
  /** Dotted Python class name, e.g. `ZODB.POSException.POSKeyError`. */
  readonly className: string;
  /** What Python sent: the exception's argument tuple (an array) or its attribute dict. */
  readonly args: unknown;

  constructor(className: string, args: unknown, options: { retryable?: boolean } = {}) {
    const code = exceptions.get(className)?.code ?? 'ERR_ZEO_SERVER';
    super(code, serverMessage(className, args), { retryable: options.retryable ?? false });
    this.className = className;
    this.args = args;
  }
}

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

interface KnownException {
  readonly code: ErrorCode;
  readonly type: new (args: unknown, className: string) => ServerError;
}

/** By their Python class names. */
const exceptions: ReadonlyMap<string, KnownException> = new Map(
  Object.entries<KnownException>({
    POSKeyError: { code: 'ERR_ZEO_POS_KEY', type: POSKeyError },
    ReadOnlyError: { code: 'ERR_ZEO_READ_ONLY', type: ReadOnlyError },
    ConflictError: { code: 'ERR_ZEO_CONFLICT', type: ConflictError },
    ReadConflictError: { code: 'ERR_ZEO_CONFLICT', type: ReadConflictError },
    BTreesConflictError: { code: 'ERR_ZEO_CONFLICT', type: BTreesConflictError },
    StorageTransactionError: { code: 'ERR_ZEO_TRANSACTION', type: StorageTransactionError },
    UndoError: { code: 'ERR_ZEO_UNDO', type: UndoError },
    MultipleUndoErrors: { code: 'ERR_ZEO_UNDO', type: UndoError },
  }).map(([name, exception]) => [`${module}.${name}`, exception]),
);

/** The error for an exception of that Python class: of the class with the same name here, otherwise a ServerError. */
export function serverError(className: string, args: unknown): ServerError {
  const known = exceptions.get(className);
  return known === undefined ? new ServerError(className, args) : new known.type(args, className);
}

/** The class name, and the first text and id among the arguments, cut to a length that a log line can bear. */
function serverMessage(className: string, args: unknown): string {
  const { message, oid, _reason } = (args ?? {}) as Record<string, unknown>;
  const values = Array.isArray(args) ? args : [message ?? _reason];
  const value = values.find((arg) => typeof arg === 'string' || arg instanceof Uint8Array);
  const text = [value, oid].filter((part) => part !== undefined).map(shown);
  return [className, ...text.filter((part) => part !== '')].join(': ');
}

function shown(value: unknown): string {
  if (value instanceof Uint8Array) return `0x${Buffer.from(value.subarray(0, 250)).toString('hex')}`;
  return typeof value === 'string' ? value.slice(0, 500) : '';
}

function bytes(value: unknown): Uint8Array | undefined {
  return value instanceof Uint8Array ? value : undefined;
}
