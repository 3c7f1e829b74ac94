/*
 * A host in which OpenTelemetry's instrumentation of node:net and this package observe connections at the same time, in the
 * order that the first argument has: `before` or `after` the instrumentation. `wrap` as the second one: by the wrapper also
 * where the diagnostics channel has them all. Writes what each of the two has seen after each step.
 */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import net, { type AddressInfo } from 'node:net';
import { NetInstrumentation } from '@opentelemetry/instrumentation-net';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { observeConnects, wrapConnect } from '#src/sockets/discovery.js';

const [order, how] = process.argv.slice(2);
const exporter = new InMemorySpanExporter();
const instrumentation = new NetInstrumentation({ enabled: false });
instrumentation.setTracerProvider(
  new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
);

const native = net.Socket.prototype.connect;

let observed = 0;
const observe = () => {
  const onConnect = () => {
    observed += 1;
  };
  return how === 'wrap' ? wrapConnect(onConnect, net.Socket) : observeConnects(onConnect, () => net.Socket);
};
const instrument = () => {
  instrumentation.enable();
  // It patches a module when that is required for the first time.
  createRequire(import.meta.url)('node:net');
};

const server = net.createServer((socket) => void socket.end()).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;

async function connectOnce(step: string): Promise<void> {
  observed = 0;
  exporter.reset();
  const socket = new net.Socket();
  const returned = socket.connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  const local = socket.localPort;
  socket.resume();
  await once(socket, 'close');
  const spans = exporter.getFinishedSpans().filter(({ name }) => name === 'tcp.connect');
  console.log(
    `${step}: ${observed} observed, ${spans.length} span${returned === socket && local ? '' : ', and it is broken'}`,
  );
}

let observing: Disposable;
if (order === 'before') {
  observing = observe();
  instrument();
} else {
  instrument();
  observing = observe();
}
await connectOnce('both');
observing[Symbol.dispose]();
await connectOnce('disposed');
observing = observe();
await connectOnce('observed again');
// Where the wrapper is used it is the topmost one by now.
instrumentation.disable();
await connectOnce('observed only');
instrument();
await connectOnce('both again');
instrumentation.disable();
observing[Symbol.dispose]();
await connectOnce('neither');
console.log(`native: ${net.Socket.prototype.connect === native}`);
server.close();
