/** Pings one storage as the agent does, each time as soon as the previous ping has ended. */
import { Ping } from '../../../dist/src/agent/ping/ping.js';
import { RoundTrips } from '../../../dist/src/agent/ping/round-trips.js';
import { TrackedTarget } from '../../../dist/src/agent/ping/tracked-target.js';
import { Board } from '../../../dist/src/threads/board.js';
import { ClientStorage } from '../../../dist/src/zeo/index.js';
import { serve } from '../harness/child.js';

const board = new Board();
const id = board.occupy();
let tracked: TrackedTarget | undefined;

const api = {
  async open({ address }: { readonly address: string }): Promise<void> {
    tracked = new TrackedTarget({
      id,
      name: 'serial',
      target: await ClientStorage.open({ address }),
      answersInOrder: false,
      hangTimeoutMs: 0,
      roundTrips: new RoundTrips(),
      onReleaseFailed: (_, error) => {
        throw error;
      },
    });
  },
  /** Resolves to the mean wall time of a ping in microseconds. */
  async ping({ count }: { readonly count: number }): Promise<number> {
    const startMs = performance.now();
    for (let i = 0; i < count; i++) await pingOnce();
    return ((performance.now() - startMs) / count) * 1000;
  },
};

function pingOnce(): Promise<void> {
  return new Promise((resolve, reject) => {
    if (tracked === undefined) throw new Error('Nothing is open');
    new Ping(tracked, board, ({ verdict }) =>
      verdict === 'alive'
        ? resolve()
        : reject(new Error(`Expected a ping that is answered, it was ${verdict}`)),
    ).start();
  });
}

export type SerialApi = typeof api;
serve(api);
