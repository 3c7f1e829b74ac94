import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { inspect } from 'node:util';
import type { TlsOptions } from '#src/zeo/connection/tls.js';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { zeroId } from '#src/zodb/ids.js';
import { findZeo, zeoVersions } from '../support/python/environments.js';
import { type PythonZeoServer, startZeoServer } from '../support/python/zeo-server.js';
import { CertificateAuthority, type KeyPair } from '../tls/certificates.js';

/** Our client on ZEO's own server, set up by ZEO's own TLS configuration (ZEO/tests/testssl.py: SSLConfigTest). */
for (const version of zeoVersions) {
  const { missing } = findZeo(version);
  for (const unix of [false, true]) {
    describe(`TLS with ZEO ${version} over ${unix ? 'a unix socket' : 'TCP'}`, { skip: missing }, () => {
      let authority: CertificateAuthority;
      let mine: KeyPair;
      let server: PythonZeoServer;
      before(async () => {
        authority = await CertificateAuthority.create();
        const own = await authority.server();
        mine = await authority.client();
        const tls = { certificate: own.certFile, key: own.keyFile, authenticate: authority.certFile };
        server = await startZeoServer({ version, unix, tls, msgpack: unix });
      });
      after(async () => {
        await server?.stop();
        await authority?.remove();
      });
      const open = (tls: TlsOptions | boolean) =>
        ClientStorage.open({ address: server.address, tls, waitTimeout: 10, reconnectMaxDelay: 0.1 });
      const accepted = () => ({ ca: authority.cert, cert: mine.cert, key: mine.key });

      it('reads and writes, and reconnects after a restart', async () => {
        await using storage = await open(accepted());
        const data = new Uint8Array(1_000_000).fill(7);
        const tid = await storage.commit({}, (transaction) => transaction.store(zeroId, zeroId, data));
        const connected = once(storage, 'connected');
        await server.restart();
        await connected;
        await using other = await open({ ...accepted(), servername: 'localhost' });
        assert.deepEqual(await other.load(zeroId), { data, serial: tid });
      });

      it('is rejected without a certificate that the server accepts', async () => {
        await using stranger = await CertificateAuthority.create('Another authority');
        const unknown = await stranger.client();
        for (const own of [{}, { cert: unknown.cert, key: unknown.key }]) {
          const refused = await ClientStorage.open({
            address: server.address,
            tls: { ca: authority.cert, ...own },
            waitTimeout: 1,
          }).catch((error) => error);
          // ZEO's server closes the connection without a reason.
          assert.equal(refused.code, 'ERR_ZEO_WAIT_TIMEOUT');
          assert.match(inspect(refused), /as one does that does not accept this client’s certificate/);
        }
      });

      it('rejects at once an unknown server, or one of another name', async () => {
        await assert.rejects(open({ cert: mine.cert, key: mine.key }), { code: 'ERR_ZEO_TLS' });
        await assert.rejects(open({ ...accepted(), servername: 'zodb.org' }), { code: 'ERR_ZEO_TLS' });
      });
    });
  }
}
