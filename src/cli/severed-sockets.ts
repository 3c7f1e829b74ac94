/**
 * A program that the demonstration runs in a network namespace: the path of two plain sockets dies, and one of them is
 * watched; and that of two clients of a real server, where there is one. It exits with the code of the demonstration.
 */
import { execFileSync } from 'node:child_process';
import { on, once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeepAlive } from '../agent/keep-alive.js';
import { StorageRegistry } from '../agent/storage-registry.js';
import { exitCode } from './io/exit-code.js';
import { explain } from './io/format.js';
import { narrator } from './narrator.js';
import { address, answered, type Client, startRealServer } from './real-client.js';

const period = 1;
const timeout = 1;
/** How long to wait for anything, and how long the unwatched connections have to stay silent. */
const patienceMs = 8000;

/** A socket that is opened again when it is needed after a loss, as real clients have theirs. */
class SocketClient implements Client {
  readonly #port: number;
  #socket: Socket | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  /** Rejects with the error of the socket, when it has one. */
  async call(): Promise<void> {
    if (this.#socket === undefined || this.#socket.destroyed) {
      this.#socket = connect({ host: address, port: this.#port }).on('error', () => {});
      await once(this.#socket, 'connect');
    }
    this.#socket.write('Hello?');
    await once(this.#socket, 'data');
  }
}

// The demonstration has the same output, and says that it cannot be written.
process.stdout.on('error', () => process.exit(exitCode.failed));
const say = narrator();
try {
  await show();
} catch (error) {
  console.log(`NOT AS PROMISED: ${explain(error)}`);
  process.exitCode = exitCode.failed;
}
// The unwatched connections still hang, and would hold the process.
process.exit();

/** Two clients of one server: one from before the agent's start, and one that the agent watches. */
interface Pair {
  readonly name: string;
  readonly port: number;
  readonly alone: Client;
  readonly watched: Client;
}

async function show(): Promise<void> {
  switchPath('up');
  const server = createServer((socket) => void socket.on('error', () => {}).pipe(socket)).listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await using real = await startRealServer();
  const kinds = [{ name: 'socket', port, connect: () => answered(new SocketClient(port), patienceMs) }];
  if (real !== undefined) kinds.push({ ...real, name: real.client });

  // The agent watches connections that are made after its start.
  const alone = await Promise.all(kinds.map(({ connect }) => connect()));
  const agent = new KeepAlive({ period, timeout, sockets: address, level: 'silent' }, new StorageRegistry());
  agent.start();
  const watched = await Promise.all(kinds.map(({ connect }) => connect()));
  while (agent.status().connections.length < kinds.length) await sleep(50);
  const pairs = kinds.map(
    ({ name, port }, index): Pair => ({
      ...{ name, port },
      alone: alone[index] as Client,
      watched: watched[index] as Client,
    }),
  );
  say('socket', 'two clients have called their server and got an answer; one of them is watched');
  if (real !== undefined) say(real.client, `the same with two clients of ${real.server}`);
  else
    console.log(
      '(If Redis and ioredis, or PostgreSQL and pg, are installed, a real client is shown here, too.)',
    );

  switchPath('down');
  const severedMs = performance.now();
  say('all', 'call again. The path to the servers is gone, and no connection is closed');
  const calls = pairs.map((pair) => ({ ...pair, ...callBoth(pair) }));
  await Promise.all(pairs.map((pair) => awaitDeath(pair, agent, severedMs)));
  await sleep(severedMs + patienceMs - performance.now());
  for (const { name, isHanging } of calls)
    if (!isHanging()) throw new Error(`Expected the unwatched ${name} to wait, but its call has ended`);
  say(
    'all',
    `the others still wait after ${patienceMs / 1000} s; the kernel gives up after a quarter of an hour`,
  );
  switchPath('up');
  say('all', 'can reach their servers again: the path is back');
  for (const { name, isBack } of calls) {
    await isBack;
    say(name, 'the watched one has connected again and got its answer');
  }
}

/** The watched one tries again for as long as it is shown. */
function callBoth({ alone, watched }: Pair) {
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  alone.call().then(end, end);
  const isBack = answered(watched, 2 * patienceMs);
  isBack.catch(() => {});
  return { isHanging: () => !isOver, isBack };
}

async function awaitDeath({ name, port }: Pair, agent: KeepAlive, severedMs: number): Promise<void> {
  const boundMs = agent.status().socketBounds?.inFlightMs ?? 0;
  const deaths = on(agent, 'connectionDied', { signal: AbortSignal.timeout(patienceMs) });
  for await (const [death] of deaths) {
    if (death.address !== `${address}:${port}`) continue;
    const foundMs = performance.now() - severedMs;
    say(name, `the watched one is DEAD: ${explain(death.error)}`);
    if (foundMs > boundMs)
      throw new Error(`Expected the death within ${boundMs} ms, but it took ${Math.round(foundMs)} ms`);
    say(name, `detected after ${(foundMs / 1000).toFixed(2)} s, within the bound of ${boundMs / 1000} s`);
    return;
  }
}

function switchPath(state: 'up' | 'down'): void {
  execFileSync('ip', ['link', 'set', 'lo', state]);
}
