import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSocket, openSocketReusingMemory } from '#src/zeo/connection/socket.js';

const bytes = 8 * 1024 * 1024;

/** Each word is its own index, so that any overwritten or misplaced one is detected. */
const sent = Buffer.from(Uint32Array.from({ length: bytes / 4 }, (_, index) => index).buffer);

async function listen(t: TestContext, onConnection: (socket: Socket) => void): Promise<AddressInfo> {
  const server = createServer(onConnection).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return server.address() as AddressInfo;
}

describe('A socket to a server', { timeout: 60_000 }, () => {
  it('relays every byte to a reader slower than the server', async (t) => {
    const origin = await listen(t, (socket) => socket.end(sent));
    const { signal } = new AbortController();
    const relay = await listen(t, async (socket) =>
      (await openSocket({ host: '127.0.0.1', port: origin.port }, {}, signal)).pipe(socket),
    );
    const reader = await openSocket({ host: '127.0.0.1', port: relay.port }, {}, signal);
    t.after(() => reader.destroy());
    const received: Buffer[] = [];
    for await (const chunk of reader) {
      received.push(chunk);
      await sleep(1);
    }
    assert.ok(Buffer.concat(received).equals(sent));
  });

  it('can read every chunk into the same reused memory', async (t) => {
    const origin = await listen(t, (socket) => socket.end(sent));
    const buffers = new Set<ArrayBufferLike>();
    let total = 0;
    const onChunk = (chunk: Uint8Array) => {
      buffers.add(chunk.buffer);
      total += chunk.length;
    };
    const { signal } = new AbortController();
    const socket = await openSocketReusingMemory(
      { host: '127.0.0.1', port: origin.port },
      {},
      onChunk,
      signal,
    );
    await once(socket, 'close');
    assert.deepEqual([total, buffers.size], [bytes, 1]);
  });
});
