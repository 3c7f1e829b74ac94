import { withDeadline } from '../../async/deadline.js';
import { ClientDisconnected, KeepAliveError } from '../../model/errors.js';
import { compareIds, copyId, formatId, isLater, isTid } from '../../zodb/ids.js';
import { ServerError } from '../../zodb/pos-exception.js';
import { type Address, formatAddress } from '../connection/address.js';
import { Connection } from '../connection/connection.js';
import { readOids } from '../connection/notification.js';
import type { Access } from '../connection/options.js';
import { lateness } from '../connection/socket.js';
import { readStorageInfo, type StorageInfo } from '../connection/storage-info.js';
import type { TlsOptions } from '../connection/tls.js';
import { unexpectedReply } from '../connection/unexpected-reply.js';
import type { Value } from '../encoding/values.js';

export interface EstablishRequest {
  readonly storage: string;
  readonly access: Access;
  readonly clientLabel: string | undefined;
  readonly maxFrameBytes: number | undefined;
  readonly tls: TlsOptions | undefined;
  /** For everything from the first packet until the connection is usable. */
  readonly connectTimeoutMs: number;
  /** The last transaction that the client knows of; `undefined` before its first connection. */
  readonly lastTid: Uint8Array | undefined;
  /** Whether the server at this address has been behind the client: what it has committed since need not be all that changed. */
  readonly wasBehind: boolean;
}

/** A usable connection. Notifications that have arrived since the registration are queued in it. */
export interface Established {
  readonly connection: Connection;
  readonly protocol: string;
  readonly readOnly: boolean;
  /** The server's last transaction at the time of the registration. */
  readonly serverTid: Uint8Array;
  /** What was committed since `lastTid`; `undefined` if nothing was, or the client has no `lastTid`. */
  readonly missed: Missed | undefined;
  readonly info: StorageInfo;
}

/** Changes that this client has not seen. */
export interface Missed {
  /** The last transaction among them. */
  readonly tid: Uint8Array;
  /** The changed objects; `null` if they are unknown: any object may have changed. */
  readonly oids: readonly Uint8Array[] | null;
}

/**
 * Connects to one server and makes the connection usable: greeting, registration, verification, storage info
 * (`ZEO/asyncio/client.py: verify_connection, verify`).
 *
 * @throws KeepAliveError if it fails ({@link isHopeless}: whether a retry will most likely fail, too); `signal.reason`.
 *   Nothing is left open then.
 */
export async function establish(
  address: Address,
  request: EstablishRequest,
  signal: AbortSignal,
): Promise<Established> {
  const { maxFrameBytes, tls, connectTimeoutMs } = request;
  let phase = '';
  const onPhase = (begun: string) => {
    phase = begun;
  };
  const whyLate = () => late(address, phase, request);
  return withDeadline(connectTimeoutMs, whyLate, [signal], async (signal) => {
    const connection = await Connection.open(address, { maxFrameBytes, tls, onPhase }, signal);
    signal.addEventListener('abort', () => connection.destroy(signal.reason));
    try {
      return await makeUsable(connection, request, onPhase);
    } catch (error) {
      connection.destroy(error as Error);
      throw unusable(connection, phase);
    }
  });
}

async function makeUsable(
  connection: Connection,
  request: EstablishRequest,
  onPhase: (begun: string) => void,
): Promise<Established> {
  const protocol = await connection.greeted;
  onPhase('the registration');
  const { serverTid, readOnly } = await register(connection, request);
  onPhase('the verification');
  const missed = await findMissed(connection, request, serverTid);
  onPhase('get_info');
  const info = readStorageInfo(await connection.call('get_info', []));
  if (request.clientLabel !== undefined) connection.tell('set_client_label', [request.clientLabel]);
  return { connection, protocol, readOnly, serverTid, missed, info };
}

const hopelessCodes = new Set<unknown>([
  'ERR_ZEO_UNKNOWN_STORAGE',
  'ERR_ZEO_READ_ONLY',
  'ERR_ZEO_TLS',
  'ERR_ZEO_NOT_ZEO',
  'ERR_ZEO_PROTOCOL_VERSION',
  'ERR_ZEO_FRAME_TOO_LARGE',
  'ERR_ZEO_PROTOCOL',
]);

/** Whether a retry will most likely fail in the same way, until the configuration of client or server is changed. */
export function isHopeless(error: unknown): boolean {
  return error instanceof KeepAliveError && hopelessCodes.has(error.code);
}

async function register(
  connection: Connection,
  { storage, access }: EstablishRequest,
): Promise<{ serverTid: Uint8Array; readOnly: boolean }> {
  let readOnly = access === 'read';
  let tid: Value;
  try {
    tid = await connection.call('register', [storage, readOnly]);
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    if (error.code !== 'ERR_ZEO_READ_ONLY' || access === 'write') throw refused(connection, storage, error);
    // A failed registration leaves no trace on the server: the same connection can register again.
    readOnly = true;
    tid = await connection.call('register', [storage, true]);
  }
  tid ??= await connection.call('lastTransaction', []);
  if (!isTid(tid)) throw unexpectedReply('register', 'a transaction id', tid);
  return { serverTid: copyId(tid), readOnly };
}

/** The changes that this client has missed; the server may be a different one than before. */
async function findMissed(
  connection: Connection,
  { lastTid, wasBehind }: EstablishRequest,
  serverTid: Uint8Array,
): Promise<Missed | undefined> {
  if (lastTid === undefined) return undefined;
  const order = compareIds(serverTid, lastTid);
  if (order === 0) return undefined;
  if (order < 0) throw serverBehind(connection.address, serverTid, lastTid);
  // Restored from a backup, it would list only what was committed since then, and not what was rolled back.
  if (wasBehind) return { tid: serverTid, oids: null };
  const reply = await connection.call('getInvalidations', [lastTid]).catch(nullIfTooLarge);
  // The server does not know, or the list is over the size limit.
  if (reply === null) return { tid: serverTid, oids: null };
  const [tid, oids] = Array.isArray(reply) ? reply : [];
  if (!isTid(tid)) throw unexpectedReply('getInvalidations', 'a transaction id and object ids', reply);
  const missed = { tid: copyId(tid), oids: readOids(oids) };
  // The reply ends before the transaction that the server reported as its last. A retry would get the same reply, so the
  // whole cache is distrusted, as if the server did not know.
  return isLater(serverTid, missed.tid) ? { tid: serverTid, oids: null } : missed;
}

/** Too many objects for one message: a retry would get the same list. */
function nullIfTooLarge(error: unknown): null {
  if (error instanceof KeepAliveError && error.code === 'ERR_ZEO_FRAME_TOO_LARGE') return null;
  throw error;
}

function refused(connection: Connection, storage: string, cause: ServerError): Error {
  if (cause.code === 'ERR_ZEO_READ_ONLY') {
    return new KeepAliveError(
      'ERR_ZEO_READ_ONLY',
      `The server at ${connection.address} is read-only; set readOnly or readOnlyFallback to accept that`,
      { cause },
    );
  }
  // ZEO has no class for it: StorageServer.py: register raises ValueError('unknown storage: …').
  const [text] = Array.isArray(cause.args) ? cause.args : [];
  if (cause.className === 'builtins.ValueError' && String(text).startsWith('unknown storage')) {
    return new KeepAliveError(
      'ERR_ZEO_UNKNOWN_STORAGE',
      `The server at ${connection.address} has no storage ${JSON.stringify(storage)}`,
      { cause },
    );
  }
  return cause;
}

/** The error for a server that lacks transactions which this client has already seen. */
export function serverBehind(
  address: string,
  serverTid: Uint8Array,
  lastTid: Uint8Array,
): ClientDisconnected {
  return new ClientDisconnected(
    `The server at ${address} is behind this client: expected transaction ${formatId(lastTid)} or later, ` +
      `its last is ${formatId(serverTid)}; if it was restored from a backup, restart its clients`,
    { code: 'ERR_ZEO_SERVER_BEHIND' },
  );
}

function late(address: Address, phase: string, request: EstablishRequest): Error {
  const why = lateness(phase, request.connectTimeoutMs, request);
  return new ClientDisconnected(`Cannot connect to ${formatAddress(address)}: ${why}`, {
    code: 'ERR_ZEO_CONNECT',
  });
}

/** Why it failed, from the connection: the error of the pending call says less. */
function unusable(connection: Connection, phase: string): Error {
  const error = connection.failure as Error;
  if (!(error instanceof ClientDisconnected) || error.code !== 'ERR_ZEO_DISCONNECTED') return error;
  return new ClientDisconnected(`Cannot connect to ${connection.address}: it was lost during ${phase}`, {
    code: 'ERR_ZEO_CONNECT',
    cause: error,
  });
}
