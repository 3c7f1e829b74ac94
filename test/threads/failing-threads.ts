import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Worker, WorkerOptions } from 'node:worker_threads';
import type { KeepAliveError } from '#src/model/errors.js';
import { Board } from '#src/threads/board.js';
import { SocketTable } from '#src/threads/socket-table.js';
import { WorkerHost } from '#src/threads/worker-host.js';
import type { Timing } from '#src/threads/worker-timing.js';

/** Every way in which a thread can fail to come up, or end, and the reason that is reported for it. */
export const failures = {
  // Made by `Threads`.
  'there can be no thread': /cannot create a thread/,
  "piscina's file is missing": /Cannot find module/,
  'the entry is missing': /Cannot find module/,
  'is terminated by others': /exited with code 1/,
  // Made by workers/fails-as-told.ts.
  'throws at import': /thrown at import/,
  'exits at import': /exited with code 3/,
  'waits at import': /did not come up/,
  'spins at import': /did not come up/,
  'exports nothing': /No handler function/,
  'throws in the init': /thrown by the init/,
  'rejects in the init': /rejected by the init/,
  'never installs': /did not come up/,
  'exits in the init': /exited with code:? 3/,
  'exits at once': /exited with code:? 3/,
  'throws later': /thrown by a timer/,
  'rejects later': /rejected by a timer/,
  'closes its port': /closed its port/,
  'runs out of memory': /memory limit/,
  hangs: /did not answer/,
  'cannot be ended': /did not answer/,
  'asks for nothing': /requested no sweep/,
} as const satisfies Readonly<Record<string, RegExp>>;

export type Failure = keyof typeof failures;

type WorkerClass = new (filename: string | URL, options?: WorkerOptions) => Worker;

/** The module in which piscina looks up `Worker` each time. */
const workerThreads = createRequire(import.meta.url)('node:worker_threads') as { Worker: WorkerClass };

/** Makes the threads that piscina starts in this process fail. */
export class Threads {
  /** How the next thread fails; by default it does not. One that comes up late works before it is known to be up. */
  next: Failure | 'comes up late' | undefined;
  readonly alive = new Set<Worker>();
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'entry-'));
  readonly #original = workerThreads.Worker;
  readonly #realEntry = new URL('./workers/fails-as-told.js', import.meta.url);

  constructor() {
    // Piscina is loaded from where the entry is.
    const packages = fileURLToPath(new URL('../../../node_modules', import.meta.url));
    symlinkSync(packages, path.join(this.#folder, 'node_modules'), 'junction');
    const makeThread = (filename: string | URL, options?: WorkerOptions) => this.#make(filename, options);
    workerThreads.Worker = class {
      constructor(filename: string | URL, options?: WorkerOptions) {
        // biome-ignore lint/correctness/noConstructorReturn: a thread of the original class, or none.
        return makeThread(filename, options);
      }
    } as WorkerClass;
  }

  /** The entry of the workers, which may be missing. */
  get entry(): URL {
    return pathToFileURL(path.join(this.#folder, 'entry.mjs'));
  }

  /** Also ends the threads that were made not to end. */
  async [Symbol.asyncDispose](): Promise<void> {
    workerThreads.Worker = this.#original;
    await Promise.all(Array.from(this.alive, (worker) => this.end(worker)));
    rmSync(this.#folder, { recursive: true });
  }

  async end(worker: Worker): Promise<void> {
    const { terminate } = this.#original.prototype as Worker;
    await terminate.call(worker);
  }

  #make(filename: string | URL, options?: WorkerOptions): Worker {
    const failure = this.next;
    if (failure === 'there can be no thread') throw new Error('cannot create a thread');
    if (failure === 'the entry is missing') rmSync(this.entry, { force: true });
    else writeFileSync(this.entry, `export { default } from '${this.#realEntry}';\n`);
    const worker = new this.#original(
      failure === "piscina's file is missing" ? `${filename}.gone` : filename,
      {
        ...options,
        env: { ...process.env, FAILURE: failure ?? '' },
      },
    );
    if (failure === 'cannot be ended') worker.terminate = () => new Promise(() => {});
    this.alive.add(worker);
    worker.once('exit', () => this.alive.delete(worker));
    return worker;
  }
}

export interface Loss {
  readonly error: KeepAliveError;
  readonly retryInMs: number;
}

export const periodMs = 100;

/** A host with one target, its reports, and how many sweeps its thread has requested. */
export function hostOf(threads: Threads, timing: Partial<Timing> = {}, ofPeriodMs = periodMs) {
  const board = new Board();
  board.occupy();
  const losses: Loss[] = [];
  const waits: string[] = [];
  const seen = { starts: 0, sweeps: 0, swept: new Set<number>(), tableReports: 0, isUp: false };
  const work = { isThere: true, hasSockets: false };
  const waiting = new Set<() => void>();
  const happened = () => {
    for (const check of waiting) check();
  };
  const host = new WorkerHost({
    settings: { periodMs: ofPeriodMs, timeoutMs: periodMs, jitter: 0, concurrency: 128 },
    board: board.buffer,
    api: {
      sweep: (ids) => {
        seen.sweeps += 1;
        for (const id of ids) seen.swept.add(id);
        host.heard();
        happened();
      },
      pollTurn: async () => {},
      conclude: () => {},
      stalled: () => {},
      concludeSocket: () => {},
      tableFailed: () => {
        seen.tableReports += 1;
        happened();
      },
      panicked: () => {},
    },
    sockets: new SocketTable().buffer,
    hasTargets: () => work.isThere,
    hasSockets: () => work.hasSockets,
    onStarted: () => {
      seen.starts += 1;
      seen.isUp = true;
      // Not one that cannot be ended: it is to be left.
      const [newest] = [...threads.alive].slice(-1);
      if (threads.next === 'is terminated by others' && newest !== undefined) void threads.end(newest);
      happened();
    },
    onGone: () => {
      seen.isUp = false;
    },
    onLost: (error, retryInMs) => {
      losses.push({ error, retryInMs });
      happened();
    },
    onWaiting: (message) => {
      waits.push(message);
      happened();
    },
    filename: threads.entry,
    timing: { firstRetryMs: 1, shortestLastRetryMs: 20, startMs: 1000, answerMs: 400, ...timing },
  });
  /** Resolves as soon as the condition holds; it is checked whenever something happens. */
  const until = (condition: () => boolean) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (!condition()) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
    });
  return { host, board, losses, waits, seen, work, until };
}

/** An agent does not keep the process alive, and these tests have nothing else that does. */
export function holdProcess(): () => void {
  const hold = setInterval(() => {}, 60_000);
  return () => clearInterval(hold);
}
