import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { ZeoServer } from 'zeo-keepalive/testing';
import { CertificateAuthority, SuiteCertificates } from '../../tls/certificates.js';
import { WireClient } from '../../zeo/server/wire-client.js';
import { startGuard } from '../guarded.js';
import { openTls, registerTls } from './tls-client.js';

/** In good order or not. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

describe('A guard with TLS', { timeout: 60_000 }, () => {
  const certificates = SuiteCertificates.make();
  let stranger: CertificateAuthority;
  before(async () => {
    stranger = await CertificateAuthority.create('Another authority');
  });
  after(() => stranger?.remove());

  const open = (t: TestContext, port: number, tls: ConnectionOptions = certificates.connecting) =>
    openTls(t, port, tls);
  const register = (t: TestContext, port: number) => registerTls(t, port, certificates.connecting);

  it('relays and pings with TLS on both sides, by the certificates of each', async (t) => {
    await using server = await ZeoServer.listen({ tls: certificates.listening });
    const tls = { clients: certificates.listening, servers: certificates.connecting };
    const { agent, port, relays } = await startGuard(t, [server.address], { tls });
    const pinged = once(agent, 'pingSucceeded');
    const client = await register(t, port);
    await pinged;
    await client.call('ping');
    assert.deepEqual(relays[0]?.socketPorts?.remote, server.port);
  });

  it('gives plain clients a server that speaks TLS', async (t) => {
    await using server = await ZeoServer.listen({ tls: certificates.listening });
    const guarded = await startGuard(t, [server.address], { tls: { servers: certificates.connecting } });
    const pinged = once(guarded.agent, 'pingSucceeded');
    const client = await WireClient.register(guarded);
    t.after(() => client.close());
    await pinged;
  });

  it('resets a client with TLS when its server falls silent', async (t) => {
    await using server = await ZeoServer.listen();
    const { port } = await startGuard(t, [server.address], { tls: { clients: certificates.listening } });
    const client = await register(t, port);
    let isEnded = false;
    client.socket.on('end', () => {
      isEnded = true;
    });
    const errors: unknown[] = [];
    client.socket.on('error', ({ code }: NodeJS.ErrnoException) => errors.push(code));
    for (const connection of server.connections) connection.silence();
    await closed(client.socket);
    assert.deepEqual([errors, isEnded], [['ECONNRESET'], false]);
  });

  it('refuses a client whose certificate is missing or of another authority', async (t) => {
    await using server = await ZeoServer.listen();
    const { frontend, port } = await startGuard(t, [server.address], {
      tls: { clients: certificates.listening },
    });
    const foreign = await stranger.client();
    for (const [given, expected] of [
      [{}, /TLS with the client: ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE$/],
      [{ cert: foreign.cert, key: foreign.key }, /TLS with the client: (?:UNABLE_TO|SELF_SIGNED)/],
    ] as const) {
      const refused = once(frontend, 'refused');
      const socket = open(t, port, { ca: certificates.authority.cert, ...given });
      const [[reason]] = await Promise.all([refused, closed(socket)]);
      assert.equal(reason.code, 'ERR_ZEO_TLS');
      assert.match(reason.message, expected);
    }
    await register(t, port);
    assert.equal(server.connections.size, 1);
  });

  it('accepts a client without certificate if it has no authority for them', async (t) => {
    await using server = await ZeoServer.listen();
    const tls = { clients: { ...certificates.listening, ca: undefined } };
    const { port } = await startGuard(t, [server.address], { tls });
    await WireClient.over(open(t, port, { ca: certificates.authority.cert }));
    assert.equal(server.connections.size, 1);
  });

  it('refuses a client that speaks HTTP, and one that says nothing', async (t) => {
    await using server = await ZeoServer.listen();
    const { frontend, port } = await startGuard(t, [server.address], {
      tls: { clients: certificates.listening },
    });
    for (const [said, expected] of [
      ['GET / HTTP/1.1\r\n\r\n', /TLS with the client: ERR_SSL_/],
      ['', /no handshake within 5 s, as from a client without TLS$/],
    ] as const) {
      const refused = once(frontend, 'refused');
      const socket = connect({ port }).on('error', () => {});
      socket.resume().write(said);
      const [[reason]] = await Promise.all([refused, closed(socket)]);
      assert.match(reason.message, expected);
    }
    await register(t, port);
  });

  it('ends handshakes that are under way when it stops', async (t) => {
    await using server = await ZeoServer.listen();
    const tls = { clients: certificates.listening };
    const slow = { tls, period: 100, timeout: 100 };
    const { guard, frontend, port } = await startGuard(t, [server.address], slow);
    const refusals: Error[] = [];
    frontend.on('refused', (reason) => refusals.push(reason));
    const mute = connect({ port }).on('error', () => {});
    mute.resume();
    await once(mute, 'connect');
    // Accepted in order, so this one is known when the next has been served.
    await register(t, port);
    await Promise.all([closed(mute), guard.stop(0)]);
    assert.deepEqual(refusals, []);
  });

  it('closes a connection whose client has ended it before the handshake', async (t) => {
    await using server = await ZeoServer.listen();
    const tls = { clients: certificates.listening };
    const { port } = await startGuard(t, [server.address], { tls, period: 100, timeout: 100 });
    const checking = connect({ port, allowHalfOpen: true });
    const ended = closed(checking.on('error', () => {}).resume());
    checking.end();
    // Long before the time for a handshake is over.
    await ended;
  });

  it('says of a client with TLS at an address without it what is wrong', async (t) => {
    await using server = await ZeoServer.listen();
    const { frontend, port } = await startGuard(t, [server.address]);
    const relayed = once(frontend, 'relayed');
    open(t, port);
    const [relay] = await relayed;
    const [error] = await once(relay, 'closed');
    assert.match(error.message, /this looks like a TLS handshake/);
  });

  it('passes over a server without TLS, and one with a foreign certificate', async (t) => {
    const foreign = await stranger.server();
    await using plain = await ZeoServer.listen();
    await using unknown = await ZeoServer.listen({ tls: { ...foreign, requestCert: false } });
    await using server = await ZeoServer.listen({ tls: certificates.listening });
    const servers = [plain.address, unknown.address, server.address];
    const guarded = await startGuard(t, servers, { tls: { servers: certificates.connecting } });
    const downs: unknown[][] = [];
    guarded.frontend.on('serverDown', ({ name }, error) =>
      downs.push([name, (error as NodeJS.ErrnoException).code]),
    );
    const client = await WireClient.register(guarded);
    t.after(() => client.close());
    assert.equal(server.connections.size, 1);
    assert.deepEqual(downs, [
      [plain.address, 'ERR_ZEO_TLS'],
      [unknown.address, 'ERR_ZEO_TLS'],
    ]);
  });

  it('refuses a certificate that cannot be, without showing it', async (t) => {
    for (const tls of [
      { clients: { cert: 'secret', key: 'secret' } },
      { clients: { ...certificates.listening, ca: '' } },
      { servers: { cert: 'secret', key: 'secret' } },
    ]) {
      await assert.rejects(startGuard(t, ['127.0.0.1:1'], { tls }), (error: NodeJS.ErrnoException) => {
        assert.equal(error.code, 'ERR_ZEO_INVALID_ARGUMENT');
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });
    }
  });
});
