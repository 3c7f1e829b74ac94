import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectPlainly } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { ZeoServer } from '#src/zeo/server/index.js';
import { CertificateAuthority, SuiteCertificates } from '../../tls/certificates.js';
import { WireClient } from './wire-client.js';

describe('A server with TLS', () => {
  const certificates = SuiteCertificates.make();
  let server: ZeoServer;

  before(async () => {
    server = await ZeoServer.listen({ tls: certificates.listening });
  });
  after(() => server.close());

  const dial = (options: ConnectionOptions, to = server) =>
    connect({ host: '127.0.0.1', port: to.port, ca: certificates.authority.cert, ...options });

  it('serves a client with a known certificate, and can silence it', async () => {
    const wire = await WireClient.over(dial(certificates.connecting));
    await wire.call('register', '1', false);
    const [connection] = server.connections;
    connection?.silence();
    let answered = false;
    const ping = wire.call('ping').then(() => {
      answered = true;
    });
    await WireClient.over(dial(certificates.connecting)).then((other) => other.close());
    assert.equal(answered, false);
    connection?.resume();
    await ping;
    await wire.close();
  });

  it('ends a connection when its client does', async () => {
    const wire = await WireClient.over(dial(certificates.connecting));
    const gone = once(server, 'disconnection');
    wire.socket.end();
    await gone;
    await wire.closed;
  });

  it('refuses a client without a known certificate, and reports it', async () => {
    await using stranger = await CertificateAuthority.create('Another authority');
    const unknown = await stranger.client();
    for (const options of [{}, { key: unknown.key, cert: unknown.cert }]) {
      const refused = once(server, 'tlsClientError');
      await assert.rejects(WireClient.over(dial(options)), /Connection closed/);
      assert.ok((await refused)[0] instanceof Error);
    }
    assert.equal(server.connections.size, 0);
  });

  it('refuses a client without TLS', async () => {
    const refused = once(server, 'tlsClientError');
    const socket = connectPlainly({ port: server.port }).on('error', () => {});
    socket.write('\0\0\0\x02Z5');
    await refused;
    socket.destroy();
  });

  it('accepts clients without a certificate if configured to', async () => {
    const { key, cert } = certificates.server;
    await using open = await ZeoServer.listen({ tls: { key, cert, requestCert: false } });
    const wire = await WireClient.over(dial({}, open));
    await wire.call('register', '1', false);
    await wire.close();
  });

  it('can be closed in the middle of a handshake', async () => {
    const { key, cert } = certificates.server;
    const closing = await ZeoServer.listen({ tls: { key, cert } });
    const socket = connectPlainly({ port: closing.port }).on('error', () => {});
    await once(socket, 'connect');
    await closing.close();
    await once(socket.resume(), 'close');
  });
});
