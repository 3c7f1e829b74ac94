// A worker that fails in the way that the environment variable FAILURE names, and is the real one where it names none.

import type { Installation } from '#src/threads/contract.js';
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

/** What fails while the loop is installed, or soon afterwards. */
const atInstallation: Readonly<Record<string, (installation: Installation) => unknown>> = {
  'throws in the installation': () => {
    throw new Error('thrown by the installation');
  },
  'rejects in the installation': async () => {
    throw new Error('rejected by the installation');
  },
  'never installs': never,
  'exits in the installation': () => process.exit(3),
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
  'asks for nothing': ({ port }) => {
    connect(port, { alive: () => true, storagesChanged: () => {} });
  },
};

const failure = process.env.FAILURE ?? '';
await atImport[failure]?.();
const failing = atInstallation[failure];

async function run(installation: Installation): Promise<void> {
  if (failing === undefined) install(installation);
  else await failing(installation);
}

export default failure === 'exports nothing' ? undefined : run;
