import { classNameOf } from '../../records/decode-record.js';
import { ServerError } from '../../zodb/pos-exception.js';
import { typeName } from '../encoding/python-values.js';
import type { Value } from '../encoding/values.js';

/**
 * The exceptions of ZODB and Python that calls are answered with, in the form in which ZEO's own server sends them.
 */

/** `ZODB/POSException.py: POSKeyError`: the object, or that revision of it, does not exist. */
export function posKeyError(oid: Value): ServerError {
  return new ServerError('ZODB.POSException.POSKeyError', [oid]);
}

export function readOnlyError(): ServerError {
  return new ServerError('ZODB.POSException.ReadOnlyError', []);
}

/** A call that does not fit the state of the client's transaction. */
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
    class_name: data && (classNameOf(data) ?? null),
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

/** `ZODB/POSException.py: UndoError`: the transaction cannot be undone, or no longer. */
export function undoError(reason: string, oid: Uint8Array | null = null): ServerError {
  return new ServerError('ZODB.POSException.UndoError', { _reason: reason, _oid: oid });
}

/**
 * Objects that prevent an undo; ZODB raises it for a single one as well.
 *
 * The errors travel as ZEO's server writes exceptions in msgpack, with either encoding: class name and attributes.
 * That `_reason` and `_oid` are the oid and the error of one object is ZODB's own mistake.
 *
 * @param failures at least one: an oid, and the error that prevents its undo.
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

/** A key that is not known, or no longer. */
export function keyError(key: Value): ServerError {
  return new ServerError('builtins.KeyError', [key]);
}

/** The records were requested of another transaction than the last one of the iterator. */
export function outOfOrderError(tid: Value): ServerError {
  const name = tid instanceof Uint8Array ? Buffer.from(tid).toString('hex') : `of type ${typeName(tid)}`;
  return new ServerError('builtins.Exception', [
    `Out-of-order request for record iterator for transaction ${name}`,
  ]);
}

/** A transaction above the server's limit. */
export function transactionTooLargeError(message: string): ServerError {
  return new ServerError('ZODB.POSException.TransactionTooLargeError', [message]);
}

/** The base of ZODB's storage errors, for those without a class of their own. */
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

/** An attribute that objects of a type do not have. */
export function attributeError(type: string, attribute: string): ServerError {
  const message = `'${type}' object has no attribute '${attribute}'`;
  return new ServerError('builtins.AttributeError', [message]);
}

/** An `assert` of ZODB or ZEO that fails. */
export function assertionError(...args: readonly Value[]): ServerError {
  return new ServerError('builtins.AssertionError', args);
}
