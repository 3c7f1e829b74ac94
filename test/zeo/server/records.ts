/** Records as ZODB makes them, small ones of our own: a class, and a state that is a text and what it refers to. */

export const oid = (number: number): Uint8Array => Uint8Array.from([0, 0, 0, 0, 0, 0, 0, number]);

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const classPickle = latin1('\x80\x03cpersistent.mapping\nPersistentMapping\n.');

/** Any ZODB can tell what it refers to; none would make an object of it. */
export function record(text: string, ...references: Uint8Array[]): Uint8Array {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(text.length);
  const ids = references.flatMap((id) => [latin1('C\x08'), id, latin1('Q')]);
  const state = [latin1('\x80\x03(X'), size, latin1(text), ...ids, latin1('t.')];
  return Uint8Array.from(Buffer.concat([classPickle, ...state]));
}

/** What such a record refers to. */
export function referencesOf(data: Uint8Array): Uint8Array[] {
  const parts = Buffer.from(data).toString('latin1').split('C\x08').slice(1);
  return parts.map((part) => Uint8Array.from(latin1(part.slice(0, 8))));
}
