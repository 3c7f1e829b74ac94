import { ServerError } from '../../errors.js';
import type { Value } from '../protocol/values.js';

/**
 * The exceptions of ZODB and Python that the server answers calls with, named and filled as ZEO's own server does.
 */

/** `ZODB/POSException.py: POSKeyError`: the object, or that revision of it, does not exist. */
export function posKeyError(oid: Uint8Array): ServerError {
  return new ServerError('ZODB.POSException.POSKeyError', [oid]);
}

export function readOnlyError(): ServerError {
  return new ServerError('ZODB.POSException.ReadOnlyError', []);
}

/** A call that does not fit the state that the client's transaction is in. */
export function transactionError(...args: readonly Value[]): ServerError {
  return new ServerError('ZODB.POSException.StorageTransactionError', args);
}

/**
 * An object was changed by someone else since the client read it. Travels as the exception's attributes.
 *
 * @param committed the object's current serial.
 * @param seen the serial that the client based its change on.
 * @param data the client's new record, for the name of the object's class.
 */
export function conflictError(
  oid: Uint8Array,
  committed: Uint8Array,
  seen: Uint8Array,
  data: Uint8Array,
): ServerError {
  const attributes = {
    message: 'database conflict error',
    oid,
    class_name: classNameOf(data),
    serials: [committed, seen],
  };
  return new ServerError('ZODB.POSException.ConflictError', attributes);
}

/** An object that the client wanted unchanged (`checkCurrentSerialInTransaction`) was changed by someone else. */
export function readConflictError(oid: Uint8Array, committed: Uint8Array, seen: Uint8Array): ServerError {
  const attributes = {
    message: 'database read conflict error',
    oid,
    class_name: null,
    serials: [committed, seen],
  };
  return new ServerError('ZODB.POSException.ReadConflictError', attributes);
}

export function valueError(message: string): ServerError {
  return new ServerError('builtins.ValueError', [message]);
}

/** Arguments that are too few, too many, or of the wrong type. */
export function typeError(message: string): ServerError {
  return new ServerError('builtins.TypeError', [message]);
}

export function notImplementedError(method: string): ServerError {
  return new ServerError('builtins.NotImplementedError', [`${method} is not implemented by this server`]);
}

/** A record starts with a pickle of the object's class: its protocol, a global, or a tuple that starts with one. */
function classNameOf(data: Uint8Array): string | null {
  const start = Buffer.from(data.buffer, data.byteOffset, Math.min(data.byteLength, 400)).toString('latin1');
  const found = /^\x80.\(?c([\w.]+)\n([\w.]+)\n/s.exec(start);
  return found === null ? null : `${found[1]}.${found[2]}`;
}
