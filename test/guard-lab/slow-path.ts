import { SlowLinks } from '../faults/kernel/networks/slow-links.js';
import { ServerProcess } from '../faults/kernel/processes/server-process.js';
import { standStill } from '../socket-lab/standstill.js';
import { sleep } from '../support/turning-clock.js';
import { guardListen } from './guard-listen.js';
import { GuardsProcess } from './guards-process.js';
import { type Direction, PeersProcess } from './peers-process.js';
import type { Times } from './survival.js';

export interface SlowPath {
  readonly mebibytes: number;
  /** Of the path between guard and server, a second. */
  readonly megabits: number;
  readonly times: Times;
  /** For how long the client stands still amid a transfer: it then neither reads nor writes. */
  readonly stopMs: number;
}

/** A large record that went through the guard. */
export interface Transfer {
  readonly direction: Direction;
  readonly stopMs: number;
  readonly tookMs: number;
  /** What it takes at least. */
  readonly leastMs: number;
  readonly error: string | undefined;
  readonly deaths: number;
}

/** Stores and loads a large record over a slow path, with a client that goes on, and one that stops in the middle. */
export async function transferSlowly(
  { mebibytes, megabits, times, stopMs }: SlowPath,
  progress?: (line: string) => void,
): Promise<Transfer[]> {
  using links = new SlowLinks();
  const { address } = links.lay(megabits);
  const bytes = mebibytes * 2 ** 20;
  const server = { kind: 'embedded', maxBufferedBytes: 2 * bytes } as const;
  await using _server = await ServerProcess.start(links.server, server);
  const config = { listens: [guardListen], servers: [address], ...times };
  await using guards = await GuardsProcess.start(links.client, config);
  await using peers = await PeersProcess.start(links.client, { count: 1 });
  const leastMs = (bytes * 8) / (megabits * 1000);
  const transfers: Transfer[] = [];
  for (const pauseMs of [0, stopMs]) {
    for (const direction of ['upload', 'download'] as const) {
      const deathsBefore = guards.all('died').length;
      peers.send({ type: 'transfer', direction, bytes });
      if (pauseMs > 0) {
        // The path is so slow that it is still under way.
        await sleep(leastMs / 3);
        await standStill(peers.pid, 'SIGSTOP', pauseMs);
      }
      const isOver = () => peers.all('transferred').length > transfers.length;
      await peers.until('the end of a transfer', isOver, 3 * leastMs + pauseMs + 60_000);
      const { tookMs = 0, error } = peers.all('transferred').at(-1) ?? {};
      const deaths = guards.all('died').length - deathsBefore;
      transfers.push({ direction, stopMs: pauseMs, tookMs, leastMs, error, deaths });
      progress?.(
        `${direction}, ${pauseMs > 0 ? `stopped for ${pauseMs / 1000} s, ` : ''}${(tookMs / 1000).toFixed(1)} s`,
      );
    }
  }
  return transfers;
}
