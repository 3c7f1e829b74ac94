import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ConfigError } from '#src/zconfig/config-error.js';
import { limits } from '#src/zconfig/config-limits.js';
import { readZopeConfig, type ZeoClientConfig, zeoClientsOf } from '#src/zconfig/read-zope-config.js';
import { resolveClientOptions } from '#src/zeo/connection/options.js';
import { ConfigDirectory, type Files } from './config-directory.js';
import { failure } from './read.js';
import { treeOf } from './tree.js';

/** The clients, or nothing for a configuration that is refused properly. Any other error fails the test. */
async function clientsOrRefusal(reading: Promise<readonly ZeoClientConfig[]>) {
  try {
    return await reading;
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return [];
  }
}

async function assertLimited(files: Files, expected: RegExp): Promise<void> {
  const error = await failure(files);
  assert.equal(error.code, 'ERR_ZCONFIG_LIMIT');
  assert.match(error.message, expected);
}

describe('a hostile configuration', () => {
  it('gives clients or a ConfigError if it is random bytes', async () => {
    await using directory = await ConfigDirectory.make();
    const file = directory.path('zope.conf');
    const character = fc.constantFrom(...Buffer.from('<>/%$#(){} \t\r\n\n\nabzeoclient:0.-_\u00e9'));
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(character, { maxLength: 200 }).map((all) => Uint8Array.from(all)),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (content) => {
        await directory.write({ 'zope.conf': content });
        await clientsOrRefusal(readZopeConfig(file, { env: {} }));
      }),
      { numRuns: 1000 },
    );
  });

  it('gives usable clients or a ConfigError if it is random settings', async () => {
    const word = fc.constantFrom(
      ...[
        'server',
        'storage',
        'name',
        'wait',
        'wait-timeout',
        'read-only',
        'read-only-fallback',
        'client-label',
      ],
      ...[
        'cache-size',
        'username',
        '8100',
        'a:1',
        '[::1]:2',
        '/x',
        'on',
        'off',
        '0',
        '30',
        '99999999',
        '$a',
        '$$',
      ],
    );
    const anything = fc.oneof({ weight: 4, arbitrary: word }, { weight: 1, arbitrary: fc.string() });
    const setting = fc.tuple(word, anything).map((pair) => pair.join(' '));
    let opened = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(setting, { maxLength: 5 }), async (lines) => {
        const text = ['%define a b:1', '<zeoclient>', 'server $a', ...lines, '</zeoclient>'].join('\n');
        for (const { options } of await clientsOrRefusal(treeOf(text).then(zeoClientsOf))) {
          resolveClientOptions(options);
          opened++;
        }
      }),
      { numRuns: 3000 },
    );
    assert.ok(opened > 100, `only ${opened} were read`);
  });

  it('is refused if its definitions grow exponentially', async () => {
    const bomb = ['%define a0 0123456789'];
    for (let level = 1; level <= 40; level++) bomb.push(`%define a${level} $a${level - 1}$a${level - 1}`);
    await assertLimited(
      { 'zope.conf': bomb.join('\n') },
      /zope\.conf:\d+: Expected at most \d+ characters in all values with a \$/,
    );
    // Short values, but very many.
    const long = `%define a ${'x'.repeat(10_000)}\n${'key $a\n'.repeat(10_000)}`;
    await assertLimited(
      { 'zope.conf': long },
      /zope\.conf:106: Expected at most \d+ characters in all values with a \$/,
    );
    const one = `%define a ${'x'.repeat(10_000)}\nkey ${'$a'.repeat(5000)}`;
    await assertLimited(
      { 'zope.conf': one },
      /zope\.conf:2: Expected at most \d+ characters in all values with a \$/,
    );
  });

  it('is refused if it is too large, alone or with its includes', async () => {
    const half = '# half\n'.repeat(limits.totalBytes / 2 / 7 + 1);
    await assertLimited(
      { 'zope.conf': half + half },
      /zope\.conf: Expected at most \d+ bytes in all, found more$/,
    );
    const twice = { 'zope.conf': '%include a.conf\n%include a.conf', 'a.conf': half };
    await assertLimited(twice, /zope\.conf:2: Expected at most \d+ bytes/);
  });

  it('is refused if a line is too long', async () => {
    const line = `key ${'x'.repeat(limits.lineLength)}`;
    await assertLimited({ 'zope.conf': `\n${line}` }, /zope\.conf:2: Expected a line of at most/);
  });

  it('is refused if sections nest too deep, in one file or several', async () => {
    const deep = (levels: number) => '<a>\n'.repeat(levels) + '</a>\n'.repeat(levels);
    assert.equal((await treeOf(deep(limits.sectionDepth))).sections.length, 1);
    await assertLimited(
      { 'zope.conf': deep(limits.sectionDepth + 1) },
      /:65: Expected at most 64 nested sections/,
    );
    await assertLimited({ 'zope.conf': deep(100_000) }, /:65: Expected at most 64 nested sections/);
    const inner = deep(limits.sectionDepth);
    await assertLimited(
      { 'zope.conf': '<b>\n%include a.conf\n</b>', 'a.conf': inner },
      /a\.conf:64: Expected/,
    );
  });

  it('is refused if it includes too many files', async () => {
    const chain = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [`${index}.conf`, `%include ${index + 1}.conf`]),
    );
    await assertLimited(
      { 'zope.conf': '%include 0.conf', ...chain },
      /14\.conf:1: Expected at most 16 nested includes/,
    );
    const often = '%include a.conf\n'.repeat(200);
    await assertLimited(
      { 'zope.conf': often, 'a.conf': '' },
      /zope\.conf:100: Expected at most 100 files in all/,
    );
    // Each level includes the next one twice: 2^16 files, if they were read.
    const tree = Object.fromEntries(
      Array.from({ length: 14 }, (_, index) => [`${index}.conf`, `%include ${index + 1}.conf\n`.repeat(2)]),
    );
    await assertLimited(
      { 'zope.conf': '%include 0.conf', ...tree, '14.conf': '' },
      /at most 100 files in all/,
    );
  });

  it('is refused if symbolic links make its includes a cycle', async () => {
    await using directory = await ConfigDirectory.make({ 'zope.conf': '%include again/zope.conf' });
    await symlink('.', directory.path('again'));
    await assert.rejects(readZopeConfig(directory.path('zope.conf')), { code: 'ERR_ZCONFIG_LIMIT' });
  });

  it('is refused without waiting if it is a named pipe or a device', async () => {
    await using directory = await ConfigDirectory.make({
      'zope.conf': '\n%include pipe',
      'z.conf': '%include /dev/zero',
    });
    execFileSync('mkfifo', [directory.path('pipe')]);
    for (const name of ['zope.conf', 'pipe', 'z.conf']) {
      await assert.rejects(readZopeConfig(directory.path(name)), {
        code: 'ERR_ZCONFIG_READ',
        message: /it is not a regular file$/,
      });
    }
  });

  it('takes linear time for long gaps, many names and many definitions', async () => {
    const gap = ' '.repeat(16_000);
    const gaps = `a${gap}b\n<a${gap}b/>\n`.repeat(30);
    const sections = Array.from({ length: 50_000 }, (_, index) => `<a n${index}/>`).join('\n');
    const definitions = Array.from({ length: 30_000 }, (_, index) => `%define n${index} $$`).join('\n');
    // In quadratic time each of them would take minutes; the test's file has a time limit.
    await assert.rejects(treeOf(gaps), /a name other than that of/);
    assert.equal((await treeOf(sections)).sections.length, 50_000);
    assert.equal((await treeOf(definitions)).settings.length, 0);
  });
});
