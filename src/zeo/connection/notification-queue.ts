import { copyId, isLater } from '../../zodb/ids.js';
import type { Notification } from './notification.js';
import type { StorageInfoChange } from './storage-info.js';

/** Limit on the objects of all queued invalidations together. */
const maxOids = 100_000;
const maxInvalidations = 10_000;

const idLength = 8;

/**
 * The notifications received before there was an observer.
 *
 * Rules:
 * - It takes a few megabytes at most, whatever the server sends: too many invalidations are replaced by one for all
 *   objects, and only the newest storage info is kept.
 * - Invalidations come out in order, and before the storage info.
 * - It holds copies only: a view would keep the received frame in memory.
 */
export class NotificationQueue {
  /** Per invalidation, the transaction id and the object ids in one array: a tenth of the memory of separate ones. */
  #invalidations: Uint8Array[] = [];
  #oids = 0;
  /** The last transaction; set once there were too many invalidations. */
  #overflowTid: Uint8Array | undefined;
  #info: StorageInfoChange | undefined;
  #newestTid: Uint8Array | undefined;

  /** The last transaction of any invalidation. */
  get newestTid(): Uint8Array | undefined {
    return this.#newestTid;
  }

  add(notification: Notification): void {
    if (notification.type === 'info') {
      this.#info = { ...this.#info, ...notification.info };
      return;
    }
    const { tid, oids } = notification;
    if (this.#newestTid === undefined || isLater(tid, this.#newestTid)) this.#newestTid = copyId(tid);
    this.#oids += oids?.length ?? Infinity;
    if (oids !== null && this.#oids <= maxOids && this.#invalidations.length < maxInvalidations) {
      this.#invalidations.push(packed([tid, ...oids]));
    } else {
      this.#overflow(tid);
    }
  }

  /** Empties the queue, and returns its notifications in order. */
  drain(): Notification[] {
    const notifications: Notification[] = this.#invalidations.map((row) => {
      const [tid, ...oids] = unpacked(row);
      return { type: 'invalidated', tid: tid as Uint8Array, oids };
    });
    if (this.#overflowTid !== undefined) {
      notifications.push({ type: 'invalidated', tid: this.#overflowTid, oids: null });
    }
    if (this.#info !== undefined) notifications.push({ type: 'info', info: this.#info });
    this.#invalidations = [];
    this.#oids = 0;
    this.#overflowTid = undefined;
    this.#info = undefined;
    return notifications;
  }

  #overflow(tid: Uint8Array): void {
    const tids = [tid, ...this.#invalidations.map((row) => row.subarray(0, idLength))];
    this.#invalidations = [];
    // Later invalidations overflow, too.
    this.#oids = Infinity;
    for (const each of tids) {
      if (this.#overflowTid === undefined || isLater(each, this.#overflowTid))
        this.#overflowTid = copyId(each);
    }
  }
}

function packed(ids: readonly Uint8Array[]): Uint8Array {
  const row = new Uint8Array(ids.length * idLength);
  for (const [index, id] of ids.entries()) row.set(id, index * idLength);
  return row;
}

function unpacked(row: Uint8Array): Uint8Array[] {
  return Array.from({ length: row.length / idLength }, (_, index) =>
    row.subarray(index * idLength, (index + 1) * idLength),
  );
}
