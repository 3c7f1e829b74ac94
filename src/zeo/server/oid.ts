/** Object ids: 8 bytes, big-endian, counted up from the root object's zero. */

/** The object from which all others are reached. */
export const rootOid: Uint8Array = new Uint8Array(8);

export function oidOf(number: bigint): Uint8Array {
  const oid = new Uint8Array(8);
  new DataView(oid.buffer).setBigUint64(0, number);
  return oid;
}

export function oidNumber(oid: Uint8Array): bigint {
  return new DataView(oid.buffer, oid.byteOffset, 8).getBigUint64(0);
}
