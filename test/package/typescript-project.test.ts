import assert from 'node:assert/strict';
import { cp, readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CleanProject, nodes, root } from './clean-project.js';

const consumer = path.join(root, 'test/package/consumer');
const compiler = path.join(root, 'node_modules/typescript/bin/tsc');

describe('a project in TypeScript that uses every export', { timeout: 170_000 }, () => {
  let project: CleanProject;

  before(async () => {
    const openTelemetry = ['@opentelemetry/api', '@opentelemetry/sdk-metrics'];
    project = await CleanProject.create('@types/node@20', ...openTelemetry);
    await cp(consumer, project.path('consumer'), { recursive: true });
    // Strict, and with the package's own declarations checked.
    await project
      .run(process.execPath, [compiler, '-p', 'consumer'])
      .catch(({ stdout }) => assert.fail(stdout));
  });
  after(() => project[Symbol.asyncDispose]());

  for (const file of ['imports.mts', 'requires.cts']) {
    it(`uses every entry point of the package in ${file}`, async () => {
      const { exports } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
      const source = await readFile(path.join(consumer, file), 'utf8');
      for (const key of Object.keys(exports)) {
        const name = path.posix.join('zeo-keepalive', key);
        assert.match(source, new RegExp(`(from|import|require\\() ?'${name}'`));
      }
    });
  }

  for (const { executable: node, version } of nodes) {
    it(`runs by import and by require on Node ${version}`, async () => {
      const imported = await project.run(node, ['consumer/built/imports.mjs']);
      assert.equal(imported.stdout, 'Imported zeo-keepalive\n');
      const required = await project.run(node, ['consumer/built/requires.cjs']);
      assert.equal(required.stdout, 'Required zeo-keepalive\n');
      assert.doesNotMatch(required.stderr, /Warning/);
    });
  }
});
