import { EventEmitter } from 'node:events';
import { callListeners } from '../../async/contain.js';

/** The events of a `ClientStorage`, by name. Each listener gets one object. */
export interface ClientStorageEvents {
  /** The storage is ready: all missed changes have already been emitted as `invalidated`. */
  connected: [
    detail: {
      readonly address: string;
      readonly generation: number;
      /** The last transaction that the client knows of. */
      readonly lastTid: Uint8Array;
      readonly readOnly: boolean;
      /** `Z5` or `M5`. */
      readonly protocol: string;
    },
  ];
  /** The connection of that generation is gone. When `close()` ended it, `error.code` is `ERR_ZEO_CLOSED`. */
  disconnected: [detail: { readonly generation: number; readonly error: Error }];
  /**
   * The next attempt to connect to `address` starts after `delayMs`; `error` is why it is needed. If a hundred or more
   * storages of this process share the address, an attempt that had to wait may wait somewhat longer, so that they do not
   * all reach the server at the same moment.
   */
  reconnecting: [
    detail: {
      readonly address: string;
      /** 1 for the first attempt after a drop. */
      readonly attempt: number;
      readonly delayMs: number;
      readonly error: Error;
    },
  ];
  /**
   * Objects were changed, by another client or while there was no connection; this client's own commits are emitted as
   * `committed`. `oids` is `null` if the server does not know which: any object may have changed. The ids are views of
   * received data: copy what is kept for long.
   */
  invalidated: [detail: { readonly tid: Uint8Array; readonly oids: readonly Uint8Array[] | null }];
  /**
   * A transaction of this storage was committed that changed these objects. Emitted before `lastTransaction()` returns
   * the transaction.
   */
  committed: [detail: { readonly tid: Uint8Array; readonly oids: readonly Uint8Array[] }];
  /** The storage was closed for good. The last event. */
  closed: [];
}

type EventName = keyof ClientStorageEvents;

/** Emits an event to all listeners. */
export type Announce = <Name extends EventName>(name: Name, ...args: ClientStorageEvents[Name]) => void;

/**
 * An emitter whose listeners can disturb neither the emitter nor each other: if one throws, or its promise rejects, a process
 * warning (`ZeoListenerWarning`) is emitted, and the next listener is called.
 */
export class StorageEvents extends EventEmitter<ClientStorageEvents> {
  protected announce<Name extends EventName>(name: Name, ...args: ClientStorageEvents[Name]): void {
    callListeners(this, name, args);
  }
}
