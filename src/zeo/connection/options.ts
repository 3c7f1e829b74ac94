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
 * The options of `ClientStorage.open`. All durations are in seconds, and may be fractions. A value that was most likely meant
 * in milliseconds, such as a `waitTimeout` of 4000, causes a process warning (code `ZEO_KEEPALIVE_UNIT`).
 */
export interface ClientStorageOptions {
  /** The server, or several that serve the same data: the first usable one is taken. */
  address?: AddressLike | readonly AddressLike[] | undefined;
  /** An alternative to `address`; exactly one of the two is required. */
  addresses?: readonly AddressLike[] | undefined;
  /** The server's name for the storage. Default `'1'`. */
  storage?: string | undefined;
  /** The name that `getName()` returns. Default: the addresses and the storage, such as `127.0.0.1:8100/1`. */
  name?: string | undefined;
  /** Whether `open` resolves only once there is a connection. Default `true`. */
  wait?: boolean | undefined;
  /**
   * How long `open`, and calls made without a connection, wait for one. 0: not at all, which requires `wait: false`.
   * Default 30, as in ZEO.
   */
  waitTimeout?: number | undefined;
  /** The name of this client in the server's log. */
  clientLabel?: string | undefined;
  /** Connect read-only. Default `false`. */
  readOnly?: boolean | undefined;
  /** Accept a read-only server while no writable one is available, and switch to one when it is. Default `false`. */
  readOnlyFallback?: boolean | undefined;
  /** Size of the in-memory cache of records, in bytes; 0 disables it. Default 20 MiB, as in ZEO. */
  cacheSize?: number | undefined;
  /**
   * Resolves conflicts if the server leaves that to its clients (`client-conflict-resolution`). Default: the vote rejects
   * with a {@link ConflictError}.
   */
  resolveConflict?: ResolveConflict | undefined;
  /** Use TLS: `true`, or its options. Default `false`. */
  tls?: TlsOptions | boolean | undefined;
  /**
   * The largest message to send to a server or to accept from it, in bytes. Default 128 MiB. A call with a larger request
   * or reply rejects with `ERR_ZEO_FRAME_TOO_LARGE`, and the connection is kept; any other larger message ends it, because
   * it might be an invalidation.
   */
  maxFrameBytes?: number | undefined;
  /** How long one attempt to connect may take, from the first packet until the storage is ready. Default 10. */
  connectTimeout?: number | undefined;
  /** The method that a ping calls: `get_info`, as in the original, or ZEO's `ping`, which is cheaper. Default `get_info`. */
  pingMethod?: 'get_info' | 'ping' | undefined;
  /** After a loss the first attempt is made at once, the second after a random time of at most this. Default 0.5. */
  reconnectMinDelay?: number | undefined;
  /** The bound doubles with each attempt, up to this. Default 5, so that a failover does not take longer. */
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

/** The access requested from a server: `fallback` prefers `write` and accepts `read`. */
export type Access = 'read' | 'write' | 'fallback';

/** `ZEO/ClientStorage.py: cache_size`. */
const defaultCacheBytes = 20 * 1024 * 1024;
const code = 'ERR_ZEO_INVALID_ARGUMENT';

const seconds = numeric({ least: 0, most: longestSeconds, unit: 'seconds' });

const types: OptionTypes<ClientStorageOptions> = {
  // Checked in address.ts and tls.ts.
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
 * Checks the options of `ClientStorage.open` and fills in the defaults.
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
    throw invalid('addresses', 'either address or addresses, not both', addresses);
  }
  return parseAddresses(address ?? addresses);
}

function invalid(name: keyof ClientStorageOptions, expected: string, value: unknown): KeepAliveError {
  return invalidOption(code, `Option ${name}`, expected, value);
}
