import type { Fault } from '../fault.js';
import { clockStepped } from './clock-stepped.js';
import { deathInStall } from './death-in-stall.js';
import { herd } from './herd.js';
import { serverKilled, serverStopped } from './servers.js';
import { bothStopped } from './stopped-together.js';
import { workerKilled } from './worker-killed.js';

/** Layer 2: processes that are stopped, killed or blocked. */
export const processFaults: readonly Fault[] = [
  serverStopped,
  serverKilled,
  bothStopped,
  deathInStall,
  clockStepped,
  workerKilled,
  herd,
];
