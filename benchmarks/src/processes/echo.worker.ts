import { once } from 'node:events';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { connect } from '../../../dist/src/threads/endpoint.js';
import { answerSweep } from '../../../dist/src/threads/sweep-calls.js';

/** The calls that this thread serves. */
export interface Echo {
  count(ids: Uint32Array): number;
}

if (parentPort === null) throw new Error('This is a worker of the benchmark');
const [{ raw, served }] = (await once(parentPort, 'message')) as [{ raw: MessagePort; served: MessagePort }];
raw.on('message', (message) => raw.postMessage(message));
const echo: Echo = { count: (ids) => ids.length };
const host = {
  sweep: async () => [],
  panicked: (error: Error) => {
    throw error;
  },
};
const { send } = connect(served, echo, (numbers) => void answerSweep(numbers, host, send));
