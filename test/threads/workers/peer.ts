// The other end of an RPC channel, in a thread of its own.
import { type MessagePort, workerData } from 'node:worker_threads';
import { connect } from '#src/threads/endpoint.js';

/** What the test's end serves. */
export interface TestEnd {
  double(value: number): number;
}

/** What this end serves. */
export interface Peer {
  /** Calls the other end, and returns its result. */
  doubledByYou(value: number): Promise<number>;
  sum(ids: Uint32Array): number;
  describe(error: Error): { readonly message: string; readonly cause: unknown };
  fail(): never;
  failLater(): Promise<never>;
  hangUp(): void;
  exit(): void;
  /** The modules of Node that this thread has loaded. */
  loadedModules(): readonly string[];
}

const peer: Peer = {
  doubledByYou: (value) => endpoint.remote.double(value),
  sum: (ids) => ids.reduce((sum, id) => sum + id, 0),
  describe: ({ message, cause }) => ({ message, cause }),
  fail: () => {
    throw new RangeError('too far');
  },
  failLater: async () => {
    throw new RangeError('too late');
  },
  hangUp: () => endpoint.close(),
  exit: () => process.exit(),
  loadedModules: () => (process as unknown as { moduleLoadList: string[] }).moduleLoadList,
};
const endpoint = connect<TestEnd>(workerData as MessagePort, peer);
