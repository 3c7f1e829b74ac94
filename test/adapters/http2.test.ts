import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  connect,
  createSecureServer,
  createServer,
  type Http2Server,
  type ServerHttp2Session,
} from 'node:http2';
import { type AddressInfo, connect as connectSocket, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, it, type TestContext } from 'node:test';
import { http2Session } from 'zeo-keepalive/http2';
import { SuiteCertificates } from '../tls/certificates.js';
import { host, QuickAgent, until } from './real-server.js';

const portOf = (server: { address(): AddressInfo | string | null }) => (server.address() as AddressInfo).port;

/** A server that begins to answer each request, and leaves it open. */
async function listen(t: TestContext, server: Http2Server = createServer()) {
  const sessions: ServerHttp2Session[] = [];
  server.on('session', (session) => sessions.push(session));
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    stream.respond();
    stream.write('begun');
  });
  server.listen(0, host);
  await once(server, 'listening');
  t.after(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { sessions, authority: `http://${host}:${portOf(server)}` };
}

function open(t: TestContext, authority: string, options: Parameters<typeof connect>[1] = {}) {
  const session = connect(authority, options);
  t.after(() => session.destroy());
  return session;
}

/** A request that is answered, but not to its end. */
async function openStream(session: ClientHttp2Session) {
  const stream = session.request();
  stream.resume();
  const response = once(stream, 'response');
  stream.removeAllListeners('error');
  await response;
  return stream;
}

/** A server in a process of its own, which can be stopped. */
const program = `import { createServer } from 'node:http2';
const server = createServer().on('stream', (stream) => stream.on('error', () => {}).respond());
server.listen(0, '${host}', () => console.log(server.address().port));`;

async function startProcess(t: TestContext) {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const [port] = await once(child.stdout.setEncoding('utf8'), 'data');
  return { child, authority: `http://${host}:${Number(port)}` };
}

describe('The adapter for node:http2', { timeout: 120_000 }, () => {
  const certificates = SuiteCertificates.make();

  it('pings both sides, from when they are connected until they are closed', async (t) => {
    await using quick = new QuickAgent();
    const { authority, sessions } = await listen(t);
    const session = open(t, authority);
    // It is still connecting.
    quick.registry.open('api', http2Session(session));
    await once(session, 'connect');
    await until(() => sessions.length > 0);
    quick.registry.open('caller', http2Session(sessions[0] as ServerHttp2Session));
    await Promise.all([quick.pings('api'), quick.pings('caller')]);
    session.close();
    await until(() => quick.registry.opened.size === 0);
    assert.deepEqual(quick.deaths, []);
  });

  it('has a peer found that hangs over TLS', async (t) => {
    await using quick = new QuickAgent();
    const { key, cert } = certificates.server;
    const server = createSecureServer({ key, cert }) as unknown as Http2Server;
    const { sessions, authority } = await listen(t, server);
    const session = open(t, authority.replace('http:', 'https:'), { ca: certificates.authority.cert });
    const target = http2Session(session, { hangTimeout: 0.6 });
    quick.registry.open('api', target);
    await quick.pings('api');
    assert.equal(target.socketPorts?.remote, portOf(server));
    // Its kernel receives the pings, and it does not read them.
    const { _handle: handle } = socketOf(sessions[0] as ServerHttp2Session);
    (handle._parent as { readStop(): void }).readStop();
    session.once('error', () => {});
    await new Promise((resolve) => session.once('close', resolve));
    assert.equal(quick.deaths[0]?.diagnosis, 'peer-hangs');
  });

  it('has a server found that hangs, and fails the streams that are open', async (t) => {
    await using quick = new QuickAgent();
    const { child, authority } = await startProcess(t);
    const session = open(t, authority);
    quick.registry.open('api', http2Session(session, { hangTimeout: 0.6 }));
    const [heard, unheard] = [await openStream(session), await openStream(session)];
    await quick.pings('api');
    const failed = new Promise((resolve) => heard.once('error', resolve));
    child.kill('SIGSTOP');
    const error = (await failed) as NodeJS.ErrnoException;
    // Nobody listens for errors of the session, nor of this one.
    if (!unheard.closed) await new Promise((resolve) => unheard.once('close', resolve));
    assert.deepEqual(
      [error.code, quick.deaths[0]?.diagnosis, session.destroyed],
      ['ERR_KEEPALIVE_TIMEOUT', 'peer-hangs', true],
    );
    await until(() => quick.registry.opened.size === 0 && session.listenerCount('error') === 0);
  });

  it('waits with its ping while all those that are permitted are out', async (t) => {
    await using quick = new QuickAgent();
    const { authority } = await listen(t);
    const session = open(t, authority, { maxOutstandingPings: 1 });
    await once(session, 'connect');
    quick.registry.open('api', http2Session(session, { hangTimeout: 5 }));
    await quick.pings('api');
    const answered = new Promise((resolve) => {
      const again = () => {
        // Refused while one of the agent's is out.
        if (!session.ping((error) => error === null && resolve(undefined))) setImmediate(again);
      };
      quick.agent.on('pingStarted', again);
    });
    quick.agent.on('pingStarted', () => session.ping(() => {}));
    await Promise.all([answered, quick.pings('api', 3)]);
    assert.deepEqual([quick.agent.status().connections[0]?.failures, quick.deaths], [0, []]);
  });

  it('does not try a refused ping again on a session that was destroyed', async (t) => {
    const { authority } = await listen(t);
    const session = open(t, authority, { maxOutstandingPings: 1 });
    await once(session, 'connect');
    const target = http2Session(session);
    t.mock.timers.enable({ apis: ['setTimeout'] });
    session.ping(() => {});
    // Refused, since the application has one out.
    const ping = target.ping(new AbortController().signal);
    session.destroy();
    t.mock.timers.tick(100);
    await assert.rejects(ping, /The connection was lost/);
  });

  it('leaves a session alone that the application destroys as it connects', async (t) => {
    await using quick = new QuickAgent();
    const { authority } = await listen(t);
    const session = open(t, authority);
    session.once('connect', () => session.destroy());
    quick.registry.open('api', http2Session(session));
    await until(() => quick.registry.opened.size === 0);
    assert.deepEqual([quick.answered, quick.deaths], [[], []]);
  });

  it('does not lose a session that closes while a stream of it is open', async (t) => {
    await using quick = new QuickAgent();
    const { authority, sessions } = await listen(t);
    const [session, other] = [open(t, authority), open(t, authority)];
    quick.registry.open('api', http2Session(session, { hangTimeout: 0.4 }));
    quick.registry.open('other', http2Session(other, { hangTimeout: 0.4 }));
    const stream = await openStream(session);
    await quick.pings('api');
    // It announces so by GOAWAY, after which the other side permits no ping.
    for (const each of sessions) if (socketOf(each).remotePort === socketOf(session).localPort) each.close();
    await until(() => session.closed);
    await quick.pings('other', 8);
    assert.deepEqual([stream.closed, quick.deaths], [false, []]);
    stream.close();
    await until(() => !quick.registry.opened.has('api'));
  });

  it('pings a session over a stream that is no socket', async (t) => {
    await using quick = new QuickAgent();
    const { authority } = await listen(t);
    const socket = connectSocket(Number(new URL(authority).port), host);
    const session = open(t, authority, { createConnection: () => Duplex.from(socket) });
    quick.registry.open('api', http2Session(session));
    await quick.pings('api', 3);
  });

  it('refuses what is not an open session, and the same one twice', async (t) => {
    const { authority } = await listen(t);
    const session = open(t, authority);
    const code = 'ERR_KEEPALIVE_INVALID_ARGUMENT';
    for (const other of [new Socket(), {}, null] as unknown as ClientHttp2Session[])
      assert.throws(() => http2Session(other), {
        code,
        message: /session: expected an Http2Session of node:http2/,
      });
    http2Session(session);
    assert.throws(() => http2Session(session), { code, message: /one that has no adapter yet/ });
    session.destroy();
    assert.throws(() => http2Session(session), { code, message: /that is not closed/ });
  });
});

/** The socket itself, which `session.socket` hides. */
function socketOf({ socket }: ClientHttp2Session | ServerHttp2Session) {
  return (socket as Socket).off('close', () => {}) as Socket & {
    readonly _handle: { readonly _parent: unknown };
  };
}
