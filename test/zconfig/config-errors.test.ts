import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readZopeConfig } from '#src/zconfig/read-zope-config.js';
import { ConfigDirectory } from './config-directory.js';
import { client, failure } from './read.js';

describe('a faulty configuration', () => {
  const invalid: readonly (readonly [text: string, line: number, message: RegExp])[] = [
    [client('storage 1'), 1, /Expected a server in <zeoclient>, found none$/],
    [client('', 'server'), 3, /Expected a server: HOST:PORT, .* after server, found nothing$/],
    [client('server nowhere'), 2, /found "nowhere"$/],
    [client('server a:0'), 2, /found "a:0"$/],
    [client('server a:65536'), 2, /found "a:65536"$/],
    [client('server ::1:8100'), 2, /found "::1:8100"$/],
    [client('server zeo://a:8100'), 2, /found "zeo:\/\/a:8100"$/],
    [client('server a:1 b'), 2, /found "a:1 b"$/],
    [client('server 1', 'storage'), 3, /Expected a non-empty string after storage, found nothing$/],
    [client('server 1', 'read-only 1'), 3, /Expected on, yes or true, .* after read-only, found "1"$/],
    [client('server 1', 'wait-timeout 1h'), 3, /whole number of seconds .* after wait-timeout, found "1h"$/],
    [client('server 1', 'wait-timeout -1'), 3, /found "-1"$/],
    [client('server 1', 'cache-size 20 MiB'), 3, /Expected a number of bytes, .* after cache-size/],
    [client('server 1', 'cache-size -1'), 3, /Expected a number of bytes, .* found "-1"$/],
    [client('server 1', 'cache-size 9999999999GB'), 3, /found "9999999999GB"$/],
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
    it(`is refused with the number of line ${line} of ${JSON.stringify(text)}`, async () => {
      const error = await failure(text);
      assert.equal(error.code, 'ERR_ZCONFIG_INVALID');
      assert.equal(error.line, line);
      assert.match(error.message, message);
      assert.ok(error.message.startsWith(`${error.file}:${line}: Expected ${error.expected}`));
    });
  }

  it('is refused with the place of the mistake, in any of its files', async () => {
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
      message: `${directory.path('etc/b.conf')}:4: Expected </zodb_db> for line 3, found </zodb>`,
    });
  });

  it('is refused with the place of the definition that it contradicts', async () => {
    const { message } = await failure('%define a secret\n\n%define A other');
    assert.match(message, /zope\.conf:3: Expected \$a to keep its value from .*zope\.conf:1$/);
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
      ['//example.org/zope.conf', /a file on another host/],
      ['file://example.org/zope.conf', /a file on another host/],
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

  it('leaks neither credentials nor the contents of other files', async () => {
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

  it('cannot control a terminal through its names', async () => {
    const { message } = await failure('%include \u001b[2J\u009b31m\u202e.conf');
    assert.doesNotMatch(message, /[\p{Cc}\p{Cf}]/u);
    assert.match(message, /zope\.conf:1: Expected a readable file/);
  });
});
