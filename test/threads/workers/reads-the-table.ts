/* A worker thread that reads the table until it has seen many rows, and counts those that are a mixture of two. */
import { parentPort, workerData } from 'node:worker_threads';
import { SocketTableReader } from '#src/threads/socket-table.js';
import { rowsOf } from '../socket-rows.js';

const reader = new SocketTableReader(workerData);
let rows = 0;
let torn = 0;
while (rows < 200_000) {
  for (const { localPort, remotePort, remoteAddress } of rowsOf(reader)) {
    rows += 1;
    if (localPort !== remotePort || (remoteAddress[3] as number) % 0x10000 !== localPort) torn += 1;
  }
}
parentPort?.postMessage({ rows, torn });
