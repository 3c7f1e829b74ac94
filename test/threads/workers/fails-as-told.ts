// A worker that fails, or is late, in the way that the environment variable FAILURE names; without one it is the real worker.

import type { HostApi, WorkerInit } from '#src/threads/contract.js';
import { connect } from '#src/threads/endpoint.js';
import install from '../../../workers/keep-alive.worker.js';

function spin(): never {
  for (;;);
}

const never = () => new Promise<never>(() => {});

function exhaustMemory(): never {
  const kept: number[][] = [];
  for (;;) kept.push(Array.from({ length: 100_000 }, (_, index) => index));
}

const atImport: Readonly<Record<string, () => unknown>> = {
  'throws at import': () => {
    throw new Error('thrown at import');
  },
  'exits at import': () => process.exit(3),
  'waits at import': never,
  'spins at import': spin,
};

/** The failures while the loop is installed, or soon afterwards. */
const atInit: Readonly<Record<string, (init: WorkerInit) => unknown>> = {
  'throws in the init': () => {
    throw new Error('thrown by the init');
  },
  'rejects in the init': async () => {
    throw new Error('rejected by the init');
  },
  'never installs': never,
  'exits in the init': () => process.exit(3),
  'exits at once': () => setImmediate(() => process.exit(3)),
  'throws later': () =>
    setTimeout(() => {
      throw new Error('thrown by a timer');
    }, 20),
  'rejects later': () => void setTimeout(() => Promise.reject(new Error('rejected by a timer')), 20),
  'closes its port': ({ port }) => setImmediate(() => port.close()),
  'runs out of memory': () => void setTimeout(exhaustMemory, 20),
  hangs: ({ port }) => {
    connect(port, { alive: () => true });
    setTimeout(spin, 20);
  },
  'cannot be ended': ({ port }) => {
    connect(port, { alive: never });
  },
  'comes up late': async (init) => {
    install(init);
    await new Promise((resolve) => setTimeout(resolve, 500));
  },
  'asks for nothing': ({ port }) => {
    // As it could end the process: see WorkerThread.
    if (process.features.require_module) throw new Error('This thread can require modules');
    const { remote } = connect<HostApi>(port, {
      alive: () => true,
      targetsChanged: () => {},
      // The one call by which the test can tell.
      socketsChanged: () => void remote.tableFailed(undefined),
    });
  },
};

const failure = process.env.FAILURE ?? '';
await atImport[failure]?.();
const failing = atInit[failure];

async function run(init: WorkerInit): Promise<void> {
  if (failing === undefined) install(init);
  else await failing(init);
}

export default failure === 'exports nothing' ? undefined : run;
