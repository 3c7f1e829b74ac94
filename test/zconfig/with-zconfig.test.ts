// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is the syntax of ZConfig too.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { ConfigError } from '#src/zconfig/config-error.js';
import { findZeo } from '../support/python/environments.js';
import { ConfigDirectory, type Files } from './config-directory.js';
import { accepted, refused } from './corpus.js';
import { PythonZConfig } from './python-zconfig.js';
import { type PlainSection, plainTree, treeOfFile } from './tree.js';

/** The tree, or the error; any other error fails the test. */
async function outcome(path: string, env: Record<string, string>): Promise<PlainSection | ConfigError> {
  try {
    return plainTree(await treeOfFile(path, env));
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

describe('ZConfig itself and this package', { skip: findZeo('6.2').missing }, () => {
  let zconfig: PythonZConfig;
  before(() => {
    zconfig = new PythonZConfig();
  });
  after(() => zconfig[Symbol.asyncDispose]());

  const filesOf = (files: string | Files): Files =>
    typeof files === 'string' ? { 'zope.conf': files } : files;

  for (const { title, files, env = {} } of accepted) {
    it(`read ${title} alike`, async () => {
      await using directory = await ConfigDirectory.make(filesOf(files));
      const path = directory.path('zope.conf');
      assert.deepEqual(await outcome(path, env), (await zconfig.tree(path, env)).loaded);
    });
  }

  for (const { title, files, env = {} } of refused) {
    it(`both refuse ${title}`, async () => {
      await using directory = await ConfigDirectory.make(filesOf(files));
      const path = directory.path('zope.conf');
      const theirs = await zconfig.tree(path, env);
      assert.notEqual(theirs.refused, undefined, 'ZConfig accepts it');
      const ours = await outcome(path, env);
      assert.ok(ours instanceof ConfigError, JSON.stringify(ours));
      assert.ok(ours.line !== undefined && ours.message.startsWith(`${ours.file}:${ours.line}: Expected `));
      // ZConfig finds a name that is used twice, or a section that is not closed, only where something ends.
      const isLate = /not closed|twice/.test(title);
      if (theirs.line && !isLate) assert.equal(ours.line, theirs.line);
    });
  }

  it('read an include of an absolute path alike', async () => {
    await using directory = await ConfigDirectory.make({ 'sub/a.conf': 'a 1' });
    const target = directory.path('sub/a.conf');
    for (const written of [target, `file:${target}`, `file://${target}`, `/..${target}`]) {
      await directory.write({ 'zope.conf': `%include ${written}` });
      const path = directory.path('zope.conf');
      const theirs = await zconfig.tree(path);
      assert.deepEqual(theirs.loaded?.settings, [['a', '1']]);
      assert.deepEqual(await outcome(path, {}), theirs.loaded);
    }
  });

  it('agree on random combinations of lines', async () => {
    await using directory = await ConfigDirectory.make();
    const path = directory.path('zope.conf');
    const token = fc.constantFrom(
      ...[
        '<',
        '>',
        '/',
        '</',
        '/>',
        '%',
        '#',
        '$',
        '$$',
        '${',
        '}',
        '$(',
        ')',
        '(',
        ' ',
        '\t',
        '\r',
        '\u00a0',
        '\ufeff',
      ],
      ...[
        'a',
        'b',
        'A',
        '_',
        '1',
        '-',
        'define ',
        'include ',
        'import ',
        '%define a ',
        '%define b ',
        '$a',
        '${b}',
      ],
      ...['$(E)', '<a>', '</a>', '<b x>', '</b>', '<a/>', 'key value', '\u001f', '\u2028', 'é'],
    );
    const line = fc.oneof(
      fc.array(token, { maxLength: 6 }).map((tokens) => tokens.join('')),
      fc.constantFrom('<a>', '</a>', '<b>', '</b>', '%define a 1', 'key $a', '%define b $a$$', 'k v'),
    );
    // A byte order mark at the very beginning is refused here, always: see below.
    const lines = fc.array(line, { maxLength: 8 }).map((all) => ['', ...all].join('\n'));
    let loaded = 0;
    await fc.assert(
      fc.asyncProperty(lines, async (text) => {
        await directory.write({ 'zope.conf': text });
        const env = { E: 'from the environment $a' };
        const theirs = await zconfig.tree(path, env);
        const ours = await outcome(path, env);
        if (theirs.refused !== undefined) return assert.ok(ours instanceof ConfigError, JSON.stringify(ours));
        assert.deepEqual(ours, theirs.loaded);
        if (theirs.loaded.settings.length + theirs.loaded.sections.length > 0) loaded++;
      }),
      { numRuns: 500 },
    );
    assert.ok(loaded > 20, `only ${loaded} were configurations with something in them`);
  });

  it('differ on purpose where Python would fetch, import or fail', async () => {
    await using directory = await ConfigDirectory.make({
      'data.conf': '%include data:text/plain,a%201',
      'bom.conf': '\ufeffa 1',
    });
    assert.deepEqual((await zconfig.tree(directory.path('data.conf'))).loaded?.settings, [['a', '1']]);
    await assert.rejects(treeOfFile(directory.path('data.conf')), { code: 'ERR_ZCONFIG_INCLUDE', line: 1 });
    // To ZConfig it is part of the key, which every schema of Zope then refuses.
    assert.deepEqual((await zconfig.tree(directory.path('bom.conf'))).loaded?.settings, [['\ufeffa', '1']]);
    assert.notEqual((await zconfig.clients(directory.path('bom.conf'))).refused, undefined);
    await assert.rejects(treeOfFile(directory.path('bom.conf')), { code: 'ERR_ZCONFIG_SYNTAX', line: 1 });
  });
});
