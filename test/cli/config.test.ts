import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ZeoServer } from 'zeo-keepalive/testing';
import { CertificateAuthority } from '../tls/certificates.js';
import { RunningCommand, run } from './command.js';

describe('zeo-keepalive --config', { timeout: 120_000 }, () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'zeo-keepalive-'));
  });
  after(() => rm(directory, { recursive: true }));

  const configure = async (text: string) => {
    const file = path.join(directory, 'zope.conf');
    await writeFile(file, text);
    return file;
  };
  const plone = (address: string) => `%define INSTANCE /srv/plone
instancehome $INSTANCE
<zodb_db main>
    cache-size 40000
    <zeoclient>
      read-only false
      server ${address}
      storage 1
      name zeostorage
      var $INSTANCE/var
    </zeoclient>
    mount-point /
</zodb_db>
<zodb_db catalog>
    <zeoclient>
      server ${address}
      storage catalog
    </zeoclient>
    mount-point /catalog
</zodb_db>
`;

  it('checks and watches every zeoclient under the name of its database', async () => {
    await using server = await ZeoServer.listen({ storages: ['1', 'catalog'] });
    const file = await configure(plone(server.address));
    const { code, stdout } = await run(['check', '--config', file]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^ZEO OK - all 2 answered \| 'main rtt'=.*'catalog rtt'=/);
    const command = new RunningCommand(['--period', '0.2', '--config', file]);
    await command.line(/ main +ping answered/);
    await command.line(/ catalog +ping answered/);
    command.kill('SIGINT');
    assert.equal((await command.ended()).code, 0);
  });

  it('checks the database that a zconfig: URI of Pyramid names', async () => {
    await using server = await ZeoServer.listen({ storages: ['1', 'catalog'] });
    const uri = `zconfig://${await configure(plone(server.address))}#catalog`;
    for (const how of [[uri], ['--config', uri]]) {
      const { code, stdout } = await run(['check', ...how]);
      assert.equal(code, 0, stdout);
      assert.match(stdout, /^ZEO OK - catalog answered .* \| 'catalog rtt'=/);
    }
    const none = await run(['check', uri.replace('#catalog', '#other')]);
    assert.equal(none.code, 3);
    assert.match(
      none.stdout,
      /^ZEO UNKNOWN - .* Expected a database or storage called other, found only main, catalog/,
    );
  });

  it('is unknown to check if another address is wrong as well as the file', async () => {
    const { code, stdout, stderr } = await run(['check', 'zconfig:///missing.conf', 'bad:address:x']);
    assert.deepEqual([code, stderr], [3, '']);
    assert.match(stdout, /^ZEO UNKNOWN - /);
  });

  it('shows no password of a zconfig: URI whose file has no client', async () => {
    const secret = `zconfig://${await configure('<zodb main>\n</zodb>\n')}?connection_password=sesame`;
    for (const how of [
      ['check', secret],
      ['check', '--config', secret],
      ['guard', '--config', secret],
    ]) {
      const { stdout, stderr } = await run(how);
      assert.match(stdout + stderr, /zope\.conf declares no <zeoclient>/);
      assert.doesNotMatch(stdout + stderr, /sesame/);
    }
  });

  it('warns about a wait-timeout that looks like milliseconds', async () => {
    const file = await configure(plone('127.0.0.1:1').replace('storage catalog', 'wait-timeout 10000'));
    const command = new RunningCommand(['--config', file]);
    await command.line(/waitTimeout is 10000 s \(2 h 47 min\); the unit is seconds, not milliseconds$/);
    command.kill('SIGINT');
    assert.equal((await command.ended()).code, 0);
  });

  it('names file, line and what was expected for an invalid file', async () => {
    const file = await configure(
      '<zodb_db main>\n  <zeoclient>\n    server nowhere\n  </zeoclient>\n</zodb_db>\n',
    );
    const watched = await run(['watch', '--config', file]);
    assert.equal(watched.code, 2);
    assert.ok(watched.stderr.startsWith(`error: ${file}:3: Expected `), watched.stderr);
    const checked = await run(['check', '--config', file]);
    assert.equal(checked.code, 3);
    assert.ok(checked.stdout.startsWith(`ZEO UNKNOWN - ${file}:3: Expected `), checked.stdout);
  });

  it('uses TLS as the <ssl> section says, also to ask ruok', async (t) => {
    const authority = await CertificateAuthority.create();
    t.after(() => authority.remove());
    const { cert, key } = await authority.server();
    const client = await authority.client();
    const server = await ZeoServer.listen({ tls: { cert, key, ca: authority.cert } });
    t.after(() => server.close());
    // An empty storage would be a warning.
    server.storage().commit([{ oid: new Uint8Array(8), data: Buffer.from('x') }]);
    const clientOf = (ssl: string) =>
      configure(`<clientstorage>\n server ${server.address}\n <ssl>\n ${ssl}\n </ssl>\n</clientstorage>\n`);
    const own = `certificate ${client.certFile}\n key ${client.keyFile}`;
    const trusting = await clientOf(`${own}\n authenticate ${authority.certFile}`);
    for (const how of [[], ['--ruok']]) {
      const { code, stdout } = await run(['check', ...how, '--config', trusting]);
      assert.deepEqual([code, stdout.slice(0, 6)], [0, 'ZEO OK'], stdout);
    }
    // Signed by an authority that the system does not know.
    const { code, stdout } = await run(['check', '--config', await clientOf(own)]);
    assert.deepEqual([code, stdout.slice(0, 12)], [2, 'ZEO CRITICAL'], stdout);
    await using stranger = await CertificateAuthority.create('Another');
    const foreign = await stranger.client();
    const strange = `certificate ${foreign.certFile}\n key ${foreign.keyFile}\n authenticate ${authority.certFile}`;
    for (const how of [[], ['--ruok']]) {
      const refused = await run(['check', ...how, '--config', await clientOf(strange)]);
      assert.equal(refused.code, 2);
      assert.match(refused.stdout, /does not accept this client’s certificate/);
    }
    const unreadable = await run(['check', '--config', await clientOf('certificate none.pem')]);
    assert.deepEqual([unreadable.code, /none\.pem.*ENOENT/.test(unreadable.stdout)], [3, true]);
    const secret = await run(['check', '--config', await clientOf(`${own}\n password-function a.b`)]);
    assert.deepEqual([secret.code, /password-function/.test(secret.stdout)], [3, true]);
  });

  it('names the TLS handshake that a server did not complete in time', async (t) => {
    await using authority = await CertificateAuthority.create();
    const client = await authority.client();
    const silent = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
    t.after(() => silent.close());
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const ssl = `<ssl>\n certificate ${client.certFile}\n key ${client.keyFile}\n authenticate ${authority.certFile}\n </ssl>`;
    const file = await configure(`<clientstorage>\n server 127.0.0.1:${port}\n ${ssl}\n</clientstorage>\n`);
    for (const how of [[], ['--ruok']]) {
      const { code, stdout } = await run(['check', '--timeout', '0.7', ...how, '--config', file]);
      assert.equal(code, 2);
      assert.match(stdout, /: the TLS handshake did not complete within 0\.7 s\n$/);
    }
  });

  it('reports a missing file and a file without a zeoclient', async () => {
    const missing = await run(['watch', '--config', path.join(directory, 'missing.conf')]);
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /missing\.conf/);
    const empty = await run(['watch', '--config', await configure('instancehome /srv\n')]);
    assert.deepEqual([empty.code, /declares no <zeoclient>/.test(empty.stderr)], [2, true]);
    const server = '<zeo>\n  address 8100\n</zeo>\n<mappingstorage 1>\n</mappingstorage>\n';
    const wrong = await run(['watch', '--config', await configure(server)]);
    assert.deepEqual([wrong.code, /is the configuration of a ZEO server/.test(wrong.stderr)], [2, true]);
  });
});
