import { closeSync, openSync, readFileSync } from 'node:fs';
import { devNull } from 'node:os';
import { ClientDisconnected } from '../model/errors.js';

/** Enough to start the thread that pings, to look up a name, and to answer a few probes. */
const size = 32;

/**
 * File descriptors that are kept back: for the guard itself, until no others are left, and one for the server of each client
 * that waits for it. Without any, the thread that pings cannot be started, and Node closes each client as soon as it is
 * accepted, which Python's clients take as a reason to come back at once.
 */
export class DescriptorReserve {
  readonly #held: number[] = [];
  #booked = 0;

  /** Keeps back one for a connection that is to be made. @returns what frees it, for that connection or for others */
  book(): () => void {
    this.#booked += 1;
    let isBooked = true;
    return () => {
      if (!isBooked) return;
      isBooked = false;
      this.#booked -= 1;
      this.#keep(this.#held.length - 1);
    };
  }

  /** Why there is none left beside the reserve, of which the guard's own part is then given up; `undefined` if there is. */
  shortage(): Error | undefined {
    try {
      while (this.#held.length < size + this.#booked) this.#held.push(openSync(devNull, 'r'));
      closeSync(openSync(devNull, 'r'));
      return undefined;
    } catch (cause) {
      this.#keep(this.#booked);
      return new ClientDisconnected(explanation(cause as NodeJS.ErrnoException), { cause });
    }
  }

  release(): void {
    this.#keep(0);
  }

  #keep(most: number): void {
    for (const descriptor of this.#held.splice(Math.max(0, most))) closeSync(descriptor);
  }
}

function explanation({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENFILE') return 'This machine has as many open files as it may have';
  if (code !== 'EMFILE') return `No file can be opened: ${message}`;
  const limit = openFilesLimit();
  const most = limit === undefined ? 'its limit of open files' : `its limit of ${limit} open files`;
  return `This process has reached ${most}, and needs two for each client: raise LimitNOFILE or ulimit -n`;
}

/** It may be changed while the process runs. */
function openFilesLimit(): string | undefined {
  try {
    return /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
  } catch {
    // Only on Linux.
    return undefined;
  }
}
