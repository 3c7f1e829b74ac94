import { ProtocolError } from '../../model/errors.js';
import { mismatch } from '../../model/option-check.js';
import { type Dict, isDict, type Value } from '../encoding/values.js';
import { unexpectedReply } from './unexpected-reply.js';

/** What a server says of its storage (`ZEO/StorageServer.py: get_info`). */
export interface StorageInfo {
  /** The server's own name for the storage, for a FileStorage the path of its file. */
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

/** The part of it that has changed. */
export type StorageInfoChange = Partial<StorageInfo>;

/** The lists of interfaces that servers have named: all storages of one server share theirs. */
const knownInterfaces = new Map<string, readonly string[]>();
/** So that no server fills the memory with lists of its own. */
const mostKnown = 64;
/** In characters. A list of ZODB's own storages has some hundred. */
const longestKnown = 4096;

/** What a server's answer lacks, as ZEO's own client fills it in. */
const unknown: StorageInfo = {
  name: 'ZEO Client',
  length: 0,
  size: 0,
  supportsUndo: false,
  supportsRecordIternext: false,
  interfaces: [],
};

/** By the server's names. Of any other key nothing is kept: a server must not be able to fill the client with them. */
const readers: Readonly<Record<string, (value: Value) => StorageInfoChange>> = {
  name: (value) => ({ name: typeof value === 'string' ? value : unknown.name }),
  length: (value) => ({ length: readNumber('length', value) }),
  size: (value) => ({ size: readNumber('size', value) }),
  supportsUndo: (value) => ({ supportsUndo: isTrue(value) }),
  supports_record_iternext: (value) => ({ supportsRecordIternext: isTrue(value) }),
  interfaces: (value) => ({ interfaces: readInterfaces(value) }),
};

/**
 * The reply to a call that is answered with a `dict`.
 *
 * @throws ProtocolError when it is none
 */
export function checkDict(method: string, reply: Value): Dict {
  if (isDict(reply)) return reply;
  throw unexpectedReply(method, 'a dict', reply);
}

/**
 * The reply to `get_info`, complete.
 *
 * @throws ProtocolError when it is no `dict`, or something in it is of a wrong type
 */
export function readStorageInfo(reply: Value): StorageInfo {
  return { ...unknown, ...readStorageInfoChange('get_info', reply) };
}

/**
 * What a part of the reply to `get_info` says.
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
  throw new ProtocolError(mismatch(`Storage info has a malformed ${key}`, 'a number', value));
}

function isTrue(value: Value): boolean {
  return value === true || value === 1;
}

/** Each is the pair of its module and its name. */
function readInterfaces(value: Value): readonly string[] {
  if (value === null) return [];
  if (!Array.isArray(value)) throw noInterfaces();
  return shared(
    value.map((parts: Value) => {
      if (typeof parts === 'string') return parts;
      if (Array.isArray(parts) && parts.every((part) => typeof part === 'string')) return parts.join('.');
      throw noInterfaces();
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

function noInterfaces(): ProtocolError {
  return new ProtocolError('Storage info has malformed interfaces: expected pairs of names');
}
