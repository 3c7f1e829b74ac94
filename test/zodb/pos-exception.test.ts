import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  BTreesConflictError,
  ConflictError,
  POSKeyError,
  ReadConflictError,
  ReadOnlyError,
  ServerError,
  StorageTransactionError,
  serverError,
  UndoError,
} from '#src/zodb/pos-exception.js';
import { id } from '../zeo/storage/scripted-peer.js';

const conflict = {
  message: 'database conflict error',
  oid: id(7),
  class_name: 'app.models.Account',
  serials: [id(20), id(10)],
};

describe('A server’s exception', () => {
  it('becomes an error with ZODB’s name and its data', () => {
    const error = serverError('ZODB.POSException.ConflictError', conflict);
    assert.ok(error instanceof ConflictError && error instanceof ServerError);
    assert.equal(error.name, 'ConflictError');
    assert.equal(error.code, 'ERR_ZEO_CONFLICT');
    assert.equal(error.retryable, true);
    assert.deepEqual([error.oid, error.objectClass], [id(7), 'app.models.Account']);
    assert.deepEqual(error.serials, [id(20), id(10)]);
    assert.match(error.message, /database conflict error: 0x0000000000000007/);
  });

  it('keeps the family of its class', () => {
    const read = serverError('ZODB.POSException.ReadConflictError', { ...conflict, class_name: null });
    assert.ok(read instanceof ReadConflictError && read instanceof ConflictError);
    assert.equal(read.objectClass, undefined);
    assert.ok(serverError('ZODB.POSException.BTreesConflictError', { p1: 1 }) instanceof BTreesConflictError);
  });

  it('has a class and a code of its own if callers distinguish it', () => {
    const cases = [
      ['POSKeyError', [id(9)], POSKeyError, 'ERR_ZEO_POS_KEY'],
      ['ReadOnlyError', [], ReadOnlyError, 'ERR_ZEO_READ_ONLY'],
      ['StorageTransactionError', ['why'], StorageTransactionError, 'ERR_ZEO_TRANSACTION'],
      ['UndoError', { _reason: 'gone', _oid: null }, UndoError, 'ERR_ZEO_UNDO'],
      ['MultipleUndoErrors', { _errs: [] }, UndoError, 'ERR_ZEO_UNDO'],
    ] as const;
    for (const [name, args, type, code] of cases) {
      const error = serverError(`ZODB.POSException.${name}`, args);
      assert.ok(error instanceof type, name);
      assert.deepEqual([error.code, error.retryable, error.args], [code, false, args]);
      assert.equal(error.className, `ZODB.POSException.${name}`);
    }
    assert.deepEqual(new POSKeyError([id(9)]).oid, id(9));
  });

  it('keeps the class name and arguments of an unknown class', () => {
    const error = serverError('app.Strange', [1, 'two']);
    assert.equal(error.constructor, ServerError);
    assert.deepEqual(
      [error.className, error.args, error.code],
      ['app.Strange', [1, 'two'], 'ERR_ZEO_SERVER'],
    );
    for (const name of ['__proto__', 'constructor', 'toString']) {
      const other = serverError(name, null);
      assert.deepEqual([other.constructor, other.code], [ServerError, 'ERR_ZEO_SERVER']);
    }
  });

  it('survives data that ZODB does not send', () => {
    for (const args of [
      null,
      [],
      ['text'],
      { oid: 1, serials: 2 },
      { serials: [1, 2] },
      { serials: [id(1)] },
    ]) {
      const error = serverError('ZODB.POSException.ConflictError', args) as ConflictError;
      assert.deepEqual([error.oid, error.serials], [undefined, undefined]);
    }
  });
});
