import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import type { PythonError } from '../../support/python/client.js';
import { findZeo, zeoVersions } from '../../support/python/environments.js';
import { startZeoServer } from '../../support/python/zeo-server.js';
import { SuiteCertificates } from '../../tls/certificates.js';
import { startGuard } from '../guarded.js';
import { openPair } from '../python-pair.js';

const mebibyte = 1024 * 1024;

for (const version of zeoVersions) {
  const { missing } = findZeo(version);
  describe(`Python clients of ZEO ${version} and a guard with TLS`, {
    skip: missing,
    timeout: 120_000,
  }, () => {
    const certificates = SuiteCertificates.make();

    for (const [where, ofClients, ofServers] of [
      ['on both sides', true, true],
      ['on its clients’ side', true, false],
      ['on its servers’ side', false, true],
      ['that it passes through', true, true],
    ] as const) {
      it(`share changes and large records with TLS ${where}, and are reset`, async (t) => {
        const { authority, server: own, client: mine, listening, connecting } = certificates;
        const authenticate = authority.certFile;
        const server = await startZeoServer({
          version,
          ...(ofServers && { tls: { certificate: own.certFile, key: own.keyFile, authenticate } }),
        });
        t.after(() => server.stop());
        const isPassed = where === 'that it passes through';
        const ended = {
          clients: ofClients ? listening : undefined,
          servers: ofServers ? connecting : undefined,
        };
        const tls = isPassed ? { passThrough: true } : ended;
        const { agent, port } = await startGuard(t, [server.address], { period: 0.5, timeout: 2, tls });
        const deaths: unknown[] = [];
        agent.on('connectionDied', (event) => deaths.push(event));
        const files = { ca: authenticate, cert: mine.certFile, key: mine.keyFile };
        const options = { address: ['127.0.0.1', port], ...(ofClients && { tls: files }) } as const;
        const one = await openPair(t, version, options, [4 * mebibyte, 1, 70_000]);
        assert.deepEqual(deaths, []);
        const died = once(agent, 'connectionDied');
        server.signal('SIGSTOP');
        // One that its cache does not have.
        await assert.rejects(
          one.call('load', { oid: 'f'.repeat(16) }),
          (error: PythonError) => error.type === 'ZEO.Exceptions.ClientDisconnected',
        );
        const [{ address }] = await died;
        assert.equal(address, server.address);
        server.signal('SIGCONT');
      });
    }
  });
}
