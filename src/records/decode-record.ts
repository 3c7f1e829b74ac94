import { KeepAliveError, ProtocolError } from '../model/errors.js';
import { invalidArgument } from '../model/invalid-argument.js';
import { checkDepth } from './check-depth.js';
import { parseClass } from './parse-reference.js';
import { type RecordOptions, resolveRecordOptions } from './record-options.js';
import { RecordUnpickler } from './record-unpickler.js';
import { ZodbRecord } from './zodb-record.js';

/** A record that cannot be decoded: it is damaged, over a limit, or not a record. Its code is `ERR_ZEO_RECORD`. */
export class RecordError extends KeepAliveError {
  /** How far the decoder had read, in bytes; look near there in the output of `python -m pickletools`. */
  readonly offset: number;

  constructor(message: string, offset: number, cause?: unknown) {
    super('ERR_ZEO_RECORD', `${message} (at byte ${offset} of the record)`, { cause });
    this.offset = offset;
  }
}

/*
 * Why this package has its own pickle machine. Of the npm packages that read pickle only `pickleparser` (0.2.1) supports
 * protocols 3 to 5; `jpickle` (0.4.1, ten years old) reads protocol 2 and turns every long integer into 0. `pickleparser`
 * cannot read records: it forgets its memo between the two pickles, which share one; it reads long integers through
 * `parseInt`, or refuses more than 8 bytes, or loses the sign; it does not undo the escapes of protocol 0; a missing memo
 * entry becomes `undefined`. And it is not made for untrusted bytes: nothing is limited, a missing mark ends in a TypeError,
 * and it runs `new` on whatever it finds in the place of a class. A wrapper would have to check every byte first. The
 * reader, the stack and the numbers are needed for the protocol's own pickles anyway.
 */

/**
 * What is in a record that a ZODB storage holds for an object: its class and its state. No code is run and no class is
 * looked up; the bytes are not trusted.
 *
 * | Python | here | note |
 * | --- | --- | --- |
 * | `None`, `bool`, `float` | `null`, `boolean`, `number` | |
 * | `int` | `number`, or `bigint` beyond ±(2^53 − 1) | at most 1,024 bytes |
 * | `str` | `string` | with lone surrogates, if it has any |
 * | `str` of Python 2 | `string` or `Uint8Array` | option `python2Text` |
 * | `bytes`, `bytearray` | `Uint8Array` | usually a view of `data`, which it keeps alive |
 * | `tuple`, `list` | `Array` | |
 * | `dict` | `Map` | keys that Python compares by content (tuples, bytes) are compared by identity here |
 * | `set`, `frozenset` | `Set` | the same goes for its items |
 * | `complex`, `Decimal` | {@link PythonComplex}, {@link PythonDecimal} | |
 * | `date`, `time`, `datetime` | {@link PythonDate}, {@link PythonTime}, {@link PythonDateTime} | |
 * | `timedelta`, `timezone` | {@link PythonTimeDelta}, {@link PythonTimeZone} | zones of `zoneinfo`, `pytz` and `dateutil`, too |
 * | `UUID`, Zope's `DateTime` | {@link PythonUuid}, {@link ZopeDateTime} | |
 * | a reference to another record | {@link PersistentReference} | |
 * | a class or function | {@link PythonGlobal} | |
 * | any other object | {@link PythonObject} | class, arguments, state, items: as data |
 *
 * An object in Python is one object here, however often it is referred to, and it may contain itself. Code that walks through
 * an untrusted state should therefore remember which objects it has visited, as `structuredClone` does: a few hundred bytes
 * can describe more paths than can be walked.
 *
 * @example
 * const { data } = await storage.load(oid);
 * const record = decodeRecord(data);
 * console.log(record.className, record.attributes.get('title'), record.references.length);
 * if (record.content?.kind === 'mapping') console.log([...record.content.entries.keys()]);
 *
 * @throws RecordError (`ERR_ZEO_RECORD`) for bytes that are not a record, or for a record over a limit.
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` for anything but a `Uint8Array`, and for options out of range.
 */
export function decodeRecord(data: Uint8Array, options: RecordOptions = {}): ZodbRecord {
  return decode(data, options, (unpickler, { maxDepth }) => readRecord(data, unpickler, maxDepth));
}

function decode<T>(
  data: Uint8Array,
  options: RecordOptions,
  read: (unpickler: RecordUnpickler, options: Required<RecordOptions>) => T,
  wantsClasses = true,
): T {
  if (!(data instanceof Uint8Array)) {
    throw invalidArgument('data', 'a Uint8Array', data);
  }
  const resolved = resolveRecordOptions(options);
  if (data.length > resolved.maxBytes) {
    throw new RecordError(`Record of ${data.length} bytes, the limit is ${resolved.maxBytes}`, 0);
  }
  if (isCompressed(data)) throw new RecordError('Record is compressed by zc.zlibstorage', 0);
  const unpickler = new RecordUnpickler(data, resolved, wantsClasses);
  try {
    return read(unpickler, resolved);
  } catch (error) {
    if (error instanceof ProtocolError) throw new RecordError(error.message, unpickler.offset, error);
    throw error;
  }
}

/**
 * The ids of the objects that a record keeps alive, as `ZODB/serialize.py: referencesf` finds them: without weak references
 * and those to other databases. What the record describes does not matter, not even whether its first pickle describes a
 * class. For the option `referencesOf` of `MemoryStorage`.
 *
 * @throws RecordError (`ERR_ZEO_RECORD`) for anything but two pickles within the limits.
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`
 */
export function referencesOf(data: Uint8Array, options: RecordOptions = {}): Uint8Array[] {
  const read = (unpickler: RecordUnpickler) => {
    for (let pickles = 0; pickles < 2; pickles++) unpickler.load();
    return unpickler.references
      .filter(({ weak, database }) => !weak && database === undefined)
      .map(({ oid }) => oid);
  };
  return decode(data, options, read, false);
}

/**
 * The dotted name of a record's class, for messages, read from the first pickle alone; `undefined` if it cannot be read
 * (`ZODB/utils.py: get_pickle_metadata`).
 */
export function classNameOf(data: Uint8Array): string | undefined {
  try {
    return decode(data, {}, (unpickler) => parseMeta(unpickler.load(), unpickler).class.toString());
  } catch {
    return undefined;
  }
}

function readRecord(data: Uint8Array, unpickler: RecordUnpickler, maxDepth: number): ZodbRecord {
  const meta = unpickler.load();
  if (unpickler.offset === data.length) throw new ProtocolError('Record has a class and no state');
  const state = unpickler.load();
  const trailing = data.length - unpickler.offset;
  if (trailing > 0) throw new ProtocolError(`Record is followed by ${trailing} bytes`);
  const { references } = unpickler;
  // Includes the references, as pickle may have dropped some from the state.
  checkDepth([meta, state, ...references], maxDepth);
  return new ZodbRecord({ ...parseMeta(meta, unpickler), state, references });
}

/** The class in one of the forms listed in `ZODB/serialize.py`: alone, or with the arguments for `__new__`, or `None`. */
function parseMeta(meta: unknown, { strings }: RecordUnpickler): Pick<ZodbRecord, 'class' | 'newArgs'> {
  if (!Array.isArray(meta)) return { class: parseClass(meta, strings), newArgs: undefined };
  const [cls, args] = meta;
  const isKnown = meta.length === 2 && (args === null || Array.isArray(args));
  if (!isKnown) throw new ProtocolError('Record describes its class in an unknown form');
  return { class: parseClass(cls, strings), newArgs: args ?? undefined };
}

/** `zc.zlibstorage` puts two bytes before compressed data (`zc/zlibstorage/__init__.py`). */
function isCompressed(data: Uint8Array): boolean {
  return data[0] === 0x2e && data[1] === 0x7a;
}
