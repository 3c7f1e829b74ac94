import type { Fault } from '../fault.js';
import { halfFrame } from './half-frame.js';
import { heldLock } from './held-lock.js';
import { lateReplies } from './late-replies.js';
import { muteServer } from './mute-server.js';
import { silentDrop } from './silent-drop.js';
import { toldFaults } from './told.js';
import { trickle } from './trickle.js';

/** Layer 1: a relay between client and server. */
export const relayFaults: readonly Fault[] = [
  silentDrop,
  heldLock,
  halfFrame,
  trickle,
  lateReplies,
  muteServer,
  ...toldFaults,
];
