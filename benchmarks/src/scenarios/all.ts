import type { Scenario } from '../scenario.js';
import { adapters } from './adapters.js';
import { cold } from './cold.js';
import { detection } from './detection.js';
import { growth } from './growth.js';
import { guard } from './guard.js';
import { idle } from './idle.js';
import { lateness } from './lateness.js';
import { memory } from './memory.js';
import { open } from './open.js';
import { pauses } from './pauses.js';
import { ping } from './ping.js';
import { reconnect } from './reconnect.js';
import { rpc } from './rpc.js';
import { serial } from './serial.js';
import { sockets } from './sockets.js';
import { storage } from './storage.js';

/** In the order of the page. */
export const scenarios: readonly Scenario[] = [
  ping,
  cold,
  serial,
  storage,
  rpc,
  open,
  growth,
  pauses,
  idle,
  memory,
  lateness,
  detection,
  reconnect,
  sockets,
  adapters,
  guard,
];
