import { serverPort } from '../faults/kernel/networks/network.js';

/** Where a guard listens, on the computer of its clients. */
export const guardListen = `127.0.0.1:${serverPort}`;
