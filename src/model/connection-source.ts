import type { KeepAliveTarget } from './target.js';

/** What the agent keeps alive where connections come and go, such as a pool: each of them is a target of its own. */
export interface ConnectionSource {
  /**
   * Calls `opened` for each connection that there is, and for each that is made later, until the function that it returns is
   * called. The function that `opened` returns is called when that connection has ended.
   */
  watchConnections(opened: ConnectionOpened): () => void;
}

/** @param number of the connection among those of its source, from 1: `orders/1` is the first of the source `orders` */
export type ConnectionOpened = (target: KeepAliveTarget, number: number) => () => void;

/** By its shape, as {@link isKeepAliveTarget}. */
export function isConnectionSource(database: object): database is ConnectionSource {
  return typeof (database as Partial<ConnectionSource>).watchConnections === 'function';
}
