import type { Fault } from '../fault.js';
import { deathInUpload } from './death-in-upload.js';
import { forgetfulFirewall } from './forgetful-firewall.js';
import { packetLoss } from './loss.js';
import { silentDrop, silentDropInCall } from './silent-drop.js';
import { slowLink } from './slow-link.js';
import { takeover } from './takeover.js';

/** Layer 3: what the kernel's own TCP makes of lost packets, on networks that exist only for it. */
export const kernelFaults: readonly Fault[] = [
  silentDrop,
  silentDropInCall,
  packetLoss,
  slowLink,
  deathInUpload,
  forgetfulFirewall,
  takeover,
];
