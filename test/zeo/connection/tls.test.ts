import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { createSecureContext } from 'node:tls';
import type { TlsOptions } from '#src/zeo/connection/tls.js';
import { ZeoServer } from '#src/zeo/server/index.js';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { zeroId } from '#src/zodb/ids.js';
import { SuiteCertificates } from '../../tls/certificates.js';

// The behaviours of ZEO/tests/testssl.py: SSLConfigTest.
describe('A storage with TLS', () => {
  const certificates = SuiteCertificates.make();
  let server: ZeoServer;

  before(async () => {
    server = await ZeoServer.listen({ tls: certificates.listening });
  });
  after(async () => {
    await server?.close();
  });

  const open = (tls: TlsOptions | boolean, address = server.address) =>
    ClientStorage.open({ address, tls, waitTimeout: 5, reconnectMaxDelay: 0.05, reconnectMinDelay: 0.01 });
  const accepted = () => certificates.connecting;

  it('reads, writes, pings, and reconnects after a loss', async () => {
    await using storage = await open(accepted());
    await storage.commit({}, (transaction) =>
      transaction.store(zeroId, zeroId, new Uint8Array(300_000).fill(7)),
    );
    await storage.ping();
    assert.ok((storage.socketPorts?.remote ?? 0) === server.port);
    assert.ok((storage.lastReceivedAt ?? 0) > 0);
    storage.drop(new Error('cut'), storage.generation);
    await once(storage, 'connected');
    assert.equal(await storage.loadBefore(zeroId, storage.lastTransaction() as Uint8Array), null);
    assert.equal((await storage.load(zeroId)).data.length, 300_000);
  });

  it('verifies the server against the name in servername', async () => {
    await using storage = await open({ ...accepted(), servername: 'localhost' });
    assert.equal(storage.ready, true);
  });

  const refused: [what: string, tls: () => TlsOptions | boolean][] = [
    ['an unknown certificate authority', () => ({ ...accepted(), ca: undefined })],
    ['a server of another name', () => ({ ...accepted(), servername: 'zodb.example.org' })],
    ['only the authority, and no client certificate', () => ({ ca: certificates.authority.cert })],
    ['neither an authority nor a client certificate', () => true],
  ];
  for (const [what, tls] of refused) {
    it(`fails at once with ${what}`, async () => {
      await assert.rejects(open(tls()), (error: Error & { code: string }) => {
        assert.equal(error.code, 'ERR_ZEO_TLS');
        assert.doesNotMatch(error.message + error.stack, /BEGIN|PRIVATE/);
        return true;
      });
    });
  }

  it('accepts any name of the authority if checkServerIdentity allows it', async () => {
    const tls = { ...accepted(), servername: 'zodb.example.org', checkServerIdentity: () => undefined };
    await using storage = await open(tls);
    assert.equal(storage.ready, true);
  });

  it('refuses a server if checkServerIdentity throws instead of returning an error', async () => {
    const refusal = Object.assign(new Error('not ours'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    const checkServerIdentity = () => {
      throw refusal;
    };
    await assert.rejects(open({ ...accepted(), checkServerIdentity }), {
      code: 'ERR_ZEO_TLS',
      cause: refusal,
    });
  });

  it('verifies the server against an IP address in servername', async () => {
    await using storage = await open({ ...accepted(), servername: '127.0.0.1' }, `localhost:${server.port}`);
    assert.equal(storage.ready, true);
    await assert.rejects(open({ ...accepted(), servername: '127.0.0.2' }), { code: 'ERR_ZEO_TLS' });
  });

  it('fails with ERR_ZEO_TLS if a handshake cannot begin with these options', async () => {
    const impossible = { ...accepted(), minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' } as const;
    await assert.rejects(open(impossible), { code: 'ERR_ZEO_TLS' });
  });

  it('fails with ERR_ZEO_TLS if the server does not use TLS', async () => {
    await using plain = await ZeoServer.listen();
    await assert.rejects(open(accepted(), plain.address), { code: 'ERR_ZEO_TLS' });
  });

  it('without the tls option gets no greeting from a TLS server', async () => {
    const { address } = server;
    const opening = ClientStorage.open({ address, connectTimeout: 0.2, waitTimeout: 0.3 });
    await assert.rejects(opening, { code: 'ERR_ZEO_WAIT_TIMEOUT' });
    await using storage = await open(accepted());
    await storage.ping();
  });

  it('rejects invalid options without showing their values', async () => {
    const wrong: unknown[] = [
      ...[
        'yes',
        1,
        null,
        { certificate: certificates.client.cert },
        { cert: certificates.client.cert, key: 'no key' },
      ],
      // Node would throw for these only when connecting, where the error could not be caught.
      ...[
        { servername: 5 },
        { servername: '' },
        { checkServerIdentity: false },
        { rejectUnauthorized: 'no' },
        { secureContext: {} },
      ],
      { secureContext: createSecureContext(), ca: certificates.authority.cert },
      // Node would trust every authority that it knows.
      ...[{ ca: '' }, { ca: Buffer.alloc(0) }, { ca: [] }, { ca: [certificates.authority.cert, ''] }],
    ];
    for (const tls of wrong) {
      await assert.rejects(open(tls as TlsOptions), (error: Error & { code: string }) => {
        assert.equal(error.code, 'ERR_ZEO_INVALID_ARGUMENT');
        assert.doesNotMatch(error.message, /BEGIN|no key"/);
        return true;
      });
    }
  });
});
