/* A thread that loads, and posts how much of a load is moved to the old generation. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import { LoadLock } from '#src/async/load-lock.js';
import type { Supervisor } from '#src/zeo/reconnect/supervisor.js';
import { ClientCache } from '#src/zeo/storage/client-cache.js';
import { Freshness } from '#src/zeo/storage/freshness.js';
import { Loader } from '#src/zeo/storage/loader.js';
import { maxTid } from '#src/zodb/ids.js';
import { promotedBytes } from '../../support/promoted-bytes.js';
import { id } from './scripted-peer.js';

const reply = [new Uint8Array(100), id(1), null];
/** A server that answers in the next turn. */
const supervisor = {
  closed: undefined,
  whenReady: async () => {},
  connection: {
    call: async () => {
      await nextTurn();
      return reply;
    },
  },
} as unknown as Supervisor;
// Nothing is cached, so that each load is sent.
const loader = new Loader(supervisor, new Freshness(new ClientCache(0), () => {}), new LoadLock());
const oids = Array.from({ length: 64 }, (_, index) => id(index + 1));
const promoted = await promotedBytes(async () => {
  await Promise.all(oids.map((oid) => loader.loadBefore(oid, maxTid)));
});
parentPort?.postMessage(promoted / oids.length);
