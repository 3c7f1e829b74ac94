import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SocketTarget } from '#src/adapters/socket-target.js';

it('An idle connection was last heard of at the answer to its ping, whenever it is asked', async (t) => {
  const server = createServer((peer) => peer.on('error', () => {}).pipe(peer));
  server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  const ping = (settled: () => void) => {
    socket.once('data', settled);
    socket.write('?');
  };
  const target = new SocketTarget({ isBusy: () => false, ping, emitters: [socket] }, {});
  target.attach(socket);
  await target.ping();
  const answeredAt = performance.now();
  await sleep(20);
  const { lastReceivedAt = Number.POSITIVE_INFINITY } = target;
  assert.ok(lastReceivedAt <= answeredAt, `${lastReceivedAt - answeredAt} ms after the answer`);
});
