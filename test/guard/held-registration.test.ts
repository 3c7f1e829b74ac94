import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { ZeoServer } from 'zeo-keepalive/testing';
import { until } from '../support/turning-clock.js';
import { frame } from '../zeo/protocol/byte-builder.js';
import { WireClient } from '../zeo/server/wire-client.js';
import { listenRaw, ScriptedPeer, silence } from '../zeo/storage/scripted-peer.js';
import { startGuard } from './guarded.js';

const patienceMs = 20_000;

describe('A server that does not answer a registration', { timeout: 60_000 }, () => {
  it('stays up if it serves others, and greets', async (t) => {
    const peer = await ScriptedPeer.listen();
    t.after(() => peer.close());
    const { register } = peer.handlers;
    const guarded = await startGuard(t, [peer.address], { timeout: 0.3 });
    const { frontend } = guarded;
    const downs: Error[] = [];
    frontend.on('serverDown', (_, error) => downs.push(error));
    const other = await WireClient.register(guarded);
    t.after(() => other.close());
    peer.handlers.register = () => silence;
    const held = await WireClient.connect(guarded);
    const { accepted } = peer;
    await assert.rejects(held.call('register', '1', false), /Connection closed/);
    // The guard finds out by a connection of its own.
    await until(() => peer.accepted > accepted && peer.connections.size === 1, patienceMs, 'its end');
    peer.handlers.register = register ?? (() => null);
    const next = await WireClient.register(guarded);
    await Promise.all([other.call('ping'), next.call('ping')]);
    await next.close();
    assert.deepEqual(downs, []);
  });

  it('is down if it does not greet either', async (t) => {
    let isMute = false;
    await using server = await listenRaw((socket) => {
      if (!isMute) socket.resume().write(frame('Z5'));
    });
    const guarded = await startGuard(t, [server.address], { period: 60, timeout: 0.3 });
    const down = once(guarded.frontend, 'serverDown');
    const held = await WireClient.connect(guarded);
    isMute = true;
    await assert.rejects(held.call('register', '1', false), /Connection closed/);
    const [, error] = await down;
    assert.match(error.message, /did not greet within 0.3 s/);
  });

  it('is passed over for the next client if it serves none, without being down', async (t) => {
    const stuck = await ScriptedPeer.listen({ handlers: { register: () => silence } });
    t.after(() => stuck.close());
    await using second = await ZeoServer.listen();
    const guarded = await startGuard(t, [stuck.address, second.address], { timeout: 0.3 });
    const held = await WireClient.connect(guarded);
    await assert.rejects(held.call('register', '1', false), /Connection closed/);
    const next = await WireClient.register(guarded);
    assert.deepEqual([second.connections.size, guarded.frontend.backends[0]?.isUp], [1, true]);
    await next.close();
  });
});
