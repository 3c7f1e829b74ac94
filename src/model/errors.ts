import { isNativeError } from 'node:util/types';

/**
 * Every error that this package throws or rejects with, by its stable `code`.
 *
 * `ERR_KEEPALIVE_*` come from the agent and its settings, `ERR_ZEO_*` from the ZEO client and the protocol,
 * `ERR_ZCONFIG_*` from reading a `zope.conf`.
 */
export type ErrorCode =
  /** `startThread` or `KeepAlive#start` while it runs. */
  | 'ERR_KEEPALIVE_ALREADY_STARTED'
  /** A setting that is no number, negative, out of range, or not one of the accepted words. */
  | 'ERR_KEEPALIVE_INVALID_SETTING'
  /** An argument of the wrong type. */
  | 'ERR_KEEPALIVE_INVALID_ARGUMENT'
  /** A database name that the registry already holds. */
  | 'ERR_KEEPALIVE_NAME_TAKEN'
  /** A ping that was not answered within the timeout. */
  | 'ERR_KEEPALIVE_TIMEOUT'
  /** A ping that was given up: its storage was removed, or the agent stopped, or its worker thread is gone. */
  | 'ERR_KEEPALIVE_ABANDONED'
  /** The worker thread ended by itself, hung, or could not be started; `cause` says why. */
  | 'ERR_KEEPALIVE_WORKER_LOST'
  /** An address or URI that cannot be understood. */
  | 'ERR_ZEO_INVALID_ADDRESS'
  /** A `ClientStorage` option or an argument of the wrong type, shape or length. */
  | 'ERR_ZEO_INVALID_ARGUMENT'
  /** The host could not be reached or refused the connection; `cause` is the system's error. */
  | 'ERR_ZEO_CONNECT'
  /** Server and client cannot agree on TLS: a certificate is not accepted, or one of the two speaks none. */
  | 'ERR_ZEO_TLS'
  /** The server's last transaction is older than what this client has already seen: it serves other or older data. */
  | 'ERR_ZEO_SERVER_BEHIND'
  /** The peer does not speak ZEO at all. */
  | 'ERR_ZEO_NOT_ZEO'
  /** The peer speaks a version of ZEO that this client does not. */
  | 'ERR_ZEO_PROTOCOL_VERSION'
  /** A message over the limit: a call, its answer, or what a peer announces. */
  | 'ERR_ZEO_FRAME_TOO_LARGE'
  /** Bytes that are not what the protocol allows at this point. */
  | 'ERR_ZEO_PROTOCOL'
  /** The server has no storage of that id. */
  | 'ERR_ZEO_UNKNOWN_STORAGE'
  /** The server, or the connection, is read-only. */
  | 'ERR_ZEO_READ_ONLY'
  /** The object, or its revision, does not exist. */
  | 'ERR_ZEO_POS_KEY'
  /** A record that cannot be decoded, or that is over a limit. */
  | 'ERR_ZEO_RECORD'
  /** Somebody else has changed what the transaction changes or relies on. */
  | 'ERR_ZEO_CONFLICT'
  /** A transaction is not ready for what was called, or has ended. */
  | 'ERR_ZEO_TRANSACTION'
  /** A transaction that cannot be undone. */
  | 'ERR_ZEO_UNDO'
  /** A transaction was being finished, and its answer was lost, is an exception, or says nothing: it may be committed. */
  | 'ERR_ZEO_OUTCOME_UNKNOWN'
  /** Whether such a transaction was committed can no longer be known: it may have been packed away. */
  | 'ERR_ZEO_OUTCOME_LOST'
  /** Another exception that the server answered a call with. */
  | 'ERR_ZEO_SERVER'
  /** There is no connection, or it was lost before the answer. */
  | 'ERR_ZEO_DISCONNECTED'
  /** No connection within `waitTimeout`. */
  | 'ERR_ZEO_WAIT_TIMEOUT'
  /** The storage was closed by this process. */
  | 'ERR_ZEO_CLOSED'
  /** A configuration file that cannot be opened, is no regular file, or is not UTF-8; `cause` is the system's error. */
  | 'ERR_ZCONFIG_READ'
  /** A line, a section or a directive that is not ZConfig's syntax. */
  | 'ERR_ZCONFIG_SYNTAX'
  /** A `$name` that nothing above it defines, or an environment variable that is needed and not set. */
  | 'ERR_ZCONFIG_UNDEFINED'
  /** An `%include` of something else than a file, or of a file that is just being read. */
  | 'ERR_ZCONFIG_INCLUDE'
  /** A configuration that is larger, longer or deeper than is read. */
  | 'ERR_ZCONFIG_LIMIT'
  /** A section of a ZEO client whose keys or values ZODB would not accept, or that cannot be connected to. */
  | 'ERR_ZCONFIG_INVALID';

export interface KeepAliveErrorOptions {
  cause?: unknown;
  /** Whether the same call may succeed later without anything being changed. Default `false`. */
  retryable?: boolean;
}

const brand = Symbol.for('zeo-keepalive.error');

/**
 * The base of all errors of this package. Branch on `code` and `retryable`, never on the message. Those of another copy of
 * this package in the same process are `instanceof KeepAliveError`, too: the copies share a registry.
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

  /** So that a status written as JSON keeps what a person wants to read. */
  toJSON(): { name: string; code: ErrorCode; message: string; retryable: boolean } {
    const { name, code, message, retryable } = this;
    return { name, code, message, retryable };
  }
}

/** What `instanceof` asks; subclasses inherit it. */
function hasInstance(this: typeof KeepAliveError, value: unknown): boolean {
  // Of a subclass more is expected, which only this copy's own is known to have.
  if (this !== KeepAliveError) return Function.prototype[Symbol.hasInstance].call(this, value);
  return typeof value === 'object' && value !== null && brand in value;
}

/** The connection is gone, or was never there: nothing is known to be wrong with the call itself. */
export class ClientDisconnected extends KeepAliveError {
  constructor(message: string, options: { code?: ErrorCode; cause?: unknown } = {}) {
    super(options.code ?? 'ERR_ZEO_DISCONNECTED', message, { ...options, retryable: true });
  }
}

/**
 * The peer broke the protocol. Where that leaves in doubt what comes next, or what the data are, its connection is
 * destroyed; else, as with an answer to a load that is none, only the call rejects.
 */
export class ProtocolError extends KeepAliveError {
  constructor(message: string, options: { code?: ErrorCode; cause?: unknown } = {}) {
    super(options.code ?? 'ERR_ZEO_PROTOCOL', message, options);
  }
}

/** Also for an error of another realm, as Node's own are in a test runner that loads this package into a `vm` context. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || isNativeError(value);
}
