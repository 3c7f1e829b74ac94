import { isNativeError } from 'node:util/types';

/**
 * Every error that this package throws or rejects with, by its stable `code`.
 *
 * `ERR_KEEPALIVE_*` come from the agent and its settings, `ERR_ZEO_*` from the ZEO client and the protocol,
 * `ERR_ZCONFIG_*` from reading a `zope.conf`.
 */
export type ErrorCode =
  /** `startThread` or `KeepAlive#start` was called while the agent is running. */
  | 'ERR_KEEPALIVE_ALREADY_STARTED'
  /** A setting that is not a number, negative, out of range, or not one of the accepted words. */
  | 'ERR_KEEPALIVE_INVALID_SETTING'
  /** The package is part of a bundle that lacks the files its thread is started from. */
  | 'ERR_KEEPALIVE_BUNDLED'
  /** An argument of the wrong type. */
  | 'ERR_KEEPALIVE_INVALID_ARGUMENT'
  /** A database name that the registry already holds. */
  | 'ERR_KEEPALIVE_NAME_TAKEN'
  /** The peer was silent after a ping for the timeout, or acknowledged nothing for that long. */
  | 'ERR_KEEPALIVE_TIMEOUT'
  /** A ping was abandoned: its target was removed, the agent stopped, or the worker thread is gone. */
  | 'ERR_KEEPALIVE_ABANDONED'
  /** The worker thread ended by itself, hung, or could not be started; `cause` says why. */
  | 'ERR_KEEPALIVE_WORKER_LOST'
  /** An address or URI that cannot be understood. */
  | 'ERR_ZEO_INVALID_ADDRESS'
  /** A `ClientStorage` option or an argument of the wrong type, shape or length. */
  | 'ERR_ZEO_INVALID_ARGUMENT'
  /** The host could not be reached or refused the connection; `cause` is the system's error. */
  | 'ERR_ZEO_CONNECT'
  /** The TLS handshake failed: a certificate was not accepted, or one side does not use TLS. */
  | 'ERR_ZEO_TLS'
  /** The server's last transaction is older than one that this client has seen: it serves different or older data. */
  | 'ERR_ZEO_SERVER_BEHIND'
  /** The peer does not speak ZEO. */
  | 'ERR_ZEO_NOT_ZEO'
  /** The peer speaks a version of ZEO that this client does not. */
  | 'ERR_ZEO_PROTOCOL_VERSION'
  /** A message that exceeds the limit: a call, its reply, or the length that a peer announces. */
  | 'ERR_ZEO_FRAME_TOO_LARGE'
  /** Bytes that the protocol does not allow at this point. */
  | 'ERR_ZEO_PROTOCOL'
  /** The server has no storage with that id. */
  | 'ERR_ZEO_UNKNOWN_STORAGE'
  /** The server, or the connection, is read-only. */
  | 'ERR_ZEO_READ_ONLY'
  /** The object, or its revision, does not exist. */
  | 'ERR_ZEO_POS_KEY'
  /** A record that cannot be decoded, or that exceeds a limit. */
  | 'ERR_ZEO_RECORD'
  /** Another transaction has changed an object that this one changes or relies on. */
  | 'ERR_ZEO_CONFLICT'
  /** The call is not allowed in the transaction's present state, or the transaction has ended. */
  | 'ERR_ZEO_TRANSACTION'
  /** A transaction that cannot be undone. */
  | 'ERR_ZEO_UNDO'
  /** The reply to finishing a transaction was lost, is an exception, or is inconclusive: it may have been committed. */
  | 'ERR_ZEO_OUTCOME_UNKNOWN'
  /** Whether such a transaction was committed can no longer be determined: it may have been packed away. */
  | 'ERR_ZEO_OUTCOME_LOST'
  /** The server replied with an exception that has no code of its own. */
  | 'ERR_ZEO_SERVER'
  /** There is no connection, or it was lost before the reply. */
  | 'ERR_ZEO_DISCONNECTED'
  /** No connection within `waitTimeout`. */
  | 'ERR_ZEO_WAIT_TIMEOUT'
  /** The storage was closed by this process. */
  | 'ERR_ZEO_CLOSED'
  /** A configuration file that cannot be opened, is not a regular file, or is not UTF-8; `cause` is the system's error. */
  | 'ERR_ZCONFIG_READ'
  /** A line, a section or a directive that is not valid ZConfig syntax. */
  | 'ERR_ZCONFIG_SYNTAX'
  /** A `$name` that is not defined above its use, or a required environment variable that is not set. */
  | 'ERR_ZCONFIG_UNDEFINED'
  /** An `%include` of something other than a file, or of a file that includes itself, directly or not. */
  | 'ERR_ZCONFIG_INCLUDE'
  /** A configuration that exceeds a limit of size, length or depth. */
  | 'ERR_ZCONFIG_LIMIT'
  /** A section of a ZEO client with keys or values that ZODB would not accept, or without a usable address. */
  | 'ERR_ZCONFIG_INVALID';

export interface KeepAliveErrorOptions {
  cause?: unknown;
  /** Whether the same call may succeed later without anything being changed. Default `false`. */
  retryable?: boolean;
}

const brand = Symbol.for('zeo-keepalive.error');

/**
 * The base of all errors of this package. Branch on `code` and `retryable`, never on the message. Errors of another copy of
 * this package in the same process are also `instanceof KeepAliveError`, because the copies share a registry.
 */
export class KeepAliveError extends Error {
  static {
    Object.defineProperty(KeepAliveError.prototype, brand, { value: true });
    Object.defineProperty(KeepAliveError, Symbol.hasInstance, { value: hasInstance });
  }

  readonly code: ErrorCode;
  /** Whether the same call may succeed later without anything being changed. */
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: KeepAliveErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
  }

  /** Keeps the message when a status is written as JSON, where an error would be `{}`. */
  toJSON(): { name: string; code: ErrorCode; message: string; retryable: boolean } {
    const { name, code, message, retryable } = this;
    return { name, code, message, retryable };
  }
}

/** Implements `instanceof`; subclasses inherit it. */
function hasInstance(this: typeof KeepAliveError, value: unknown): boolean {
  // A subclass has more members, which only an instance of this copy's own class is sure to have.
  if (this !== KeepAliveError) return Function.prototype[Symbol.hasInstance].call(this, value);
  return typeof value === 'object' && value !== null && brand in value;
}

/** There is no connection, or it was lost during the call: nothing is known to be wrong with the call itself. */
export class ClientDisconnected extends KeepAliveError {
  constructor(message: string, options: { code?: ErrorCode; cause?: unknown } = {}) {
    super(options.code ?? 'ERR_ZEO_DISCONNECTED', message, { ...options, retryable: true });
  }
}

/**
 * The peer violated the protocol. If the rest of the stream, or the data, can no longer be trusted, its connection is
 * destroyed; otherwise, as with a malformed reply to a load, only the call rejects.
 */
export class ProtocolError extends KeepAliveError {
  constructor(message: string, options: { code?: ErrorCode; cause?: unknown } = {}) {
    super(options.code ?? 'ERR_ZEO_PROTOCOL', message, options);
  }
}

/** Also true for errors of another realm, as Node's own are when a test runner loads this package into a `vm` context. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || isNativeError(value);
}
