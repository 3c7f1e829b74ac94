/*
 * `zeo://` URIs as zodburi reads them (`zodburi/resolvers.py: ClientStorageURIResolver`):
 *
 *     zeo://HOST:PORT?storage=1&wait_timeout=10      port 9991 when there is none
 *     zeo:///path/to/zeo.sock?read_only=true         a unix domain socket; the path is taken literally
 *
 * - `cache_size` is in bytes, or has a unit: KB, MB, GB.
 * - Numbers and booleans are one type: 1, on, true, t, yes; 0, off, false, f, no; or a number. Any case.
 * - A key with an empty value counts as absent; of a key that is there twice the last counts.
 * - Keys that have no meaning here (the disk cache, blobs, ZEO's long ignored polls and credentials, and ZODB's
 *   `database_name` and `connection_…`) are accepted and ignored, so that a URI from a zope.conf can be used as it is.
 * - Refused are unknown keys, `demostorage` (it would keep writes from the server), and what zodburi drops in
 *   silence: a user and password before the host, and a path after it, most likely a forgotten slash.
 */
import { normalize } from 'node:path';
import { KeepAliveError } from '../../model/errors.js';
import { receivedValue } from '../../model/received-value.js';
import { type Address, invalid, parseHostPort, parseSocketPath } from '../connection/address.js';
import type { ClientStorageOptions } from '../connection/options.js';

const defaultPort = 9991;

const trueWords = new Set(['1', 'on', 'true', 't', 'yes']);
const falseWords = new Set(['0', 'off', 'false', 'f', 'no']);

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

const readers: Record<string, (text: string, key: string) => Partial<ClientStorageOptions>> = {
  storage: (text) => ({ storage: text }),
  name: (text) => ({ name: text }),
  client_label: (text) => ({ clientLabel: text }),
  wait: (text, key) => ({ wait: readNumber(text, key) !== 0 }),
  // The name that `wait` had in ZEO 3.
  wait_for_server_on_startup: (text, key) => ({ wait: readNumber(text, key) !== 0 }),
  // `wait_timeout or 30` in ZEO/ClientStorage.py: zero is the default.
  wait_timeout: (text, key) => ({ waitTimeout: readNumber(text, key) || undefined }),
  cache_size: (text, key) => ({ cacheSize: readBytes(text, key) }),
  read_only: (text, key) => ({ readOnly: readNumber(text, key) !== 0 }),
  read_only_fallback: (text, key) => ({ readOnlyFallback: readNumber(text, key) !== 0 }),
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
  return options;
}

function readAddress(uri: string, authority: string, path: string): Address {
  if (authority.includes('@')) throw invalid(uri, 'ZEO knows no users and passwords');
  if (authority === '') {
    if (path === '') throw invalid(uri, 'it has neither a host nor a path');
    return parseSocketPath(normalize(path), uri);
  }
  if (path !== '' && path !== '/')
    throw invalid(uri, 'it has both a host and a path (a path is zeo:///PATH)');
  return parseHostPort(authority, uri, defaultPort);
}

/** The options that a text stands for: a URI, or else an address. */
export function readTarget(text: string): ClientStorageOptions {
  return text.includes('://') ? parseZeoUri(text) : { address: text };
}

function readKey(key: string, text: string): Partial<ClientStorageOptions> {
  const read = Object.hasOwn(readers, key) ? readers[key] : undefined;
  if (read !== undefined) return read(text, key);
  if (ignoredKeys.has(key)) return {};
  if (key === 'demostorage') throw invalidKey(key, 'is not supported');
  throw invalidKey(key, 'is unknown');
}

function readNumber(text: string, key: string): number {
  const word = text.toLowerCase();
  if (trueWords.has(word)) return 1;
  if (falseWords.has(word)) return 0;
  if (/^[+-]?\d+(?:\.\d+)?$/.test(word)) return Number(word);
  throw invalidKey(key, `must be a number or a boolean, received ${receivedValue(text)}`);
}

/** `10MB`, as zodburi has it: powers of 1024. */
function readBytes(text: string, key: string): number {
  const [, digits, unit = ''] = /^(\d+)(?:(kb|mb|gb)?)$/i.exec(text) ?? [];
  const bytes = Number(digits) * 1024 ** ['', 'kb', 'mb', 'gb'].indexOf(unit.toLowerCase());
  if (Number.isSafeInteger(bytes)) return bytes;
  throw invalidKey(key, `must be a number of bytes, or of KB, MB or GB, received ${receivedValue(text)}`);
}

function invalidKey(key: string, what: string): KeepAliveError {
  return new KeepAliveError('ERR_ZEO_INVALID_ARGUMENT', `The zeo:// URI's key ${receivedValue(key)} ${what}`);
}
