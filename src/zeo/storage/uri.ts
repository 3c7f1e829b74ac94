/*
 * `zeo://` URIs as zodburi reads them (`zodburi/resolvers.py: ClientStorageURIResolver`):
 *
 *     zeo://HOST:PORT?storage=1&wait_timeout=10      port 9991 when there is none
 *     zeo:///path/to/zeo.sock?read_only=true         a unix domain socket; the path is taken literally
 *
 * - `cache_size` is in bytes, or has a unit: KB, MB, GB.
 * - Numbers and booleans are one type: 1, on, true, t, yes; 0, off, false, f, no; or a number. Case does not matter.
 * - A key with an empty value counts as absent; the last of several equal keys wins.
 * - Keys that have no meaning here (the disk cache, blobs, polls and credentials, which ZEO has long ignored, and ZODB's
 *   `database_name` and `connection_…`) are accepted and ignored, so that a URI from a zope.conf can be used unchanged.
 * - Rejected are unknown keys, `demostorage` (which would keep writes from the server), and what zodburi silently drops:
 *   a user and password before the host, and a path after it, where a slash was most likely forgotten.
 */
import { normalize } from 'node:path';
import { anything, type Datatype, invalidOption, oneOf, readOption } from '../../model/option-check.js';
import { byteSizeInWords, readBoolean, readByteSize, uriBooleans } from '../../model/words.js';
import { type Address, invalid, parseHostPort, parseSocketPath } from '../connection/address.js';
import type { ClientStorageOptions } from '../connection/options.js';

const code = 'ERR_ZEO_INVALID_ARGUMENT';
const defaultPort = 9991;

const ignoredKeys = new Set([
  ...['client', 'var', 'drop_cache_rather_verify', 'debug'],
  ...['blob_dir', 'shared_blob_dir', 'blob_cache_size', 'blob_cache_size_check'],
  ...['min_disconnect_poll', 'max_disconnect_poll', 'username', 'password', 'realm'],
  ...['database_name', 'connection_pool_size', 'connection_pool_timeout', 'connection_cache_size'],
  ...['connection_cache_size_bytes', 'connection_historical_pool_size', 'connection_historical_cache_size'],
  ...[
    'connection_historical_cache_size_bytes',
    'connection_historical_timeout',
    'connection_large_record_size',
  ],
]);

/** For zodburi, numbers and booleans are one type. */
const number: Datatype<number, string> = {
  expected: 'a number or a boolean',
  read: (word) => {
    const isTrue = readBoolean(uriBooleans, word);
    if (isTrue !== undefined) return Number(isTrue);
    return /^[+-]?\d+(?:\.\d+)?$/.test(word) ? Number(word) : undefined;
  },
};

const boolean: Datatype<boolean, string> = {
  expected: number.expected,
  read: (word) => {
    const value = number.read(word);
    return value === undefined ? undefined : value !== 0;
  },
};

const bytes: Datatype<number, string> = {
  expected: byteSizeInWords,
  read: (text) => {
    const size = readByteSize(text, (digits) => (/^\d+$/.test(digits) ? Number(digits) : undefined));
    return Number.isSafeInteger(size) ? size : undefined;
  },
};

const keys: Readonly<Record<string, readonly [keyof ClientStorageOptions, Datatype<unknown, string>]>> = {
  storage: ['storage', anything],
  name: ['name', anything],
  client_label: ['clientLabel', anything],
  wait: ['wait', boolean],
  // The name of `wait` in ZEO 3.
  wait_for_server_on_startup: ['wait', boolean],
  wait_timeout: ['waitTimeout', number],
  cache_size: ['cacheSize', bytes],
  read_only: ['readOnly', boolean],
  read_only_fallback: ['readOnlyFallback', boolean],
};

/**
 * The options that a `zeo://` URI stands for.
 *
 * @example
 * parseZeoUri('zeo://localhost:8100?storage=main&wait_timeout=5');
 * // { address: { host: 'localhost', port: 8100 }, storage: 'main', waitTimeout: 5 }
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ADDRESS`, or `ERR_ZEO_INVALID_ARGUMENT` for a key or its value
 */
export function parseZeoUri(uri: string): ClientStorageOptions {
  const parts = /^zeo:\/\/(?<authority>[^/?#]*)(?<path>[^?#]*)(?:\?(?<query>[^#]*))?(?:#.*)?$/.exec(
    uri,
  )?.groups;
  if (parts === undefined) throw invalid(uri, 'it is not zeo://HOST:PORT or zeo:///PATH');
  const { authority = '', path = '', query = '' } = parts;
  const options: ClientStorageOptions = { address: readAddress(uri, authority, path) };
  for (const [key, text] of new URLSearchParams(query)) {
    if (text !== '') Object.assign(options, readKey(key, text));
  }
  // `wait_timeout or 30` in ZEO/ClientStorage.py: zero stands for the default.
  if (options.waitTimeout === 0) delete options.waitTimeout;
  return options;
}

function readAddress(uri: string, authority: string, path: string): Address {
  if (authority.includes('@')) throw invalid(uri, 'a ZEO address has no user or password');
  if (authority === '') {
    if (path === '') throw invalid(uri, 'it has neither a host nor a path');
    return parseSocketPath(normalize(path), uri);
  }
  if (path !== '' && path !== '/')
    throw invalid(uri, 'it has both a host and a path (a path is zeo:///PATH)');
  return parseHostPort(authority, uri, defaultPort);
}

/** The options for a string that is a URI or an address. */
export function readTarget(text: string): ClientStorageOptions {
  return text.includes('://') ? parseZeoUri(text) : { address: text };
}

function readKey(key: string, text: string): Partial<ClientStorageOptions> {
  const [option, type] = (Object.hasOwn(keys, key) ? keys[key] : undefined) ?? [];
  if (option !== undefined && type !== undefined)
    return { [option]: readOption(code, `Key ${key} of a zeo:// URI`, type, text) };
  if (ignoredKeys.has(key)) return {};
  throw invalidOption(code, 'Unknown key of a zeo:// URI', oneOf(...Object.keys(keys)).expected, key);
}
