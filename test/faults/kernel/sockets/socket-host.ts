// A process whose sockets are watched in the kernel's table. Run by SocketHostProcess.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { systemClock } from '#src/async/clock.js';
import { SocketLoop } from '#src/loop/socket-loop.js';
import { addressWords } from '#src/tcp/ip-address.js';
import { readTable } from '#src/tcp/proc-net-tcp.js';
import { totalStalledMs } from '../../../support/turning-clock.js';
import { serverPort } from '../networks/network.js';
import type { SocketHostCommand, SocketHostConfig, SocketHostEvent } from './socket-processes.js';

const report = (event: SocketHostEvent) => process.connected && process.send?.(event);
process.on('disconnect', () => process.exit());

const { addresses, localPorts, probeDelayMs, timeoutMs } = JSON.parse(
  process.argv[2] as string,
) as SocketHostConfig;

const sockets: Socket[] = [];
for (const [index, host] of addresses.entries()) {
  const localPort = localPorts?.[index];
  const socket = connect({ host, port: serverPort, ...(localPort === undefined ? {} : { localPort }) });
  await once(socket, 'connect');
  socket.setNoDelay(true).setKeepAlive(true, probeDelayMs);
  socket.on('error', ({ message }) => report({ type: 'lost', socket: index, by: message }));
  sockets.push(socket);
}

const words = sockets.map(({ remoteAddress }) => addressWords(remoteAddress as string) as Uint32Array);
new SocketLoop({
  timeoutMs,
  clock: systemClock,
  readTable,
  sockets: {
    get version() {
      return sockets.filter(({ destroyed }) => destroyed).length;
    },
    get count() {
      return sockets.filter(({ destroyed }) => !destroyed).length;
    },
    size: sockets.length,
    sequence: (slot) => (sockets[slot]?.destroyed ? 0 : 1),
    localPort: (slot) => sockets[slot]?.localPort as number,
    remotePort: () => serverPort,
    remoteAddressWord: (slot, word) => words[slot]?.[word] as number,
  },
  host: {
    concludeSocket: (slot, _sequence, death) => {
      report({
        type: 'died',
        socket: slot,
        atMs: systemClock.now(),
        stalledMs: totalStalledMs(),
        death,
      });
      sockets[slot]?.destroy();
    },
    tableFailed: (failure) => {
      throw new Error(`The table cannot be read: ${JSON.stringify(failure)}`);
    },
    panicked: (error) => {
      throw error;
    },
  },
}).start();

process.on('message', ({ socket, bytes, first }: SocketHostCommand) => {
  if (bytes > 0) sockets[socket]?.write(Buffer.alloc(bytes, first));
  report({ type: 'wrote', socket, atMs: systemClock.now(), stalledMs: totalStalledMs() });
});
report({ type: 'ready', pid: process.pid });
