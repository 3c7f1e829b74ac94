import { copyId, isId } from '../../zodb/ids.js';
import { ServerError } from '../../zodb/pos-exception.js';
import { typeName } from '../encoding/python-values.js';
import type { Value } from '../encoding/values.js';
import type { Operation } from '../memory-storage/operation.js';
import { assertionError, typeError, valueError } from '../memory-storage/python-errors.js';
import type { Arguments } from './arguments.js';

/**
 * The step of a transaction that a call adds to it.
 *
 * Wrong arguments make a step that fails the vote, as with ZEO's own server, which looks at them only then: these calls are
 * one-way, so any other error would end the connection. Source: ZEO/StorageServer.py, `CommitLog`.
 */
export function readOperation(kind: keyof typeof readers, args: Arguments): Operation {
  try {
    return readers[kind](args);
  } catch (error) {
    if (error instanceof ServerError) return { kind: 'invalid', error };
    throw error;
  }
}

const readers = {
  store: (args: Arguments): Operation => ({
    kind: 'store',
    oid: storedOid(args.any(0)),
    serial: owned(args.any(1)),
    data: args.bytes(2),
  }),

  restore: (args: Arguments): Operation => {
    const [oid, serial, data, origin] = [
      storedOid(args.any(0)),
      args.any(1),
      args.bytesOrNull(2),
      args.any(3),
    ];
    // Otherwise unused: it is the id of the transaction itself.
    if (!(serial instanceof Uint8Array)) {
      throw new ServerError('struct.error', ["argument for 's' must be a bytes object"]);
    }
    return { kind: 'restore', oid, data, origin: owned(origin) };
  },

  delete: (args: Arguments): Operation => ({ kind: 'delete', oid: args.oid(0), serial: owned(args.any(1)) }),

  check: (args: Arguments): Operation => ({ kind: 'check', oid: args.oid(0), serial: owned(args.any(1)) }),

  undo: (args: Arguments): Operation => ({ kind: 'undo', tid: undoneTid(args.bytes(0)) }),
} as const;

/** Bytes are a view into the frame that brought them, which is not worth keeping for a few of them. */
export function owned(value: Value): Value {
  return value instanceof Uint8Array ? copyId(value) : value;
}

/** ZODB's file storage takes other lengths, and then cannot read the object. */
function storedOid(oid: Value): Uint8Array {
  if (!(oid instanceof Uint8Array)) {
    throw typeError(`'>' not supported between instances of '${typeName(oid)}' and 'bytes'`);
  }
  if (!isId(oid)) throw valueError('an oid must have 8 bytes');
  return oid;
}

/** From the form in which `undoLog` gives it: base64, in which Python ignores all other characters. */
function undoneTid(id: Uint8Array): Uint8Array {
  const text = Buffer.from(id).toString('latin1');
  const [, digits = '', padding = ''] = /^([^=]*)(=*)/.exec(text.replace(/[^A-Za-z0-9+/=]/g, '')) ?? [];
  const remainder = digits.length % 4;
  if (remainder !== 0 && remainder + padding.length < 4) {
    throw new ServerError('binascii.Error', ['Incorrect padding']);
  }
  const tid = Buffer.from(digits, 'base64');
  if (!isId(tid)) throw assertionError();
  return tid;
}
