import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { Relay, type RelayedConnection } from './relay.js';
import { sleep, until } from './turning-clock.js';

/** A client, the relay, and a server that records what it receives. */
async function setUp(prepare: (relay: Relay) => void = () => {}) {
  const listener = createServer({ allowHalfOpen: true });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const relay = await Relay.listen(`127.0.0.1:${(listener.address() as { port: number }).port}`);
  prepare(relay);
  const arrived = once(listener, 'connection');
  const port = Number(relay.address.split(':')[1]);
  const client = end(connect({ port, host: '127.0.0.1', allowHalfOpen: true }));
  await once(client.socket, 'connect');
  const isMute = relay.welcome.kind === 'mute';
  const server = isMute ? undefined : end((await arrived)[0] as Socket);
  return {
    relay,
    client,
    server: server as ReturnType<typeof end>,
    connection: relay.current as RelayedConnection,
    async [Symbol.asyncDispose]() {
      client.socket.destroy();
      server?.socket.destroy();
      await relay.close();
      listener.close();
    },
  };
}

/** One end of the connection, and what has happened to it. */
function end(socket: Socket) {
  const seen = { received: '', ended: false, error: undefined as string | undefined, closed: false };
  socket.on('data', (bytes) => {
    seen.received += bytes.toString('latin1');
  });
  socket.on('end', () => {
    seen.ended = true;
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    seen.error = error.code;
  });
  socket.on('close', () => {
    seen.closed = true;
  });
  return { socket, seen };
}

const soon = (condition: () => boolean, what: string) => until(condition, 10_000, what);
/** Long enough for an event that must not happen to have happened. */
const aWhile = () => sleep(100);

describe('the relay', { timeout: 60_000 }, () => {
  it('passes bytes and ends in both directions', async () => {
    await using t = await setUp();
    t.client.socket.write('question');
    await soon(() => t.server.seen.received === 'question', 'the question');
    t.server.socket.end('answer');
    await soon(() => t.client.seen.received === 'answer' && t.client.seen.ended, 'the answer and the end');
    t.client.socket.end('bye');
    await soon(() => t.server.seen.received === 'questionbye' && t.server.seen.ended, 'the rest');
  });

  it('goes silent in one direction while both sockets stay open', async () => {
    await using t = await setUp();
    t.connection.toServer.manner = { kind: 'swallow' };
    t.client.socket.write('lost');
    t.server.socket.write('heard');
    await soon(() => t.client.seen.received === 'heard', 'the other direction');
    await aWhile();
    assert.equal(t.server.seen.received, '');
    assert.equal(t.client.seen.closed || t.server.seen.closed, false);
  });

  it('hides the end of the server behind a silent direction', async () => {
    await using t = await setUp();
    t.connection.silence();
    t.server.socket.destroy();
    await aWhile();
    assert.equal(t.client.seen.ended || t.client.seen.closed, false);
  });

  it('holds bytes back and then passes them on in order', async () => {
    await using t = await setUp();
    t.connection.toClient.manner = { kind: 'hold' };
    t.server.socket.write('one ');
    await aWhile();
    t.server.socket.write('two');
    await aWhile();
    assert.equal(t.client.seen.received, '');
    t.connection.toClient.manner = { kind: 'pass' };
    await soon(() => t.client.seen.received === 'one two', 'both');
  });

  it('cuts after a number of bytes and reports when', async () => {
    await using t = await setUp();
    let cut = false;
    t.connection.toClient.manner = { kind: 'cut', afterBytes: 5, cut: () => (cut = true) };
    t.server.socket.write('123');
    await soon(() => t.client.seen.received === '123', 'the first part');
    assert.equal(cut, false);
    t.server.socket.write('4567');
    await soon(() => cut, 'the cut');
    await aWhile();
    assert.equal(t.client.seen.received, '12345');
  });

  it('lets bytes trickle through one at a time', async () => {
    await using t = await setUp();
    t.connection.toClient.manner = { kind: 'trickle', everyMs: 20 };
    const chunks: number[] = [];
    t.client.socket.on('data', (bytes) => chunks.push(bytes.length));
    t.server.socket.write('12345');
    await soon(() => t.client.seen.received === '12345', 'all');
    assert.ok(chunks.length >= 2, `${chunks}`);
  });

  it('delays bytes and the end without reordering them', async () => {
    await using t = await setUp();
    t.connection.toClient.manner = { kind: 'delay', ms: 80 };
    const startMs = performance.now();
    t.server.socket.write('a');
    setTimeout(() => t.server.socket.end('b'), 20);
    await soon(() => t.client.seen.ended, 'the end');
    assert.equal(t.client.seen.received, 'ab');
    // No upper limit: that depends on the machine.
    assert.ok(performance.now() - startMs >= 95);
  });

  it('corrupts every byte that passes through it', async () => {
    await using t = await setUp();
    t.connection.toClient.manner = { kind: 'corrupt' };
    t.server.socket.write(Buffer.from([0, 255, 15]));
    await soon(() => t.client.seen.received === '\xff\x00\xf0', 'the inverse');
  });

  it('resets the connection at both of its ends', async () => {
    await using t = await setUp();
    t.connection.reset();
    await soon(() => t.client.seen.closed, 'closed');
    assert.equal(t.client.seen.error, 'ECONNRESET');
  });

  it('half-closes towards the client and still passes on its bytes', async () => {
    await using t = await setUp();
    t.connection.halfClose();
    await soon(() => t.client.seen.ended, 'the end');
    t.client.socket.write('still');
    await soon(() => t.server.seen.received === 'still', 'what was sent after');
  });

  it('accepts a connection and stays silent if it is mute', async () => {
    await using t = await setUp((relay) => {
      relay.welcome = { kind: 'mute' };
    });
    t.client.socket.write('hello?');
    await aWhile();
    assert.equal(t.client.seen.received, '');
    assert.equal(t.client.seen.closed, false);
    assert.equal(t.relay.connections.size, 0);
    assert.equal(t.relay.accepted, 1);
  });
});
