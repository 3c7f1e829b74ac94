import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ZeoServer } from 'zeo-keepalive/testing';
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

  it('checks and watches every zeoclient of the file under the name of its database', async () => {
    await using server = await ZeoServer.listen({ storages: ['1', 'catalog'] });
    const file = await configure(plone(server.address));
    const { code, stdout } = await run(['check', '--config', file]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^ZEO OK - all 2 answered \| 'main rtt'=.*'catalog rtt'=/);
    const command = new RunningCommand(['--period', '0.2', '--config', file]);
    await command.line(/Z +main +ping answered/);
    await command.line(/Z +catalog +ping answered/);
    command.kill('SIGINT');
    assert.equal((await command.ended()).code, 0);
  });

  it('names file, line and what was expected where the file is wrong', async () => {
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

  it('says so when there is no file, no zeoclient in it, or one that needs what is not there yet', async () => {
    const missing = await run(['watch', '--config', path.join(directory, 'missing.conf')]);
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /missing\.conf/);
    const empty = await run(['watch', '--config', await configure('instancehome /srv\n')]);
    assert.deepEqual([empty.code, /declares no <zeoclient>/.test(empty.stderr)], [2, true]);
    const ssl = `<clientstorage>\n server db:1\n <ssl>\n certificate c.pem\n </ssl>\n</clientstorage>\n`;
    const tls = await run(['check', '--config', await configure(ssl)]);
    assert.deepEqual([tls.code, /TLS/.test(tls.stdout)], [3, true]);
  });
});
