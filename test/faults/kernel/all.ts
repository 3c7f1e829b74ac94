import type { Fault } from '../fault.js';
import { deathInUpload } from './death-in-upload.js';
import { forgetfulFirewall } from './forgetful-firewall.js';
import { packetLoss } from './loss.js';
import { silentDrop, silentDropInCall } from './silent-drop.js';
import { slowLink } from './slow-link.js';
import { takeover } from './takeover.js';

/** Layer 3: how the kernel's own TCP reacts to lost packets, on networks made for the purpose. */
export const kernelFaults: readonly Fault[] = [
  silentDrop,
  silentDropInCall,
  packetLoss,
  slowLink,
  deathInUpload,
  forgetfulFirewall,
  takeover,
];
