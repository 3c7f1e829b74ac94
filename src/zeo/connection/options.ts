import type { KeepAliveError } from '../../model/errors.js';
import {
  anything,
  callback,
  checkOptions,
  flag,
  invalidOption,
  longestSeconds,
  nonEmptyText,
  numeric,
  type OptionTypes,
  oneOf,
} from '../../model/option-check.js';
import type { ResolveConflict } from '../../zodb/conflict.js';
import { type Address, type AddressLike, parseAddresses } from './address.js';
import { resolveTls, type TlsOptions } from './tls.js';

/**
 * What `ClientStorage.open` is told. All times are in seconds, and may have decimals. Of one that was most likely meant in
 * milliseconds, as a `waitTimeout` of 4000, the process is warned (code `ZEO_KEEPALIVE_UNIT`).
 */
export interface ClientStorageOptions {
  /** The server, or several that serve the same data: the first that is usable is taken. */
  address?: AddressLike | readonly AddressLike[] | undefined;
  /** The same as `address`; one of the two is needed. */
  addresses?: readonly AddressLike[] | undefined;
  /** The server's name for the storage. Default `'1'`. */
  storage?: string | undefined;
  /** What `getName()` answers. Default: the addresses and the storage, as `127.0.0.1:8100/1`. */
  name?: string | undefined;
  /** Whether `open` resolves only once there is a connection. Default `true`. */
  wait?: boolean | undefined;
  /**
   * How long `open`, and calls while there is no connection, wait for one. 0, which needs `wait: false`: not at all.
   * Default 30, as ZEO's.
   */
  waitTimeout?: number | undefined;
  /** What the server's log calls this client. */
  clientLabel?: string | undefined;
  /** Never write. Default `false`. */
  readOnly?: boolean | undefined;
  /** Accept a read-only server while no writable one is to be had, and change over once there is. Default `false`. */
  readOnlyFallback?: boolean | undefined;
  /** How many bytes of records are kept in memory. 0: none. Default 20 MiB, as ZEO's. */
  cacheSize?: number | undefined;
  /**
   * Resolves a conflict, where the server leaves that to its clients (`client-conflict-resolution`). Default: a
   * {@link ConflictError}.
   */
  resolveConflict?: ResolveConflict | undefined;
  /** Speak TLS: `true`, or how. Default `false`. */
  tls?: TlsOptions | boolean | undefined;
  /**
   * The largest message accepted from a server, and sent to it, in bytes. Default 128 MiB. A call with a larger one, or
   * whose answer is larger, rejects with `ERR_ZEO_FRAME_TOO_LARGE`, and the connection goes on; anything else that is
   * larger ends it, as it might be an invalidation.
   */
  maxFrameBytes?: number | undefined;
  /** How long one server may take from the first packet until it is ready. Default 10. */
  connectTimeout?: number | undefined;
  /** What a ping calls: `get_info`, as the original, or ZEO's own `ping`, which is cheaper. Default `get_info`. */
  pingMethod?: 'get_info' | 'ping' | undefined;
  /** After a drop the first attempt is made at once, the second after a random time of at most this. Default 0.5. */
  reconnectMinDelay?: number | undefined;
  /** What that bound grows to. Default 5: who waits for a failover does not want to wait longer. */
  reconnectMaxDelay?: number | undefined;
}

/** The options, checked and complete. */
export interface ResolvedOptions {
  readonly addresses: readonly Address[];
  readonly storage: string;
  readonly name: string | undefined;
  readonly wait: boolean;
  readonly waitTimeoutMs: number;
  readonly clientLabel: string | undefined;
  readonly access: Access;
  readonly cacheBytes: number;
  readonly resolveConflict: ResolveConflict | undefined;
  readonly tls: TlsOptions | undefined;
  readonly maxFrameBytes: number | undefined;
  readonly connectTimeoutMs: number;
  readonly pingMethod: 'get_info' | 'ping';
  readonly reconnectMinDelayMs: number;
  readonly reconnectMaxDelayMs: number;
}

/** What is asked of a server: `fallback` prefers `write` and accepts `read`. */
export type Access = 'read' | 'write' | 'fallback';

/** `ZEO/ClientStorage.py: cache_size`. */
const defaultCacheBytes = 20 * 1024 * 1024;
const code = 'ERR_ZEO_INVALID_ARGUMENT';

const seconds = numeric({ least: 0, most: longestSeconds, unit: 'seconds' });

const types: OptionTypes<ClientStorageOptions> = {
  // Checked by what reads them, address.ts and tls.ts.
  address: anything,
  addresses: anything,
  tls: anything,
  storage: nonEmptyText,
  name: nonEmptyText,
  wait: flag,
  waitTimeout: seconds,
  clientLabel: nonEmptyText,
  readOnly: flag,
  readOnlyFallback: flag,
  cacheSize: numeric({ least: 0, unit: 'bytes', isWhole: true }),
  resolveConflict: callback,
  maxFrameBytes: numeric({ least: 1, most: 2 ** 32 - 1, unit: 'bytes', isWhole: true }),
  connectTimeout: numeric({ least: 0.001, most: longestSeconds, unit: 'seconds' }),
  pingMethod: oneOf('get_info', 'ping'),
  reconnectMinDelay: seconds,
  reconnectMaxDelay: seconds,
};

/**
 * Checks what `ClientStorage.open` was told and fills in the defaults.
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ADDRESS` or `ERR_ZEO_INVALID_ARGUMENT`, naming the option and the value
 */
export function resolveClientOptions(options: ClientStorageOptions): ResolvedOptions {
  if (typeof options !== 'object' || options === null)
    throw invalidOption(code, 'Options', 'an object or a zeo:// URI', options);
  checkOptions(code, options, types);
  const {
    readOnly = false,
    readOnlyFallback = false,
    wait = true,
    waitTimeout = 30,
    reconnectMaxDelay = 5,
    reconnectMinDelay = Math.min(0.5, reconnectMaxDelay),
  } = options;
  if (readOnly && readOnlyFallback) throw invalid('readOnlyFallback', 'false when readOnly is true', true);
  if (wait && waitTimeout === 0) {
    throw invalid('waitTimeout', 'more than 0 (to open without waiting for a server, set wait: false)', 0);
  }
  if (reconnectMaxDelay < reconnectMinDelay) {
    throw invalid(
      'reconnectMaxDelay',
      `at least reconnectMinDelay (${reconnectMinDelay})`,
      reconnectMaxDelay,
    );
  }
  return {
    addresses: readAddresses(options),
    storage: options.storage ?? '1',
    name: options.name,
    wait,
    waitTimeoutMs: waitTimeout * 1000,
    clientLabel: options.clientLabel,
    access: readOnly ? 'read' : readOnlyFallback ? 'fallback' : 'write',
    cacheBytes: options.cacheSize ?? defaultCacheBytes,
    resolveConflict: options.resolveConflict,
    tls: resolveTls(options.tls),
    maxFrameBytes: options.maxFrameBytes,
    connectTimeoutMs: (options.connectTimeout ?? 10) * 1000,
    pingMethod: options.pingMethod ?? 'get_info',
    reconnectMinDelayMs: reconnectMinDelay * 1000,
    reconnectMaxDelayMs: reconnectMaxDelay * 1000,
  };
}

function readAddresses({ address, addresses }: ClientStorageOptions): readonly Address[] {
  if (address !== undefined && addresses !== undefined) {
    throw invalid('addresses', 'none beside address', addresses);
  }
  return parseAddresses(address ?? addresses);
}

function invalid(name: keyof ClientStorageOptions, expected: string, value: unknown): KeepAliveError {
  return invalidOption(code, `Option ${name}`, expected, value);
}
