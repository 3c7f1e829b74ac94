import { setTimeout as sleep } from 'node:timers/promises';
import { ControlGroup } from './control-group.js';

/** How a process is stopped from outside: by a signal, or with its control group. */
export type Standstill = 'SIGSTOP' | 'frozen';

/** No thread of a process runs for that time. */
export async function standStill(pid: number, by: Standstill, ms: number): Promise<void> {
  if (by === 'SIGSTOP') {
    process.kill(pid, 'SIGSTOP');
    try {
      await sleep(ms);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    return;
  }
  using group = new ControlGroup('freezer', pid);
  group.freeze();
  try {
    await sleep(ms);
  } finally {
    group.thaw();
  }
}
