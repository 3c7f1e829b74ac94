import { readdirSync, readFileSync } from 'node:fs';

/** CPU time since a moment, in microseconds. */
export interface CpuTime {
  /** Of the whole process, user and system. */
  readonly totalUs: number;
  /** Of its main thread alone; `undefined` if the system does not say. */
  readonly mainThreadUs: number | undefined;
}

/** Returns a function that returns the CPU time of this process since this call. */
export function startCpuClock(): () => CpuTime {
  const mainStartUs = threadUs(process.pid);
  const start = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(start);
    const mainUs = threadUs(process.pid);
    return {
      totalUs: user + system,
      mainThreadUs: mainUs === undefined || mainStartUs === undefined ? undefined : mainUs - mainStartUs,
    };
  };
}

/** The ids of this process's threads on Linux; empty elsewhere. */
export function threadIds(): number[] {
  try {
    return readdirSync('/proc/self/task').map(Number);
  } catch {
    return [];
  }
}

/** The CPU time of one thread of this process in microseconds, from the scheduler's statistics. */
export function threadUs(id: number): number | undefined {
  try {
    return scheduledUs(`/proc/self/task/${id}/schedstat`);
  } catch {
    return undefined;
  }
}

/** The CPU time of all threads of a process so far, in microseconds; `NaN` where there is no `/proc`. */
export function processUs(pid: number | undefined): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return threads.reduce((sum, id) => sum + scheduledUs(`/proc/${pid}/task/${id}/schedstat`), 0);
  } catch {
    return Number.NaN;
  }
}

/** The memory of a process now, or the most that it ever was; `NaN` where there is no `/proc`. */
export function rssBytes(pid: number | undefined, which: 'VmRSS' | 'VmHWM'): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(new RegExp(`^${which}:\\s*(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
  } catch {
    return Number.NaN;
  }
}

function scheduledUs(file: string): number {
  const [nanoseconds] = readFileSync(file, 'utf8').split(' ');
  return Number(nanoseconds) / 1000;
}
