import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SocketTarget } from '#src/adapters/socket-target.js';
import { StorageRegistry } from '#src/agent/storage-registry.js';

/** A target whose ping is echoed. */
async function connected(t: TestContext): Promise<SocketTarget> {
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
  return target;
}

it('An idle connection was last heard of at the answer to its ping, whenever it is asked', async (t) => {
  const target = await connected(t);
  await target.ping();
  const answeredAt = performance.now();
  await sleep(20);
  const { lastReceivedAt = Number.POSITIVE_INFINITY } = target;
  assert.ok(lastReceivedAt <= answeredAt, `${lastReceivedAt - answeredAt} ms after the answer`);
});

it('A listener of a connection that throws does not disturb the client, nor the other listeners', async (t) => {
  const target = await connected(t);
  const warned = once(process, 'warning');
  target.once('closed', () => {
    throw new Error('of a listener');
  });
  const heard = once(target, 'closed');
  target.end();
  await heard;
  assert.match(String((await warned)[0]), /A listener of closed threw: Error: of a listener/);
});

it('A connection whose pings were ended in the registry can be opened there again', async (t) => {
  const target = await connected(t);
  const registry = new StorageRegistry();
  registry.open('session', target);
  assert.equal(await registry.close('session'), true);
  registry.open('session', target);
  assert.equal(target.ready, true);
  await target.ping();
  const left = once(registry, 'closed');
  target.end();
  assert.deepEqual(await left, ['session', target]);
});
