/**
 * The worker's entry.
 *
 *  main thread ── piscina task (port, board, settings) ──▶ install() wires the loop and returns
 *  main thread ◀── comlink over the port: sweep, turn, conclude ── PingLoop, on its own timer
 *
 * The task must end: as long as one is running, piscina holds the host's process. The loop lives on in this thread,
 * on the port and its timers.
 */
import { systemClock } from '../src/async/clock.js';
import { PingLoop } from '../src/loop/ping-loop.js';
import { readTcpTable } from '../src/tcp/proc-net-tcp.js';
import { Board } from '../src/threads/board.js';
import type { HostApi, WorkerInit } from '../src/threads/contract.js';
import { connect } from '../src/threads/endpoint.js';

/** Starts the loop in this thread. */
export default function install({ port, board, settings, startedMs, replaces }: WorkerInit): void {
  const endpoint = connect<HostApi>(port, {
    storagesChanged: (ids: Uint32Array) => loop.storagesChanged(ids),
    alive: () => loop.alive(),
  });
  const loop = new PingLoop({
    settings,
    board: new Board(board),
    host: endpoint.remote as unknown as HostApi,
    clock: systemClock,
    readTcpTable: (wanted) => readTcpTable(wanted),
  });
  void endpoint.closed.then(() => loop.stop());
  loop.start(startedMs, replaces);
}
