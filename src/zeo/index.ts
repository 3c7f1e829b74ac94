/** A ZEO client: the export `zeo-keepalive/zeo`. */

export {
  ClientDisconnected,
  type ErrorCode,
  KeepAliveError,
  type KeepAliveErrorOptions,
  ProtocolError,
  ServerError,
} from '../errors.js';
export type { KeepAliveStorage, Lock } from '../storage.js';
export {
  BTreesConflictError,
  ConflictError,
  POSKeyError,
  ReadConflictError,
  ReadOnlyError,
  StorageTransactionError,
  UndoError,
} from '../zodb-errors.js';
export {
  type Address,
  type AddressLike,
  formatAddress,
  parseAddress,
  type TcpAddress,
  type UnixAddress,
} from './address.js';
export { ClientStorage, type TransactionMetadata } from './client-storage.js';
export type { HistoryEntry, TransactionDescription, UndoEntry } from './history.js';
export { formatId, idFromBigInt, idToBigInt, maxTid, parseId, zeroId } from './ids.js';
export type { CurrentRecord, StoredRecord, StoredTransaction } from './iteration.js';
export { LoadLock } from './load-lock.js';
export type { ClientStorageOptions } from './options.js';
export { OutcomeUnknown, type UnknownOutcome } from './outcome-unknown.js';
export { type MessageId, PythonException, type Value } from './protocol/values.js';
export type { PastRevision, Revision } from './revision.js';
export type { ClientStorageEvents } from './storage-events.js';
export type { StorageInfo } from './storage-info.js';
export type { TlsOptions } from './tls.js';
export { Transaction } from './transaction.js';
export { parseZeoUri } from './uri.js';
export type { Conflict, ResolveConflict } from './vote.js';
