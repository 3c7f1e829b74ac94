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
  type Address,
  type AddressLike,
  formatAddress,
  parseAddress,
  type TcpAddress,
  type UnixAddress,
} from './address.js';
export { ClientStorage, type PastRevision, type Revision } from './client-storage.js';
export { LoadLock } from './load-lock.js';
export type { ClientStorageOptions } from './options.js';
export { type MessageId, PythonException, type Value } from './protocol/values.js';
export type { ClientStorageEvents } from './storage-events.js';
export type { StorageInfo } from './storage-info.js';
export { parseZeoUri } from './uri.js';
