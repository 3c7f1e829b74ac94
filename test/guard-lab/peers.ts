// Clients behind a guard. Run by PeersProcess.
import { randomBytes } from 'node:crypto';
import { serverPort } from '../faults/kernel/networks/network.js';
import { monotonicNow, sleep } from '../support/turning-clock.js';
import { WireClient } from '../zeo/server/wire-client.js';
import type { Direction, PeersCommand, PeersConfig, PeersEvent } from './peers-process.js';

const { count, reconnect = false } = JSON.parse(process.argv[2] as string) as PeersConfig;
const report = (event: PeersEvent) => process.connected && process.send?.(event);
const guard = { address: `127.0.0.1:${serverPort}`, port: serverPort };
const peers: WireClient[] = [];

const end = () => process.exit();
process.on('disconnect', end);
if (!process.connected) end();

/** Registers as ZEO's client does, and asks what it asks then. */
async function connect(): Promise<{ client: WireClient; greetedAtMs: number }> {
  const client = await WireClient.connect(guard);
  const greetedAtMs = monotonicNow();
  await client.call('register', '1', false);
  await client.call('get_info');
  return { client, greetedAtMs };
}

function keep(index: number, client: WireClient): void {
  peers[index] = client;
  void client.closed.then(() => {
    report({ type: 'lost', atMs: monotonicNow() });
    if (reconnect) void replace(index);
  });
}

async function replace(index: number): Promise<void> {
  for (;;) {
    try {
      const { client, greetedAtMs } = await connect();
      report({ type: 'served', greetedAtMs, atMs: monotonicNow() });
      keep(index, client);
      return;
    } catch {
      report({ type: 'turnedAway' });
      // As ZEO's client waits after an attempt that failed.
      await sleep((1 + Math.random()) * 1000);
    }
  }
}

async function callEverySecond(seconds: number): Promise<void> {
  let answered = 0;
  let failed = 0;
  const callAgain = async (peer: WireClient) => {
    await sleep(Math.random() * 1000);
    for (let second = 0; second < seconds; second++) {
      const pause = sleep(1000);
      try {
        await peer.call('get_info');
        answered += 1;
      } catch {
        failed += 1;
        return;
      }
      await pause;
    }
  };
  await Promise.all(peers.map(callAgain));
  report({ type: 'called', answered, failed });
}

const oid = Buffer.from('00000000000000ff', 'hex');
const latest = Buffer.from('7fffffffffffffff', 'hex');
let serial = Buffer.alloc(8);
let record = Buffer.alloc(0);
let transactions = 0;

async function transfer(direction: Direction, bytes: number): Promise<void> {
  const startedMs = monotonicNow();
  const ended = (outcome: { error?: string }) =>
    report({ type: 'transferred', tookMs: monotonicNow() - startedMs, ...outcome });
  try {
    // Calls on it would wait forever.
    if (peers[0]?.socket.destroyed) throw new Error('Its connection was lost before');
    await (direction === 'upload' ? upload(bytes) : download());
    ended({});
  } catch (error) {
    ended({ error: String(error) });
  }
}

async function upload(bytes: number): Promise<void> {
  const [peer] = peers as [WireClient];
  record = randomBytes(bytes);
  const id = ++transactions;
  peer.store(id, { oid, serial, data: record });
  await peer.call('vote', id);
  serial = Buffer.from((await peer.call('tpc_finish', id)) as Uint8Array);
}

async function download(): Promise<void> {
  const [peer] = peers as [WireClient];
  const [data] = (await peer.call('loadBefore', oid, latest)) as [Uint8Array];
  if (!record.equals(data)) throw new Error('The record is not what was stored');
}

process.on('message', (command: PeersCommand) => {
  if (command.type === 'call') void callEverySecond(command.seconds);
  else void transfer(command.direction, command.bytes);
});
await Promise.all(
  Array.from({ length: count }, async (_, index) => {
    const { client } = await connect();
    keep(index, client);
  }),
);
report({ type: 'ready', pid: process.pid });
