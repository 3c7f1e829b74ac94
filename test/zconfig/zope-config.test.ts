import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readZopeConfig, type ZeoClientConfig } from '#src/zconfig/read-zope-config.js';
import { ConfigDirectory } from './config-directory.js';
import { fixture } from './fixtures.js';
import { client, failure, read } from './read.js';

const names = (clients: readonly ZeoClientConfig[]) => clients.map(({ name }) => name);

describe('readZopeConfig', () => {
  it('reads a zope.conf as Plone’s buildout recipe writes it', async () => {
    const file = fixture('buildout.conf');
    assert.deepEqual(await readZopeConfig(file, { env: {} }), [
      {
        name: 'main',
        options: {
          addresses: [
            { host: '10.0.3.11', port: 8100 },
            { host: '10.0.3.12', port: 8100 },
          ],
          storage: '1',
          name: 'zeostorage',
          readOnly: false,
          readOnlyFallback: false,
          cacheSize: 128 * 1024 * 1024,
        },
        servers: [
          { addresses: [{ host: '10.0.3.11', port: 8100 }], at: { file, line: 35 } },
          { addresses: [{ host: '10.0.3.12', port: 8100 }], at: { file, line: 37 } },
        ],
        ssl: undefined,
        file,
        line: 29,
      },
      {
        name: 'catalog',
        options: {
          addresses: [{ host: 'catalog.example.org', port: 8200 }],
          storage: 'catalog',
          name: 'zeostorage',
          wait: false,
        },
        servers: [{ addresses: [{ host: 'catalog.example.org', port: 8200 }], at: { file, line: 71 } }],
        ssl: undefined,
        file,
        line: 70,
      },
    ]);
  });

  it('reads a zope.conf as cookiecutter-zope-instance writes it', async () => {
    const [main, ...others] = await readZopeConfig(fixture('cookiecutter.conf'));
    assert.deepEqual(others, []);
    assert.equal(main?.name, 'main');
    assert.deepEqual(main?.options, {
      addresses: [{ host: 'zeo', port: 8100 }],
      storage: 'main',
      name: '1',
      clientLabel: 'backend-7',
      cacheSize: 128 * 1024 * 1024,
      readOnlyFallback: true,
      wait: true,
    });
  });

  it('finds clients in any section, and names them as an operator would', async () => {
    const clients = await readZopeConfig(fixture('cluster.conf'), { env: { HOSTNAME_OF_CLIENT: 'web3' } });
    assert.deepEqual(names(clients), ['main/base', 'main/changes', 'archive', 'users']);
    assert.deepEqual(
      clients.map(({ options }) => options.addresses),
      [
        [
          { host: 'zeo1.example.org', port: 8100 },
          { host: 'zeo2.example.org', port: 8100 },
        ],
        [{ path: '/run/zeo/changes.sock' }],
        [
          { host: '2001:db8::17', port: 8100 },
          { host: '127.0.0.1', port: 8101 },
          { host: '127.0.0.1', port: 8102 },
        ],
        [{ host: 'users.example.org', port: 8100 }],
      ],
    );
    assert.deepEqual(
      clients.map(({ options }) => options.clientLabel),
      ['web3', 'web3', 'web3', undefined],
    );
  });

  it('names a client outside a database by section, storage or servers', async () => {
    const clients = await read(
      '<zeoclient Alone>\nserver 8100\nname other\n</zeoclient>\n' +
        `${client('server 8100', 'name named')}\n${client('server a:1 b:2')}`,
    );
    assert.deepEqual(names(clients), ['alone', 'named', 'a:1,b:2']);
  });

  it('tells clients of one database apart by the names of their storages', async () => {
    const clients = await read(
      `<zodb_db main>\n<demostorage>\n${client('server a:1')}\n${client('server a:1', 'storage changes')}\n` +
        '</demostorage>\n</zodb_db>',
    );
    assert.deepEqual(names(clients), ['main/1', 'main/changes']);
  });

  it('says in which file a client is declared', async () => {
    await using directory = await ConfigDirectory.make({
      'zope.conf': '<zodb_db main>\n%include etc/storage.conf\n</zodb_db>',
      'etc/storage.conf': `# the storage\n\n${client('server 8100')}`,
    });
    const [main] = await readZopeConfig(directory.path('zope.conf'));
    assert.equal(main?.file, directory.path('etc/storage.conf'));
    assert.equal(main?.line, 3);
  });

  it('finds no clients in an empty configuration', async () => {
    assert.deepEqual(await read('<zodb_db main>\n<filestorage>\npath x\n</filestorage>\n</zodb_db>'), []);
  });

  it('uses the environment of this process unless given another', async () => {
    await using directory = await ConfigDirectory.make({
      'zope.conf': client('server $(ZCONFIG_TEST_HOST):8100'),
    });
    process.env.ZCONFIG_TEST_HOST = 'from-the-environment';
    try {
      const [found] = await readZopeConfig(directory.path('zope.conf'));
      assert.deepEqual(found?.options.addresses, [{ host: 'from-the-environment', port: 8100 }]);
    } finally {
      delete process.env.ZCONFIG_TEST_HOST;
    }
  });

  it('needs an environment variable only for a value that is used', async () => {
    const text = (key: string) =>
      `instancehome $(NOT_SET)\n%define tmp $(NOT_SET)/zeo\n${client('server 8100', `${key} $tmp`)}`;
    assert.equal((await read(text('var'))).length, 1);
    const error = await failure(text('storage'));
    assert.equal(error.code, 'ERR_ZCONFIG_UNDEFINED');
    assert.match(error.message, /:2: Expected the environment variable NOT_SET to be set$/);
  });

  it('splits several servers in one line, but not a path with spaces', async () => {
    const [found] = await read(client('server a:1  B:2\t8100', 'server /run/my zeo/zeo.sock'));
    assert.deepEqual(found?.options.addresses, [
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
      { host: '127.0.0.1', port: 8100 },
      { path: '/run/my zeo/zeo.sock' },
    ]);
  });

  it('reads wait-timeout 0 as the default, and ignores read-only-fallback beside read-only', async () => {
    const [found] = await read(client('server 1', 'wait-timeout 0', 'read-only on', 'read-only-fallback on'));
    assert.deepEqual(found?.options, { addresses: [{ host: '127.0.0.1', port: 1 }], readOnly: true });
  });

  it('returns the TLS settings of a clientstorage as data', async () => {
    const ssl = '<ssl>\ncertificate /etc/zeo/client.pem\nauthenticate /etc/zeo/servers.pem\n</ssl>';
    const full =
      '<ssl>\ncertificate c.pem\nkey k.pem\npassword-function a.b\ncheck-hostname off\nserver-hostname H\n</ssl>';
    const clients = await read(
      [ssl, full].map((section) => `<clientstorage>\nserver h:1\n${section}\n</clientstorage>`).join('\n'),
    );
    assert.deepEqual(
      clients.map((found) => found.ssl),
      [
        {
          certificate: '/etc/zeo/client.pem',
          key: undefined,
          passwordFunction: undefined,
          authenticate: '/etc/zeo/servers.pem',
          checkHostname: true,
          serverHostname: undefined,
        },
        {
          certificate: 'c.pem',
          key: 'k.pem',
          passwordFunction: 'a.b',
          authenticate: undefined,
          checkHostname: false,
          serverHostname: 'H',
        },
      ],
    );
  });
});
