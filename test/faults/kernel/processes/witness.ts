import { readFileSync } from 'node:fs';
import type { ClientStorage } from 'zeo-keepalive/zeo';
import { fromPerformanceNow, systemClock } from '#src/async/clock.js';
import type { Silence } from './host-process.js';

/**
 * Stands between the agent and a storage, and checks independently whether a connection that the agent drops was silent: by
 * the time of the ping, by the bytes that the storage has read and, on request, by those unread in the kernel.
 */
export class Witness {
  /** The observation at the last drop. */
  seen: Silence | undefined;

  /** @param asksKernel takes milliseconds per drop: not for many drops at once */
  constructor(storage: ClientStorage, asksKernel: boolean) {
    const ping = storage.ping.bind(storage);
    const drop = storage.drop.bind(storage);
    let pingedAtMs = 0;
    storage.ping = (signal) => {
      pingedAtMs = systemClock.now();
      return ping(signal);
    };
    storage.drop = (error, generation) => {
      const { lastReceivedAt } = storage;
      const lastReceivedAtMs = lastReceivedAt === undefined ? 0 : fromPerformanceNow(lastReceivedAt);
      this.seen = {
        silentMs: systemClock.now() - Math.max(pingedAtMs, lastReceivedAtMs),
        lastReceivedAtMs,
        unreadBytes: asksKernel ? unreadBytes(storage) : 0,
      };
      drop(error, generation);
    };
  }
}

/** The unread bytes of the storage's connection according to `/proc/net/tcp`. */
function unreadBytes({ address = '', socketPorts }: ClientStorage): number {
  const [host = '', port] = address.split(':');
  const hex = (number: unknown, digits: number) =>
    Number(number).toString(16).toUpperCase().padStart(digits, '0');
  // Four bytes in the machine's byte order, which is little-endian wherever these tests run.
  const bytes = host.split('.').reverse();
  const remote = `${bytes.map((byte) => hex(byte, 2)).join('')}:${hex(port, 4)}`;
  const local = `:${hex(socketPorts?.local, 4)}`;
  for (const line of readFileSync('/proc/self/net/tcp', 'utf8').split('\n')) {
    const [, from, to, , queues = ''] = line.trim().split(/\s+/);
    if (from?.endsWith(local) && to === remote) return Number.parseInt(queues.split(':')[1] ?? '', 16);
  }
  throw new Error(`The kernel has no connection to ${address} from port ${socketPorts?.local}`);
}
