/**
 * The worker's entry.
 *
 *  main thread ── piscina task (port, board, sockets, settings) ──▶ install() connects the loops and returns
 *  main thread ◀── numbers over the port: sweep ── PingLoop, on its own timer
 *  main thread ◀── comlink over the port: pollTurn, conclude ── PingLoop
 *  main thread ◀── comlink over the port: concludeSocket, tableFailed ── SocketLoop, on its own timer
 *
 * The task must end: while one is running, piscina keeps the host's process alive. The loops go on in this thread, with the
 * port and their timers.
 */
import { processorMs, systemClock } from '../src/async/clock.js';
import { PingLoop } from '../src/loop/ping-loop.js';
import { SocketLoop } from '../src/loop/socket-loop.js';
import { version } from '../src/model/version.js';
import { readTable, readTcpTable } from '../src/tcp/proc-net-tcp.js';
import { Board } from '../src/threads/board.js';
import type { HostApi, LoopApi, WorkerInit } from '../src/threads/contract.js';
import { connect } from '../src/threads/endpoint.js';
import { SocketTableReader } from '../src/threads/socket-table.js';

/** What is called over comlink. */
type CalledHost = Omit<HostApi, 'sweep'>;

/** Starts the loops in this thread. */
export default function install(init: WorkerInit): void {
  if (init.version !== version)
    throw new Error(`The worker's file is of version ${version}, and the package of ${init.version}`);
  const { port, board, sockets, settings, startedMs, replaces } = init;
  const table = new SocketTableReader(sockets);
  const api: LoopApi = {
    targetsChanged: (ids) => pingLoop.targetsChanged(ids),
    socketsChanged: () => watchSockets(),
    alive: () => true,
  };
  const endpoint = connect<CalledHost>(port, api);
  const calls = endpoint.remote as unknown as CalledHost;
  const host: HostApi = {
    sweep: (ids) => endpoint.send(ids),
    pollTurn: () => calls.pollTurn(),
    conclude: (...conclusion) => calls.conclude(...conclusion),
    stalled: (stall) => calls.stalled(stall),
    panicked: (error) => calls.panicked(error),
    concludeSocket: (...death) => calls.concludeSocket(...death),
    tableFailed: (failure) => calls.tableFailed(failure),
  };
  const clock = systemClock;
  const pingLoop = new PingLoop({
    settings,
    board: new Board(board),
    host,
    clock,
    readTcpTable: (wanted) => readTcpTable(wanted),
  });
  let socketLoop: SocketLoop | undefined;
  // Only with the first socket: its index of ports takes memory that most processes do not need.
  const watchSockets = () => {
    socketLoop ??= new SocketLoop({
      timeoutMs: settings.timeoutMs,
      sockets: table,
      host,
      clock,
      cpuMs: processorMs,
      readTable,
      onLooked: (span) => pingLoop.looked(span),
    });
    socketLoop.start();
  };
  void endpoint.closed.then(() => {
    pingLoop.stop();
    socketLoop?.stop();
  });
  pingLoop.start(startedMs, replaces);
}
