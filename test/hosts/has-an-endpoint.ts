// Has an open endpoint that has been used, and nothing else to do.
import { MessageChannel } from 'node:worker_threads';
import { connect } from '#src/threads/endpoint.js';

const { port1, port2 } = new MessageChannel();
const left = connect<{ answer(): number }>(port1, {});
connect(port2, { answer: () => 42 });
await left.remote.answer();
console.log('connected');
port1.unref();
port2.unref();
