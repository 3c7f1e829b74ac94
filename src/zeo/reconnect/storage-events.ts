import { EventEmitter } from 'node:events';
import { callListeners, warnOfListener } from '../../async/contain.js';

/** What a `ClientStorage` tells, by event name. Each listener gets one object. */
export interface ClientStorageEvents {
  /** It is ready: everything that was missed has been told as `invalidated` before. */
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
   * The next attempt to connect to `address` comes after `delayMs`; `error` is why it is needed. Where a hundred
   * storages of this process or more share that address, an attempt that had to wait may wait somewhat longer, so
   * that they do not meet the server in one moment.
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
   * Objects were changed, by another client or while there was no connection; of what this client commits
   * `committed` tells. `oids` is `null` when the server cannot tell which: all may have changed. The ids are views
   * into received data: copy what you keep for long.
   */
  invalidated: [detail: { readonly tid: Uint8Array; readonly oids: readonly Uint8Array[] | null }];
  /**
   * A transaction of this storage was committed that changed these objects. It comes before `lastTransaction()`
   * names the transaction.
   */
  committed: [detail: { readonly tid: Uint8Array; readonly oids: readonly Uint8Array[] }];
  /** It was closed for good. The last event. */
  closed: [];
}

type EventName = keyof ClientStorageEvents;

/** Tells something to everyone who listens. */
export type Announce = <Name extends EventName>(name: Name, ...args: ClientStorageEvents[Name]) => void;

/**
 * An emitter whose listeners cannot disturb what emits, nor each other: one that throws, or whose promise rejects, is reported
 * as a process warning (`ZeoListenerWarning`), and the next one is called.
 */
export class StorageEvents extends EventEmitter<ClientStorageEvents> {
  protected announce<Name extends EventName>(name: Name, ...args: ClientStorageEvents[Name]): void {
    callListeners(this, name, args, (error) => warnOfListener(name, error));
  }
}
