import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import net from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { Reporter } from '#src/agent/report/reporter.js';
import { resolveSettings, type Settings } from '#src/agent/settings.js';
import { SocketKeeper } from '#src/agent/socket-keeper.js';
import type { ConnectionDiedEvent, KeepAliveEvents } from '#src/model/events.js';
import { channels } from '#src/observability/channels.js';
import { createLog } from '#src/observability/log.js';
import { SocketMatcher } from '#src/sockets/matcher.js';
import type { SocketDeath } from '#src/threads/contract.js';
import { SocketTable } from '#src/threads/socket-table.js';
import { PeerServer } from '../sockets/watching.js';
import { rowsOf } from '../threads/socket-rows.js';
import { captureLog } from './captured-log.js';

/** At the latest there is a look after this time. */
const lookMs = 1000;
const death: SocketDeath = {
  diagnosis: 'path-or-host-gone',
  unansweredMs: 1234,
  by: 'retransmits',
  count: 3,
  unacknowledgedBytes: 100,
};

/** Its timers are turned by hand. */
function keep(t: TestContext, patterns = '127.0.0.0/8') {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const log = captureLog();
  const events = new EventEmitter<KeepAliveEvents>();
  const died: ConnectionDiedEvent[] = [];
  events.on('connectionDied', (event) => died.push(event));
  const table = new SocketTable();
  const { settings } = resolveSettings({ period: 1 }, {});
  let firsts = 0;
  const keeper = new SocketKeeper({
    settings: settings as Settings,
    matcher: SocketMatcher.fromVariable(patterns) as SocketMatcher,
    table,
    reporter: new Reporter(createLog({ logger: log.logger }), events),
    onFirst: () => {
      firsts += 1;
    },
  });
  t.after(() => keeper[Symbol.dispose]());
  return {
    keeper,
    table,
    log,
    died,
    firsts: () => firsts,
    pass: (ms: number) => t.mock.timers.tick(ms),
    rows: () => rowsOf(table.reader),
    concludeAll: () => {
      for (const { slot, sequence } of rowsOf(table.reader)) keeper.conclude(slot, sequence, death);
    },
  };
}

async function connected(t: TestContext, peer: PeerServer, { isHeard = true } = {}): Promise<net.Socket> {
  const socket = net.connect(peer.port, '127.0.0.1');
  if (isHeard) socket.on('error', () => {});
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

describe('The keeper of sockets', { timeout: 60_000 }, () => {
  it('destroys a dead socket with an error that says what the kernel saw', async (t) => {
    await using peer = await PeerServer.listen();
    const { pass, concludeAll, died, log } = keep(t);
    const socket = await connected(t, peer);
    pass(lookMs);
    const [[error]] = await Promise.all([once(socket, 'error'), concludeAll()]);
    const name = `tcp 127.0.0.1:${peer.port}`;
    assert.equal(error.code, 'ERR_KEEPALIVE_TIMEOUT');
    assert.equal(error.retryable, true);
    assert.match(error.message, /^tcp 127\.0\.0\.1:\d+: 3 retransmissions were not acknowledged in 1\.2 s, /);
    assert.equal(died.length, 1);
    const { silentMs, diagnosis } = died[0] as ConnectionDiedEvent;
    assert.deepEqual(
      [died[0]?.name, died[0]?.error, silentMs, diagnosis],
      [name, error, 1234, death.diagnosis],
    );
    assert.deepEqual(log.messages(), [`Connection for ${name} failed`]);
  });

  it('publishes a death on the channel of all deaths', async (t) => {
    await using peer = await PeerServer.listen();
    const { pass, concludeAll, died } = keep(t);
    const published: unknown[] = [];
    const listener = (message: unknown) => published.push(message);
    channels.connectionDied.subscribe(listener);
    t.after(() => channels.connectionDied.unsubscribe(listener));
    await connected(t, peer);
    pass(lookMs);
    concludeAll();
    assert.deepEqual(published, died);
    assert.equal(published.length, 1);
  });

  it('closes a socket without an error where nobody listens for it', async (t) => {
    await using peer = await PeerServer.listen();
    const { pass, concludeAll, log } = keep(t);
    const socket = await connected(t, peer, { isHeard: false });
    pass(lookMs);
    concludeAll();
    const [hadError] = await once(socket, 'close');
    assert.equal(hadError, false);
    assert.match(
      log.messages().at(-1) as string,
      /; it had no listener for errors, so it was closed without one$/,
    );
  });

  it('leaves the next socket alone that has the slot of a dead one', async (t) => {
    await using peer = await PeerServer.listen();
    const { keeper, pass, rows, died, log } = keep(t);
    const first = await connected(t, peer);
    pass(lookMs);
    const [old] = rows();
    first.destroy();
    await once(first, 'close');
    pass(lookMs);
    const second = await connected(t, peer);
    pass(lookMs);
    assert.equal(rows()[0]?.slot, old?.slot);
    keeper.conclude(old?.slot as number, old?.sequence as number, death);
    assert.equal(second.destroyed, false);
    assert.deepEqual([died.length, log.lines.length], [0, 0]);
  });

  it('says nothing of a socket that was destroyed before its verdict', async (t) => {
    await using peer = await PeerServer.listen();
    const { pass, concludeAll, died, log, keeper } = keep(t);
    const socket = await connected(t, peer);
    pass(lookMs);
    socket.destroy();
    concludeAll();
    keeper.conclude(77, 1, death);
    assert.deepEqual([died.length, log.lines.length], [0, 0]);
  });

  it('makes one line of a hundred that die at once, and an event of each', async (t) => {
    await using peer = await PeerServer.listen();
    const { pass, rows, concludeAll, died, log } = keep(t);
    for (let n = 0; n < 100; n++) await connected(t, peer);
    // A look admits fifty new ones, and the rest in the next turn of the loop.
    pass(lookMs);
    while (rows().length < 100) await new Promise(setImmediate);
    concludeAll();
    assert.equal(died.length, 100);
    assert.equal(log.messages().length, 1);
    assert.deepEqual([...new Set(died.map(({ name }) => name))], [`tcp 127.0.0.1:${peer.port}`]);
  });

  it('reports that there are sockets only when there were none', async (t) => {
    await using peer = await PeerServer.listen();
    const { pass, firsts } = keep(t);
    const sockets = [await connected(t, peer), await connected(t, peer)];
    pass(lookMs);
    assert.equal(firsts(), 1);
    for (const socket of sockets) {
      socket.destroy();
      await once(socket, 'close');
    }
    pass(lookMs);
    await connected(t, peer);
    pass(lookMs);
    assert.equal(firsts(), 2);
  });

  it('warns once of patterns that have matched nothing within a minute', async (t) => {
    await using peer = await PeerServer.listen();
    const { pass, log } = keep(t, '127.0.0.1, *.example.org:5432');
    await connected(t, peer);
    pass(59_999);
    assert.deepEqual(log.messages(), []);
    pass(10 * 60_000);
    const [message, ...others] = log.messages();
    assert.match(
      message as string,
      /^No connection that matches "\*\.example\.org:5432" was opened in 60 s; /,
    );
    assert.deepEqual(others, []);
  });

  it('says that connections to loopback have to be named when there were no others', async (t) => {
    await using peer = await PeerServer.listen();
    const { pass, log } = keep(t, 'all');
    await connected(t, peer);
    pass(60_000);
    const [message] = log.messages();
    assert.match(message as string, /^Only connections to loopback that match "all" were opened in 60 s, /);
  });

  it('leaves open connections as they are when it is disposed of', async (t) => {
    await using peer = await PeerServer.listen();
    const { keeper, pass, rows, log } = keep(t, '127.0.0.1, 10.0.0.1');
    const socket = await connected(t, peer);
    pass(lookMs);
    const [{ slot, sequence }] = rows() as [ReturnType<typeof rows>[number]];
    keeper[Symbol.dispose]();
    await connected(t, peer);
    pass(120_000);
    keeper.conclude(slot, sequence, death);
    assert.equal(socket.destroyed, false);
    assert.deepEqual([rows(), [...keeper.watched()], log.messages()], [[], [], []]);
  });
});
