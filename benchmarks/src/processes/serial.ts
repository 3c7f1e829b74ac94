/** Pings one storage as the agent does, each time as soon as the last ping has ended. */
import { LockProxy } from '../../../dist/src/agent/ping/lock-proxy.js';
import { Ping } from '../../../dist/src/agent/ping/ping.js';
import { Board } from '../../../dist/src/threads/board.js';
import { ClientStorage } from '../../../dist/src/zeo/index.js';
import { serve } from '../harness/child.js';

const board = new Board();
const id = board.occupy();
let storage: ClientStorage | undefined;

const api = {
  async open({ address }: { readonly address: string }): Promise<void> {
    storage = await ClientStorage.open({ address });
  },
  /** Resolves to the mean microseconds of wall time a ping. */
  async ping({ count }: { readonly count: number }): Promise<number> {
    const startMs = performance.now();
    for (let i = 0; i < count; i++) await pingOnce();
    return ((performance.now() - startMs) / count) * 1000;
  },
};

function pingOnce(): Promise<void> {
  return new Promise((resolve, reject) => {
    if (storage === undefined) throw new Error('Nothing is open');
    const subject = { id, storage, lock: new LockProxy(storage), deliveredBytes: 0, deliveredGeneration: 0 };
    const ping = new Ping(subject, board, {
      lockFailed: (_, error) => reject(error),
      ended: (_, { result }) => (result === 'succeeded' ? resolve() : reject(new Error(result))),
    });
    ping.start();
  });
}

export type SerialApi = typeof api;
serve(api);
