import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { webSocket } from 'zeo-keepalive/ws';
import { QuickAgent, until } from './real-server.js';

async function open(t: TestContext) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  t.after(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const accepted = once(server, 'connection').then(([socket]) => socket as WebSocket);
  return { client, accepted };
}

describe('The adapter for ws', { timeout: 60_000 }, () => {
  it('pings both sides, from when they are open until they are closed', async (t) => {
    await using quick = new QuickAgent();
    const { client, accepted } = await open(t);
    quick.registry.open('feed', webSocket(client));
    quick.registry.open('reader', webSocket(await accepted));
    await Promise.all([quick.pings('feed'), quick.pings('reader')]);
    client.close();
    await until(() => quick.registry.opened.size === 0);
    assert.deepEqual(quick.deaths, []);
  });

  it('has a peer found that hangs', async (t) => {
    await using quick = new QuickAgent();
    const { client, accepted } = await open(t);
    quick.registry.open('feed', webSocket(client, { hangTimeout: 0.6 }));
    await quick.pings('feed');
    // Its kernel receives the pings, and it does not read them.
    ((await accepted) as unknown as { readonly _socket: Socket })._socket.pause();
    const [code] = await once(client, 'close');
    assert.deepEqual([code, quick.deaths[0]?.diagnosis], [1006, 'peer-hangs']);
  });

  it('does not lose a connection that is paused, nor ping it', async (t) => {
    await using quick = new QuickAgent();
    const [{ client }, { client: other }] = [await open(t), await open(t)];
    quick.registry.open('feed', webSocket(client, { hangTimeout: 0.4 }));
    quick.registry.open('other', webSocket(other));
    await quick.pings('feed');
    client.pause();
    await quick.pings('other', 8);
    client.resume();
    await quick.pings('feed');
    assert.deepEqual(quick.deaths, []);
  });

  it('refuses what is not an open WebSocket of ws, and the same one twice', async (t) => {
    const { client, accepted } = await open(t);
    await Promise.all([accepted, once(client, 'open')]);
    const code = 'ERR_KEEPALIVE_INVALID_ARGUMENT';
    assert.throws(() => webSocket({} as WebSocket), { code, message: /expected a WebSocket of ws/ });
    webSocket(client);
    assert.throws(() => webSocket(client), { code, message: /one that has no adapter yet/ });
    client.terminate();
    await once(client, 'close');
    assert.throws(() => webSocket(client), { code, message: /that is not closed/ });
  });
});
