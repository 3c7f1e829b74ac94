import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ConfigError } from '#src/zconfig/config-error.js';
import { readZopeConfig } from '#src/zconfig/read-zope-config.js';
import { ConfigDirectory } from './config-directory.js';

const zeoclient = (host: string, name = '') =>
  `<zeoclient ${name}>\nserver ${host}:8100\n</zeoclient>\n`.replace(' >', '>');

describe('A zconfig: URI', () => {
  let directory: ConfigDirectory;
  before(async () => {
    directory = await ConfigDirectory.make({
      'zodb.conf':
        `${zeoclient('loose', 'spare')}<zodb Main>\n${zeoclient('zeo1')}</zodb>\n<zodb catalog>\n<demostorage>\n` +
        `${zeoclient('base', 'base')}${zeoclient('changes', 'changes')}</demostorage>\n</zodb>\n` +
        '<zodb memory>\n<mappingstorage/>\n</zodb>\n',
      'storages.conf': `${zeoclient('one', 'one')}${zeoclient('two', 'two')}`,
      'empty.conf': '# nothing yet\n',
    });
  });
  after(() => directory[Symbol.asyncDispose]());

  const hostsOf = async (uri: string) => {
    const clients = await readZopeConfig(uri.replace('DIR', directory.directory), { env: {} });
    return clients.flatMap(({ options }) => options.addresses?.map((address) => Object.values(address)[0]));
  };

  // What zodburi 3.0 opens; for a demostorage its two clients.
  for (const [uri, hosts] of [
    ['zconfig://DIR/zodb.conf', ['zeo1']],
    ['zconfig://DIR/zodb.conf#', ['zeo1']],
    ['zconfig://DIR/zodb.conf#main', ['zeo1']],
    ['zconfig:DIR/zodb.conf#catalog', ['base', 'changes']],
    ['zconfig://DIR/zodb.conf#spare', ['loose']],
    ['zconfig://DIR/zodb.conf#memory', []],
    ['zconfig://DIR/storages.conf', ['one']],
    ['zconfig://DIR/storages.conf?connection_pool_size=3&database_name=x#two', ['two']],
    ['zconfig://DIR//./no/../zodb.conf#main', ['zeo1']],
  ] as const) {
    it(`refers to ${hosts.join(' and ') || 'no server'} as ${uri}`, async () => {
      assert.deepEqual(await hostsOf(uri), hosts);
    });
  }

  it('may have a path from the working directory', async () => {
    const relative = path.relative(process.cwd(), directory.path('storages.conf'));
    assert.deepEqual(await hostsOf(`zconfig:${relative}#two`), ['two']);
  });

  for (const [uri, why] of [
    [
      'zconfig://DIR/zodb.conf#Main',
      /^\S+\/zodb\.conf: Expected a database or storage called Main, found only spare, main, catalog, memory$/,
    ],
    ['zconfig://DIR/empty.conf#main', /called main, found no section with a name$/],
    [
      'zconfig://DIR/empty.conf',
      /\/empty\.conf: Expected a database or storage, found no section with a name$/,
    ],
    [
      'zconfig://me:secret@srv/zodb.conf',
      /^\/zodb\.conf: Expected three slashes before an absolute path, .* found a host$/,
    ],
    ['zconfig://', /^zconfig:: Expected a path, as in zconfig:\/\/\/etc\/zodb\.conf, found none$/],
    [
      'zconfig://DIR/zodb.conf?wait_timeout=5',
      /Expected no key but database_name and connection_… .* found wait_timeout$/,
    ],
    [
      'zconfig://DIR/missing.conf#main',
      /\/missing\.conf: Expected a readable file, found no such file or directory$/,
    ],
  ] as const) {
    it(`is refused as ${uri}`, async () => {
      await assert.rejects(hostsOf(uri), (error: Error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, why);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });
    });
  }
});
