/** Small records in ZODB's form: a class, and a state of a text and references. */

export const oid = (number: number): Uint8Array => Uint8Array.from([0, 0, 0, 0, 0, 0, 0, number]);

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const classPickle = latin1('\x80\x03cpersistent.mapping\nPersistentMapping\n.');

/** ZODB can read its references, but not create its object. */
export function record(text: string, ...references: Uint8Array[]): Uint8Array {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(text.length);
  const ids = references.flatMap((id) => [latin1('C\x08'), id, latin1('Q')]);
  const state = [latin1('\x80\x03(X'), size, latin1(text), ...ids, latin1('t.')];
  return Uint8Array.from(Buffer.concat([classPickle, ...state]));
}

/** The references of such a record. */
export function referencesOf(data: Uint8Array): Uint8Array[] {
  const parts = Buffer.from(data).toString('latin1').split('C\x08').slice(1);
  return parts.map((part) => Uint8Array.from(latin1(part.slice(0, 8))));
}
