import { ServerError } from '../../model/errors.js';
import { typeName } from '../encoding/python-values.js';
import type { Value } from '../encoding/values.js';

/**
 * The exceptions of ZODB and Python that the server answers calls with, named and filled as ZEO's own server does.
 */

/** `ZODB/POSException.py: POSKeyError`: the object, or that revision of it, does not exist. */
export function posKeyError(oid: Value): ServerError {
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
 * @param seen the serial that the client says it based its change on.
 * @param data the client's new record, for the name of the object's class; nothing for a deletion.
 */
export function conflictError(
  oid: Uint8Array,
  committed: Uint8Array,
  seen: Value,
  data: Uint8Array | null,
): ServerError {
  const attributes = {
    message: 'database conflict error',
    oid,
    class_name: data && classNameOf(data),
    serials: [committed, seen],
  };
  return new ServerError('ZODB.POSException.ConflictError', attributes);
}

/** An object that the client wanted unchanged (`checkCurrentSerialInTransaction`) was changed by someone else. */
export function readConflictError(oid: Uint8Array, committed: Uint8Array, seen: Value): ServerError {
  const attributes = {
    message: 'database read conflict error',
    oid,
    class_name: null,
    serials: [committed, seen],
  };
  return new ServerError('ZODB.POSException.ReadConflictError', attributes);
}

/** `ZODB/POSException.py: UndoError`: the transaction cannot be undone, or not any more. */
export function undoError(reason: string, oid: Uint8Array | null = null): ServerError {
  return new ServerError('ZODB.POSException.UndoError', { _reason: reason, _oid: oid });
}

/**
 * Several objects stand in the way of an undo; ZODB says it this way for one as well.
 *
 * The errors travel as ZEO's server writes exceptions in msgpack, with either encoding: class name and attributes.
 * That the attributes of the whole are an oid and the error of it is ZODB's own slip.
 *
 * @param failures at least one, oid and what is in the way.
 */
export function multipleUndoErrors(failures: readonly (readonly [Uint8Array, ServerError])[]): ServerError {
  const errors = failures.map(([oid, error]): readonly [Value, Value] => [
    oid,
    [error.className, error.args as Value],
  ]);
  const [reason, oid] = errors[0] ?? [null, null];
  const attributes = { _reason: reason, _oid: oid, _errs: errors };
  return new ServerError('ZODB.POSException.MultipleUndoErrors', attributes);
}

/** What a client asks for by a key that is not, or no longer, known. */
export function keyError(key: Value): ServerError {
  return new ServerError('builtins.KeyError', [key]);
}

/** The records of a transaction were asked for that an iteration has not given last. */
export function outOfOrderError(tid: Value): ServerError {
  const name = tid instanceof Uint8Array ? Buffer.from(tid).toString('hex') : `of type ${typeName(tid)}`;
  return new ServerError('builtins.Exception', [
    `Out-of-order request for record iterator for transaction ${name}`,
  ]);
}

/** More than the server takes from one transaction. */
export function transactionTooLargeError(message: string): ServerError {
  return new ServerError('ZODB.POSException.TransactionTooLargeError', [message]);
}

/** The base of ZODB's errors of storages, for what has no name of its own. */
export function storageError(message: string): ServerError {
  return new ServerError('ZODB.POSException.StorageError', [message]);
}

export function valueError(...args: readonly Value[]): ServerError {
  return new ServerError('builtins.ValueError', args);
}

export function overflowError(message: string): ServerError {
  return new ServerError('builtins.OverflowError', [message]);
}

/** Arguments that are too few, too many, or of the wrong type. */
export function typeError(message: string): ServerError {
  return new ServerError('builtins.TypeError', [message]);
}

/** Python's complaint of something that objects of a type do not have. */
export function attributeError(type: string, attribute: string): ServerError {
  const message = `'${type}' object has no attribute '${attribute}'`;
  return new ServerError('builtins.AttributeError', [message]);
}

/** An `assert` of ZODB or ZEO that does not hold. */
export function assertionError(...args: readonly Value[]): ServerError {
  return new ServerError('builtins.AssertionError', args);
}

/** A record starts with a pickle of the object's class: its protocol, a global, or a tuple that starts with one. */
function classNameOf(data: Uint8Array): string {
  const start = Buffer.from(data.buffer, data.byteOffset, Math.min(data.byteLength, 400)).toString('latin1');
  const found = /^\x80.\(?c([\w.]+)\n([\w.]+)\n/s.exec(start);
  // ZODB's name for what it cannot read: two empty texts and the dot between them.
  return found === null ? '.' : `${found[1]}.${found[2]}`;
}
