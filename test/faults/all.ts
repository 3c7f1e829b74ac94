import type { Fault } from './fault.js';
import { kernelFaults } from './kernel/all.js';
import { processFaults } from './process/all.js';
import { stallFaults } from './process/stalls.js';
import { relayFaults } from './relay/all.js';
import { soak } from './soak/soak.js';

/** Every fault of the lab, in the order of the table. */
export const allFaults: readonly Fault[] = [
  ...relayFaults,
  ...processFaults,
  ...stallFaults,
  soak,
  ...kernelFaults,
];
