// A host with storages and the agent. Run by HostProcess.
import { once } from 'node:events';
import { connect } from 'node:net';
import { KeepAlive, StorageRegistry } from 'zeo-keepalive';
import { ClientStorage, zeroId } from 'zeo-keepalive/zeo';
import { systemClock } from '#src/async/clock.js';
import { turningNow } from '../../../support/turning-clock.js';
import {
  type CallError,
  type HostCommand,
  type HostConfig,
  type HostEvent,
  type LoadCommand,
  type UploadCommand,
  waitTimeout,
} from './host-process.js';
import { rootOid } from './server-process.js';
import { Witness } from './witness.js';

const config = JSON.parse(process.argv[2] as string) as HostConfig;
const { period, timeout, watched, unwatched = [], sockets = [] } = config;
const report = (event: HostEvent) => process.connected && process.send?.(event);
const now = () => systemClock.now();

process.on('disconnect', () => process.exit());
// The parent may have gone before there was a listener.
if (!process.connected) process.exit();

const localPorts = new Set<number | undefined>();
const open = async (address: string): Promise<ClientStorage> => {
  // Many at once take longer than one of their calls may wait.
  const storage = await ClientStorage.open({ address, wait: false, waitTimeout, reconnectMaxDelay: 1 });
  await once(storage, 'connected');
  const port = storage.socketPorts?.local;
  if (config.distinctPorts === true && localPorts.has(port)) {
    await storage.close();
    return open(address);
  }
  localPorts.add(port);
  return storage;
};
const opened = await Promise.all(watched.map(open));
const others = await Promise.all(unwatched.map(open));

const registry = new StorageRegistry();
const witnesses = opened.map((storage) => new Witness(storage, config.witnessesAskKernel ?? false));
const invalidated = new Set<number>();
const agent = new KeepAlive({ period, timeout, level: 'silent' }, registry, {});
const tally = { sent: 0, failed: 0, slowestPingsMs: watched.map(() => 0) };
const timed = { answered: 0, late: 0, slowestMs: 0 };
/** When the round trips under way began. */
const timing = new Set<{ readonly atMs: number }>();

agent.on('pingStarted', () => {
  tally.sent += 1;
});
agent.on('pingFailed', () => {
  tally.failed += 1;
});
agent.on('pingSucceeded', ({ name, roundTripMs = 0 }) => {
  const slowestMs = tally.slowestPingsMs[Number(name)] ?? 0;
  tally.slowestPingsMs[Number(name)] = Math.max(slowestMs, roundTripMs);
});
agent.on('connectionDied', ({ name, diagnosis }) => {
  const witnessed = witnesses[Number(name)]?.seen;
  if (witnessed === undefined) throw new Error('A storage died and was not dropped');
  report({ type: 'died', storage: Number(name), atMs: now(), diagnosis, witnessed });
});
agent.on('connectionBack', ({ name, cause }) => {
  report({ type: 'cameBack', storage: Number(name), atMs: now(), cause });
});
agent.on('stalled', ({ durationMs }) => report({ type: 'stalled', atMs: now(), durationMs }));

for (const [index, storage] of opened.entries()) {
  registry.open(String(index), storage);
  storage.on('disconnected', ({ error }) => {
    const { code = '' } = error as NodeJS.ErrnoException;
    report({ type: 'disconnected', storage: index, atMs: now(), by: code });
  });
  storage.on('connected', () => report({ type: 'connected', storage: index, atMs: now() }));
  storage.on('invalidated', ({ oids }) => {
    if (oids === null || oids.some((oid) => Buffer.compare(oid, rootOid) === 0)) invalidated.add(index);
  });
}
for (const storage of others)
  storage.on('disconnected', () => report({ type: 'unwatchedLost', atMs: now() }));
for (const address of sockets) {
  const [host = '', port] = address.split(':');
  const socket = connect({ host, port: Number(port) });
  socket.on('error', () => {});
  socket.on('close', () => report({ type: 'unwatchedLost', atMs: now() }));
  socket.resume();
}
if (config.timeUnwatched === true) {
  for (const [index, storage] of others.entries()) {
    setTimeout(
      () => setInterval(() => time(storage), period * 1000),
      (index / others.length) * period * 1000,
    );
  }
}

process.on('message', (command: HostCommand) => {
  if (command.type === 'load') load(command);
  else if (command.type === 'upload') upload(command);
  else report({ type: 'tally', ...tally, unwatched: { ...timed, slowestMs: slowestMs() } });
});
agent.once('workerStarted', () => report({ type: 'ready' }));
agent.start();

async function load({ storage }: LoadCommand): Promise<void> {
  const about = { type: 'loaded', storage, invalidated: invalidated.has(storage) } as const;
  try {
    const { serial } = await (opened[storage] as ClientStorage).load(rootOid);
    report({ ...about, atMs: now(), serial: Buffer.from(serial).toString('hex') });
  } catch (error) {
    report({ ...about, atMs: now(), error: callError(error) });
  }
}

async function upload({ storage: index, records, bytes }: UploadCommand): Promise<void> {
  const storage = opened[index] as ClientStorage;
  const startedMs = now();
  const ended = (outcome: { error?: CallError }) =>
    report({ type: 'uploaded', storage: index, atMs: now(), tookMs: now() - startedMs, ...outcome });
  try {
    await storage.commit({ description: 'Upload' }, async (transaction) => {
      const record = Buffer.alloc(bytes, 1);
      for (let n = 0; n < records; n++) await transaction.store(await storage.newOid(), zeroId, record);
    });
    ended({});
  } catch (error) {
    ended({ error: callError(error) });
  }
}

function callError(error: unknown): CallError {
  const { code = String(error), retryable = false } = error as Partial<CallError>;
  return { code, retryable };
}

async function time(storage: ClientStorage): Promise<void> {
  const began = { atMs: turningNow() };
  timing.add(began);
  try {
    await storage.getInfo();
  } catch {
    return;
  } finally {
    timing.delete(began);
  }
  const tookMs = turningNow() - began.atMs;
  timed.answered += 1;
  if (tookMs > timeout * 1000) timed.late += 1;
  timed.slowestMs = Math.max(timed.slowestMs, tookMs);
}

/** Includes the round trips still under way, with their time so far. */
function slowestMs(): number {
  return Math.max(timed.slowestMs, ...[...timing].map(({ atMs }) => turningNow() - atMs));
}
