import { once } from 'node:events';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { connect } from '../src/rpc/endpoint.js';
import type { Echo } from './rpc.js';

if (parentPort === null) throw new Error('This is a worker of the benchmark');
const [{ raw, served }] = (await once(parentPort, 'message')) as [{ raw: MessagePort; served: MessagePort }];
raw.on('message', (message) => raw.postMessage(message));
const echo: Echo = { sweep: (ids) => ids.length };
connect(served, echo);
