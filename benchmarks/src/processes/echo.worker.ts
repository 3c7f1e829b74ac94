import { once } from 'node:events';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { connect, type Endpoint } from '../../../dist/src/threads/endpoint.js';

/** The calls that this thread serves. */
export interface Echo {
  count(ids: Uint32Array): number;
}

if (parentPort === null) throw new Error('This is a worker of the benchmark');
const [{ raw, served }] = (await once(parentPort, 'message')) as [{ raw: MessagePort; served: MessagePort }];
raw.on('message', (message) => raw.postMessage(message));
const echo: Echo = { count: (ids) => ids.length };
const endpoint: Endpoint<object> = connect(served, echo, () => endpoint.send(new Uint32Array(0)));
