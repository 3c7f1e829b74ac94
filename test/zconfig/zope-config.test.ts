import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError } from '../../src/zconfig/config-error.js';
import { readZopeConfig, type ZeoClientConfig } from '../../src/zconfig/read-zope-config.js';
import { ConfigDirectory, type Files } from './config-directory.js';
import { fixture } from './fixtures.js';

/** The clients of a `zope.conf` and the files beside it. */
async function read(files: string | Files, env: Record<string, string> = {}): Promise<ZeoClientConfig[]> {
  await using directory = await ConfigDirectory.make(
    typeof files === 'string' ? { 'zope.conf': files } : files,
  );
  return await readZopeConfig(directory.path('zope.conf'), { env });
}

const names = (clients: readonly ZeoClientConfig[]) => clients.map(({ name }) => name);
const client = (...lines: string[]) => ['<zeoclient>', ...lines, '</zeoclient>'].join('\n');

async function failure(files: string | Files, env?: Record<string, string>): Promise<ConfigError> {
  const error = await read(files, env).then(
    (clients) => assert.fail(`It was read: ${JSON.stringify(clients)}`),
    (error: unknown) => error,
  );
  assert.ok(error instanceof ConfigError, String(error));
  return error;
}

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
        },
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
      readOnlyFallback: true,
      wait: true,
    });
  });

  it('finds clients in whatever sections, and gives an operator names to know them by', async () => {
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

  it('names a client that is in no database after its section, its storage or its servers', async () => {
    const clients = await read(
      '<zeoclient Alone>\nserver 8100\nname other\n</zeoclient>\n' +
        `${client('server 8100', 'name named')}\n${client('server a:1 b:2')}`,
    );
    assert.deepEqual(names(clients), ['alone', 'named', 'a:1,b:2']);
  });

  it('tells clients of one database apart by their storages when their sections have no names', async () => {
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

  it('finds nothing where there is nothing', async () => {
    assert.deepEqual(await read('<zodb_db main>\n<filestorage>\npath x\n</filestorage>\n</zodb_db>'), []);
  });

  it('takes the environment of this process unless told otherwise', async () => {
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

  it('misses an environment variable only where its value matters', async () => {
    const text = (key: string) =>
      `instancehome $(NOT_SET)\n%define tmp $(NOT_SET)/zeo\n${client('server 8100', `${key} $tmp`)}`;
    assert.equal((await read(text('var'))).length, 1);
    const error = await failure(text('storage'));
    assert.equal(error.code, 'ERR_ZCONFIG_UNDEFINED');
    assert.match(error.message, /:2: Expected the environment variable NOT_SET to be set$/);
  });

  it('takes several servers in one line apart, but no path with spaces', async () => {
    const [found] = await read(client('server a:1  B:2\t8100', 'server /run/my zeo/zeo.sock'));
    assert.deepEqual(found?.options.addresses, [
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
      { host: '127.0.0.1', port: 8100 },
      { path: '/run/my zeo/zeo.sock' },
    ]);
  });

  it('takes a wait-timeout of zero for the default, and read-only together with its fallback for read-only', async () => {
    const [found] = await read(client('server 1', 'wait-timeout 0', 'read-only on', 'read-only-fallback on'));
    assert.deepEqual(found?.options, { addresses: [{ host: '127.0.0.1', port: 1 }], readOnly: true });
  });

  it('gives the TLS settings of a clientstorage as data', async () => {
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

describe('a configuration that is not right', () => {
  const invalid: readonly (readonly [text: string, line: number, message: RegExp])[] = [
    [client('storage 1'), 1, /Expected a server in <zeoclient>, found none$/],
    [client('', 'server'), 3, /Expected a server: HOST:PORT, .* after server, found nothing$/],
    [client('server nowhere'), 2, /found "nowhere"$/],
    [client('server a:0'), 2, /found "a:0"$/],
    [client('server a:65536'), 2, /found "a:65536"$/],
    [client('server ::1:8100'), 2, /found "::1:8100"$/],
    [client('server zeo://a:8100'), 2, /found "zeo:\/\/a:8100"$/],
    [client('server a:1 b'), 2, /found "a:1 b"$/],
    [client('server 1', 'storage'), 3, /Expected a text that is not empty after storage, found nothing$/],
    [client('server 1', 'read-only 1'), 3, /Expected on, yes or true, .* after read-only, found "1"$/],
    [client('server 1', 'wait-timeout 1h'), 3, /whole number of seconds .* after wait-timeout, found "1h"$/],
    [client('server 1', 'wait-timeout -1'), 3, /found "-1"$/],
    [client('server 1', 'cache-size 20 MiB'), 3, /Expected a number of bytes, .* after cache-size/],
    [client('server 1', 'blob-cache-size-check 10%'), 3, /Expected a whole number after/],
    [client('server 1', 'wait on', 'Wait on'), 4, /Expected wait only once in <zeoclient>$/],
    [
      client('server 1', 'wait_timeout 5'),
      3,
      /Expected a key of <zeoclient>: server, storage, name, wait, wait-timeout, /,
    ],
    [client('server 1', 'constructor 5'), 3, /Expected a key of <zeoclient>/],
    [
      client('server 1', '<filestorage>', '</filestorage>'),
      3,
      /one <ssl> in <zeoclient>, found <filestorage>$/,
    ],
    [client('server 1', '<ssl a>', '</ssl>', '<ssl/>'), 5, /found <ssl>$/],
    [client('server 1', '<ssl>', 'key k', '</ssl>'), 3, /Expected a certificate in <ssl>, found none$/],
    [
      client('server 1', '<ssl>', 'certificate c', 'checked on', '</ssl>'),
      5,
      /a key of <ssl>: certificate, key, .*server-hostname$/,
    ],
  ];
  for (const [text, line, message] of invalid) {
    it(`is refused with line ${line} of ${JSON.stringify(text)}`, async () => {
      const error = await failure(text);
      assert.equal(error.code, 'ERR_ZCONFIG_INVALID');
      assert.equal(error.line, line);
      assert.match(error.message, message);
      assert.ok(error.message.startsWith(`${error.file}:${line}: Expected ${error.expected}`));
    });
  }

  it('is refused by the place of the mistake, in whichever file', async () => {
    await using directory = await ConfigDirectory.make({
      'zope.conf': '%define a 1\n%include etc/a.conf',
      'etc/a.conf': '\n%include b.conf',
      'etc/b.conf': '\n\n<zodb_db main>\n</zodb>',
    });
    await assert.rejects(readZopeConfig(directory.path('zope.conf')), {
      name: 'ConfigError',
      code: 'ERR_ZCONFIG_SYNTAX',
      retryable: false,
      file: directory.path('etc/b.conf'),
      line: 4,
      message: `${directory.path('etc/b.conf')}:4: Expected </zodb_db>, which line 3 has opened, found </zodb>`,
    });
  });

  it('says which definition a second one contradicts', async () => {
    const { message } = await failure('%define a secret\n\n%define A other');
    assert.match(message, /zope\.conf:3: Expected \$a to keep the value .* given in .*zope\.conf:1$/);
    assert.doesNotMatch(message, /secret|other/);
  });

  it('is refused when it cannot be read', async () => {
    await using directory = await ConfigDirectory.make({
      'bytes.conf': Buffer.from('# tea\n\nkey caf\u00e9\n# caf\u00e9', 'latin1'),
      'missing.conf': '\n%include nowhere.conf',
    });
    const refusal = (name: string) => readZopeConfig(directory.path(name));
    await assert.rejects(refusal('nowhere.conf'), {
      code: 'ERR_ZCONFIG_READ',
      line: undefined,
      message: `${directory.path('nowhere.conf')}: Expected a readable file, found no such file or directory`,
    });
    await assert.rejects(refusal('missing.conf'), {
      code: 'ERR_ZCONFIG_READ',
      line: 2,
      message: /missing\.conf:2: Expected a readable file, found .*nowhere\.conf: no such file or directory$/,
    });
    await assert.rejects(refusal('bytes.conf'), { code: 'ERR_ZCONFIG_READ', line: 3, expected: 'UTF-8' });
    await assert.rejects(refusal('.'), {
      code: 'ERR_ZCONFIG_READ',
      message: /found it is not a regular file$/,
    });
  });

  it('is refused when it includes a URL or a resource of a Python package', async () => {
    for (const [target, found] of [
      ['http://example.org/zope.conf', /a URL \(http:\)/],
      ['HTTPS://example.org/zope.conf', /a URL \(https:\)/],
      ['data:text/plain,a', /a URL \(data:\)/],
      ['package:ZODB:component.xml', /a package: resource/],
      ['//example.org/zope.conf', /a file of another host/],
      ['file://example.org/zope.conf', /a file of another host/],
    ] as const) {
      const error = await failure(`%include ${target}`);
      assert.equal(error.code, 'ERR_ZCONFIG_INCLUDE');
      assert.match(error.message, found);
    }
  });

  it('is refused when files include one another', async () => {
    const error = await failure({
      'zope.conf': '\n%include a.conf',
      'a.conf': '%include ./sub/../zope.conf',
    });
    assert.equal(error.code, 'ERR_ZCONFIG_INCLUDE');
    assert.match(
      error.message,
      /a\.conf:1: Expected another file, found .*zope\.conf, which is being read already$/,
    );
  });

  it('shows neither credentials nor what files that are no configuration hold', async () => {
    for (const text of [
      client('server 1', 'password', 'hunter2'),
      client('server 1', 'password hunter2', 'password hunter2'),
      client('server 1', '%include shadow'),
      client('server me:hunter2@example.org:8100'),
      client('server http://me:hunter2@example.org/'),
      '<a>\n</hunter2:x>',
      '(hunter2',
      '%define password hunter2\n%define password hunter22',
      '%define password hunter2$\n',
      `%define password hunter2\n${client('server 1', 'username $password', 'username x')}`,
    ]) {
      const error = await failure({ 'zope.conf': text, shadow: 'root:hunter2:19000:0:99999:7:::\n' });
      const { message, stack, expected } = error;
      assert.doesNotMatch([message, stack, expected, JSON.stringify(error)].join('\n'), /hunter2/, text);
    }
  });

  it('cannot steer a terminal by its names', async () => {
    const { message } = await failure('%include \u001b[2J\u009b31m\u202e.conf');
    assert.doesNotMatch(message, /[\p{Cc}\p{Cf}]/u);
    assert.match(message, /zope\.conf:1: Expected a readable file/);
  });
});
