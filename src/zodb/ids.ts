import { invalidArgument } from '../model/invalid-argument.js';

/** The largest possible transaction id; `load` asks for what was current before it (`ZODB.utils.maxtid`). */
export const maxTid: Uint8Array = Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);

/** Whether it has the form of an object id, or a transaction id: eight bytes. */
export function isId(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.length === 8;
}

/** Whether it is a transaction id. */
export function isTid(value: unknown): value is Uint8Array {
  // The first bit of maxTid is 0.
  return isId(value) && (value[0] as number) < 0x80;
}

/**
 * A copy of an object id from a caller, who may reuse the original while a call waits.
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`
 */
export function takeOid(value: unknown): Uint8Array {
  if (isId(value)) return copyId(value);
  throw invalidArgument('oid', 'a Uint8Array of 8 bytes', value);
}

/**
 * A copy of a transaction id from a caller.
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`, also for one beyond {@link maxTid}
 */
export function takeTid(name: 'tid' | 'serial' | 'since', value: unknown): Uint8Array {
  if (isTid(value)) return copyId(value);
  if (isId(value)) throw invalidArgument(name, 'at most maxTid, 7fffffffffffffff', formatId(value));
  throw invalidArgument(name, 'a Uint8Array of 8 bytes', value);
}

/** Negative, zero or positive: ids count upwards as big-endian numbers, so that bytes compare as they do. */
export function compareIds(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

/** Whether a transaction came after another one. */
export function isLater(tid: Uint8Array, than: Uint8Array): boolean {
  return compareIds(tid, than) > 0;
}

/**
 * The written form of an id: sixteen hexadecimal digits.
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` for anything else than an id
 */
export function formatId(id: Uint8Array): string {
  return idKey(checkId(id));
}

/** As {@link formatId} without a check: for keys of a `Map`, which compares bytes by identity. */
export function idKey(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('hex');
}

/** A copy: an id from a reply is a view that keeps the whole received frame in memory. */
export function copyId(id: Uint8Array): Uint8Array {
  return new Uint8Array(id);
}

/** The serial of a new object, and the last transaction of an empty storage. */
export const zeroId: Uint8Array = new Uint8Array(8);

/**
 * The number of an id (`ZODB.utils.u64`).
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` for anything else than an id
 */
export function idToBigInt(id: Uint8Array): bigint {
  const { buffer, byteOffset } = checkId(id);
  return new DataView(buffer, byteOffset).getBigUint64(0);
}

function checkId(id: Uint8Array): Uint8Array {
  if (isId(id)) return id;
  throw invalidArgument('id', 'a Uint8Array of 8 bytes', id);
}

/**
 * The inverse of {@link idToBigInt} (`ZODB.utils.p64`).
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` for a number that is negative or takes more than 8 bytes
 */
export function idFromBigInt(value: bigint | number): Uint8Array {
  const isInteger = typeof value === 'bigint' || Number.isSafeInteger(value);
  if (!isInteger || value < 0 || value >= 2n ** 64n)
    throw invalidArgument('value', 'a whole number of 64 bits', value);
  const id = new Uint8Array(8);
  new DataView(id.buffer).setBigUint64(0, BigInt(value));
  return id;
}

/**
 * The inverse of {@link formatId}: up to sixteen hexadecimal digits, optionally after `0x`.
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`
 */
export function parseId(text: string): Uint8Array {
  const digits = typeof text === 'string' ? /^(?:0x)?([\da-f]{1,16})$/i.exec(text)?.[1] : undefined;
  if (digits !== undefined) return idFromBigInt(BigInt(`0x${digits}`));
  throw invalidArgument('text', 'up to 16 hexadecimal digits', text);
}

/** Object ids: 8 bytes, big-endian, counted up from the root object's zero. */

/** The root object, from which all others are reached. */
export const rootOid: Uint8Array = new Uint8Array(8);

export function oidOf(number: bigint): Uint8Array {
  const oid = new Uint8Array(8);
  new DataView(oid.buffer).setBigUint64(0, number);
  return oid;
}

export function oidNumber(oid: Uint8Array): bigint {
  return new DataView(oid.buffer, oid.byteOffset, 8).getBigUint64(0);
}
