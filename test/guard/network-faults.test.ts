import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Cluster } from '../faults/kernel/networks/cluster.js';
import { missingForKernelFaults } from '../faults/kernel/networks/missing.js';
import { type Computer, serverPort } from '../faults/kernel/networks/network.js';
import { ServerProcess } from '../faults/kernel/processes/server-process.js';
import { findZeo } from '../support/python/environments.js';
import { monotonicNow } from '../support/turning-clock.js';
import { CertificateAuthority } from '../tls/certificates.js';
import { GuardedHost } from './guarded-host-process.js';

const version = '6.2';
const period = 0.5;
const timeout = 1;
const rootOid = '0'.repeat(16);
const patienceMs = 20_000;
const servers = [`10.1.0.1:${serverPort}`, `10.1.0.2:${serverPort}`] as const;
const disconnected = 'ZEO.Exceptions.ClientDisconnected';

/** Two replicas, and a client whose connection to the first is guarded. */
async function setUp() {
  const cluster = new Cluster();
  const first = await ServerProcess.start(cluster.first, { kind: `zeo-${version}` });
  const copy = { kind: `zeo-${version}`, copyOf: first.directory } as const;
  const second = await ServerProcess.start(cluster.second, copy);
  const host = await GuardedHost.start(cluster.client, { servers, version, period, timeout });
  return {
    cluster,
    host,
    async [Symbol.asyncDispose]() {
      await Promise.all([host, second, first].map((process) => process[Symbol.asyncDispose]()));
      cluster[Symbol.dispose]();
    },
  };
}

/** A load that is under way when its server is gone: it fails, and the client is served again. */
async function failOver(t: TestContext, host: GuardedHost): Promise<void> {
  const startedMs = monotonicNow();
  assert.equal(await host.load(rootOid), disconnected);
  t.diagnostic(`failed after ${((host.all('loaded').at(-1)?.atMs ?? 0) - startedMs).toFixed(0)} ms`);
  await host.until('a server', () => host.all('connected').length > 0, patienceMs);
  assert.equal(await host.load(rootOid), undefined);
  t.diagnostic(`served after ${((host.all('loaded').at(-1)?.atMs ?? 0) - startedMs).toFixed(0)} ms`);
}

/** From now on nothing of this connection of the client's first server arrives. */
function dropFlow(computer: Computer, port: number): void {
  computer.filter([`-A INPUT -p tcp --sport ${port} -j DROP`, `-A OUTPUT -p tcp --dport ${port} -j DROP`]);
}

describe('A guard on a network', {
  skip: missingForKernelFaults() ?? findZeo(version).missing,
  timeout: 150_000,
}, () => {
  it('brings a client to another server when the path to its own is cut', async (t) => {
    await using rig = await setUp();
    const { cluster, host } = rig;
    cluster.cutFirst();
    await failOver(t, host);
    const [death] = host.all('died');
    assert.deepEqual([death?.server, death?.diagnosis], [servers[0], 'path-or-host-gone']);
    assert.equal(host.all('relayed').at(-1)?.server, servers[1]);
  });

  it('frees a client whose flow alone is dropped, as by a forgetful firewall', async (t) => {
    await using rig = await setUp();
    const { cluster, host } = rig;
    const { port } = host.all('relayed')[0] ?? { port: 0 };
    dropFlow(cluster.first, port);
    await failOver(t, host);
    assert.equal(host.all('died')[0]?.diagnosis, 'path-or-host-gone');
    await host.until('the server is well', () => host.all('serverUp').length > 0, patienceMs);
  });

  it('frees a client whose flow alone is dropped, and whose TLS it passes through', async (t) => {
    await using authority = await CertificateAuthority.create();
    const [own, mine] = [await authority.server(), await authority.client()];
    const client = { ca: authority.certFile, cert: mine.certFile, key: mine.keyFile };
    const tls = {
      server: { certificate: own.certFile, key: own.keyFile, authenticate: authority.certFile },
      client,
    };
    using cluster = new Cluster();
    await using _server = await ServerProcess.start(cluster.first, { kind: `zeo-${version}`, tls });
    const config = { servers: [servers[0]], version, period, timeout, tls: client } as const;
    await using host = await GuardedHost.start(cluster.client, config);
    const { port } = host.all('relayed')[0] ?? { port: 0 };
    dropFlow(cluster.first, port);
    await failOver(t, host);
    const [death] = host.all('died');
    assert.deepEqual([death?.server, death?.diagnosis], [servers[0], 'path-or-host-gone']);
    assert.equal(host.all('died').length, 1);
  });
});
