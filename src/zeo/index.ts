/** A ZEO client: the export `zeo-keepalive/zeo`. */

export { LoadLock } from '../async/load-lock.js';
export {
  ClientDisconnected,
  type ErrorCode,
  KeepAliveError,
  type KeepAliveErrorOptions,
  ProtocolError,
} from '../model/errors.js';
export type { KeepAliveTarget, Lock } from '../model/target.js';
export type { Conflict, ResolveConflict } from '../zodb/conflict.js';
export { formatId, idFromBigInt, idToBigInt, maxTid, parseId, zeroId } from '../zodb/ids.js';
export {
  BTreesConflictError,
  ConflictError,
  POSKeyError,
  ReadConflictError,
  ReadOnlyError,
  ServerError,
  StorageTransactionError,
  UndoError,
} from '../zodb/pos-exception.js';
export {
  type Address,
  type AddressLike,
  formatAddress,
  parseAddress,
  type TcpAddress,
  type UnixAddress,
} from './connection/address.js';
export type { ClientStorageOptions } from './connection/options.js';
export type { StorageInfo } from './connection/storage-info.js';
export type { TlsOptions } from './connection/tls.js';
export { type MessageId, PythonException, type Value } from './encoding/values.js';
export type { ClientStorageEvents } from './reconnect/storage-events.js';
export { ClientStorage, type TransactionMetadata } from './storage/client-storage.js';
export type { HistoryEntry, TransactionDescription, UndoEntry } from './storage/history.js';
export type { CurrentRecord, StoredRecord, StoredTransaction } from './storage/iteration.js';
export { OutcomeUnknown, type UnknownOutcome } from './storage/outcome-unknown.js';
export type { PastRevision, Revision } from './storage/revision.js';
export { Transaction } from './storage/transaction.js';
export { parseZeoUri } from './storage/uri.js';
