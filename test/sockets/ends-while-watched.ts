/* A host that watches its connections, never disposes of the watcher, and has nothing else to do. */
import { once } from 'node:events';
import net from 'node:net';
import { until, watch } from './watching.js';

const watcher = watch();
const server = net.createServer((socket) => void socket.resume()).listen(0, '127.0.0.1');
await once(server, 'listening');
const socket = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
await until(() => watcher.table.reader.count === 1);
socket.end();
server.close();
console.log('done');
