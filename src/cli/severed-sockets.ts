/**
 * A program that the demonstration runs in a network namespace: the path of two plain sockets dies, and one of them is
 * watched. It exits with the code of the demonstration.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeepAlive } from '../agent/keep-alive.js';
import { StorageRegistry } from '../agent/storage-registry.js';
import { exitCode } from './io/exit-code.js';
import { explain } from './io/format.js';
import { narrator } from './narrator.js';

/** The network has only loopback, and every connection leads through it: switching it off makes the path vanish. */
const address = '127.0.0.1';
const period = 1;
const timeout = 1;
/** How long to wait for anything, and how long the unwatched socket has to stay silent. */
const patienceMs = 8000;

// The demonstration has the same output, and says that it cannot be written.
process.stdout.on('error', () => process.exit(exitCode.failed));
const say = narrator();
try {
  await show();
} catch (error) {
  console.log(`NOT AS PROMISED: ${explain(error)}`);
  process.exitCode = exitCode.failed;
}
// The unwatched socket still hangs, and would hold the process.
process.exit();

async function show(): Promise<void> {
  switchPath('up');
  const server = createServer((socket) => void socket.on('error', () => {}).pipe(socket));
  server.listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  const alone = await open(port);
  // It watches connections that are made after its start, so not the one above.
  const agent = new KeepAlive({ period, timeout, sockets: address, level: 'silent' }, new StorageRegistry());
  agent.start();
  const watched = await open(port);
  while (agent.status().connections.length === 0) await sleep(50);
  for (const [name, socket] of [
    ['alone', alone],
    ['watched', watched],
  ] as const) {
    await ask(socket);
    say(name, 'asks its server and gets an answer');
  }

  switchPath('down');
  const severedMs = performance.now();
  const boundMs = agent.status().socketBounds?.inFlightMs ?? 0;
  say('both', 'ask again. The path to the server is gone, and neither connection is closed');
  alone.on('error', () => {}).write('Anybody there?');
  watched.write('Anybody there?');
  // Rejects with the error of the socket, when it has one.
  const error: unknown = await once(watched, 'end', { signal: AbortSignal.timeout(patienceMs) }).catch(
    (error) => error,
  );
  const foundMs = performance.now() - severedMs;
  say('watched', `DEAD: ${explain(error)}`);
  if (foundMs > boundMs)
    throw new Error(`Expected the death within ${boundMs} ms, but it took ${Math.round(foundMs)} ms`);
  say('watched', `detected after ${(foundMs / 1000).toFixed(2)} s, within the bound of ${boundMs / 1000} s`);

  await sleep(severedMs + patienceMs - performance.now());
  if (alone.destroyed) throw new Error('Expected the unwatched socket to wait, but it has ended');
  say('alone', `still waits after ${patienceMs / 1000} s; the kernel gives up after a quarter of an hour`);
  switchPath('up');
  await ask(await open(port));
  say('watched', 'connects again and gets an answer');
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ host: address, port });
  await once(socket, 'connect');
  return socket;
}

async function ask(socket: Socket): Promise<void> {
  socket.write('Hello?');
  await once(socket, 'data', { signal: AbortSignal.timeout(patienceMs) });
}

function switchPath(state: 'up' | 'down'): void {
  execFileSync('ip', ['link', 'set', 'lo', state]);
}
