/* A worker thread that reads the table until it has seen many rows, and counts those that are a mixture of two. */
import { parentPort, workerData } from 'node:worker_threads';
import { SocketTableReader } from '#src/sockets/socket-table.js';

const reader = new SocketTableReader(workerData);
let rows = 0;
let torn = 0;
while (rows < 200_000) {
  for (const { localPort, remotePort, remoteAddress } of reader) {
    rows += 1;
    const bytes = new Uint8Array(remoteAddress.buffer);
    const fromAddress = ((bytes[14] as number) << 8) | (bytes[15] as number);
    if (localPort !== remotePort || fromAddress !== localPort) torn += 1;
  }
}
parentPort?.postMessage({ rows, torn });
