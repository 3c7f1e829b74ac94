import { ProtocolError } from '../../model/errors.js';
import { mismatch } from '../../model/option-check.js';
import { type Dict, isDict, type Value } from '../encoding/values.js';
import { unexpectedReply } from './unexpected-reply.js';

/** What a server reports about its storage (`ZEO/StorageServer.py: get_info`). */
export interface StorageInfo {
  /** The server's own name for the storage; for a FileStorage the path of its file. */
  readonly name: string;
  /** Number of objects, as far as the storage knows it. */
  readonly length: number;
  /** Size in bytes, as far as the storage knows it. */
  readonly size: number;
  readonly supportsUndo: boolean;
  readonly supportsRecordIternext: boolean;
  /** Dotted names of the Python interfaces that the storage provides. */
  readonly interfaces: readonly string[];
}

/** The changed part of a {@link StorageInfo}. */
export type StorageInfoChange = Partial<StorageInfo>;

/** The lists of interfaces received so far, so that all storages of a server share one. */
const knownInterfaces = new Map<string, readonly string[]>();
/** Bounds the memory that a server can fill with different lists. */
const mostKnown = 64;
/** In characters. The list of a ZODB storage has a few hundred. */
const longestKnown = 4096;

/** Defaults for missing keys, as in ZEO's own client. */
const unknown: StorageInfo = {
  name: 'ZEO Client',
  length: 0,
  size: 0,
  supportsUndo: false,
  supportsRecordIternext: false,
  interfaces: [],
};

/** By key of the server's dict. Other keys are dropped: a server must not be able to fill the client's memory. */
const readers: Readonly<Record<string, (value: Value) => StorageInfoChange>> = {
  name: (value) => ({ name: typeof value === 'string' ? value : unknown.name }),
  length: (value) => ({ length: readNumber('length', value) }),
  size: (value) => ({ size: readNumber('size', value) }),
  supportsUndo: (value) => ({ supportsUndo: isTrue(value) }),
  supports_record_iternext: (value) => ({ supportsRecordIternext: isTrue(value) }),
  interfaces: (value) => ({ interfaces: readInterfaces(value) }),
};

/**
 * Checks the reply to a call that returns a dict.
 *
 * @throws ProtocolError if it is not one
 */
export function checkDict(method: string, reply: Value): Dict {
  if (isDict(reply)) return reply;
  throw unexpectedReply(method, 'a dict', reply);
}

/**
 * Reads the reply to `get_info`, and fills in defaults.
 *
 * @throws ProtocolError if it is not a dict, or a value has the wrong type
 */
export function readStorageInfo(reply: Value): StorageInfo {
  return { ...unknown, ...readStorageInfoChange('get_info', reply) };
}

/**
 * Reads a dict with some of the keys of the reply to `get_info`.
 *
 * @throws ProtocolError as {@link readStorageInfo} does
 */
export function readStorageInfoChange(method: string, part: Value): StorageInfoChange {
  const dict = checkDict(method, part);
  return Object.assign(
    {},
    ...Object.entries(readers).map(([key, read]) => key in dict && read(dict[key] as Value)),
  );
}

function readNumber(key: string, value: Value): number {
  if (value === null) return 0;
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  throw new ProtocolError(mismatch(`Malformed ${key} in storage info`, 'a number', value));
}

function isTrue(value: Value): boolean {
  return value === true || value === 1;
}

/** Each interface is a pair of module and name, or a string. */
function readInterfaces(value: Value): readonly string[] {
  if (value === null) return [];
  if (!Array.isArray(value)) throw malformedInterfaces(value);
  return shared(
    value.map((parts: Value) => {
      if (typeof parts === 'string') return parts;
      if (Array.isArray(parts) && parts.every((part) => typeof part === 'string')) return parts.join('.');
      throw malformedInterfaces(parts);
    }),
  );
}

function shared(interfaces: readonly string[]): readonly string[] {
  const key = interfaces.join('\0');
  if (key.length > longestKnown) return interfaces;
  const known = knownInterfaces.get(key);
  if (known !== undefined) return known;
  if (knownInterfaces.size < mostKnown) knownInterfaces.set(key, Object.freeze(interfaces));
  return interfaces;
}

function malformedInterfaces(value: Value): ProtocolError {
  return new ProtocolError(mismatch('Malformed interfaces in storage info', 'pairs of names', value));
}
