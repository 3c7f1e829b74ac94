// A host under test: storages, an agent and naive watchdogs, controlled over IPC. Ends with its parent.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { KeepAlive, StorageRegistry } from 'zeo-keepalive';
import { ClientStorage } from 'zeo-keepalive/zeo';
import { monotonicNow, sleep, totalStalledMs } from '../../../support/turning-clock.js';
import type { Blocking, HostCommand, HostMessage, HostSetup } from './host-messages.js';
import { type NaiveKind, NaiveWatchdog, naiveKinds } from './naive-watchdog.js';

const say = (message: HostMessage) => process.send?.(message);
const watchdogs = new Map<NaiveKind, NaiveWatchdog[]>();

process.on('disconnect', () => process.exit());
process.on('message', (command: HostCommand) => {
  switch (command.type) {
    case 'setUp':
      void setUp(command.setup);
      return;
    case 'block':
      void block(command.blocking, command.ms);
      return;
    case 'stepClock':
      stepClock(command.byMs);
      say({ type: 'clockStepped' });
      return;
    case 'countKilled':
      say({ type: 'killed', byKind: countKilled() });
      return;
    case 'stalledTime':
      say({ type: 'stalledTime', stalledMs: totalStalledMs() });
  }
});

async function setUp({ addresses, period, timeout, naive, reconnect }: HostSetup): Promise<void> {
  const registry = new StorageRegistry();
  const pace = reconnect === 'default' ? {} : { reconnectMinDelay: 0.05, reconnectMaxDelay: 0.2 };
  const open = async (address: string, index: number) => {
    const storage = await ClientStorage.open({ address, waitTimeout: 60, ...pace });
    registry.open(`storage-${index}`, storage);
    storage.on('connected', () => say({ type: 'connected', index, atMs: monotonicNow() }));
    storage.on('disconnected', ({ error }) => {
      const { code, message } = error as Error & { code?: string };
      say({
        type: 'lost',
        index,
        atMs: monotonicNow(),
        stalledMs: totalStalledMs(),
        code,
        message,
      });
    });
  };
  // Not all at once: backlogs are not under test.
  const batchSize = 250;
  for (let from = 0; from < addresses.length; from += batchSize) {
    await Promise.all(addresses.slice(from, from + batchSize).map((address, i) => open(address, from + i)));
  }
  const agent = new KeepAlive({ period, timeout, level: 'silent' }, registry, {});
  agent.start();
  await once(agent, 'workerStarted');
  for (const kind of naiveKinds) {
    const count = naive?.count ?? 0;
    watchdogs.set(
      kind,
      Array.from(
        { length: count },
        () => new NaiveWatchdog(kind, naive?.port ?? 0, period * 1000, timeout * 1000),
      ),
    );
  }
  // The agent and the watchdogs have all begun to ping.
  await sleep(period * 1000);
  countKilled();
  say({ type: 'ready' });
}

function countKilled(): Record<NaiveKind, number> {
  const counts = naiveKinds.map((kind) => {
    const killed = watchdogs.get(kind)?.filter((watchdog) => watchdog.killed) ?? [];
    for (const watchdog of killed) watchdog.killed = false;
    return [kind, killed.length];
  });
  return Object.fromEntries(counts);
}

async function block(blocking: Blocking, ms: number): Promise<void> {
  await blockIn[blocking](ms);
  say({ type: 'blocked', untilMs: monotonicNow(), stalledMs: totalStalledMs() });
}

const cell = new Int32Array(new SharedArrayBuffer(4));
/** Blocks without using the core that others need. */
const stall = (ms: number) => Atomics.wait(cell, 0, 0, ms);

/** The reply is sent in the same turn of the loop as the block, before anything else can run. */
const blockIn: Readonly<Record<Blocking, (ms: number) => Promise<unknown>>> = {
  timer: (ms) => new Promise((resolve) => setTimeout(() => resolve(stall(ms)), 1)),
  immediate: (ms) => new Promise((resolve) => setImmediate(() => resolve(stall(ms)))),
  'I/O callback': async (ms) => {
    const socket = await ownSocket();
    socket.write('!');
    await new Promise((resolve) => socket.once('data', () => resolve(stall(ms))));
    socket.destroy();
  },
  'promise chain': async (ms) => {
    const endMs = performance.now() + ms;
    while (performance.now() < endMs) {
      stall(Math.min(5, endMs - performance.now()));
      await null;
    }
  },
};

/** A socket to the echo server. */
async function ownSocket(): Promise<Socket> {
  const echo = createServer((socket) => socket.pipe(socket));
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const socket = connect((echo.address() as { port: number }).port, '127.0.0.1');
  await once(socket, 'connect');
  echo.close();
  return socket;
}

function stepClock(byMs: number): void {
  const RealDate = Date;
  globalThis.Date = class extends RealDate {
    constructor(...args: [] | ConstructorParameters<DateConstructor>) {
      if (args.length === 0) super(RealDate.now() + byMs);
      else super(...args);
    }
    static override now(): number {
      return RealDate.now() + byMs;
    }
  } as DateConstructor;
}
