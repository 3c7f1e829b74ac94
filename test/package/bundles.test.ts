import assert from 'node:assert/strict';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { bundleFormats, bundlers } from '../compatibility/surroundings.js';
import { CleanProject } from './clean-project.js';

/** Pings a server of its own once. In a function, because CommonJS has no top-level await. */
const application = `
  import { databases, startThread } from 'zeo-keepalive';
  import { ZeoServer } from 'zeo-keepalive/testing';
  import { ClientStorage } from 'zeo-keepalive/zeo';

  async function main() {
    const server = await ZeoServer.listen();
    databases.open('main', await ClientStorage.open(server.address));
    const agent = startThread(0.2);
    agent.once('workerLost', fail);
    await new Promise((resolve) => agent.once('pingSucceeded', resolve));
    await agent.stop();
    await databases.close('main');
    await server.close();
    console.log('pinged');
  }
  function fail(reason) {
    console.error(reason);
    process.exit(1);
  }
  main().catch(fail);`;

/** Bundles the application with each bundler, in each format: once whole, and once as docs/bundling.md says. */
const build = `
  import { nodeResolve } from '@rollup/plugin-node-resolve';
  import commonjs from '@rollup/plugin-commonjs';
  import json from '@rollup/plugin-json';
  import { build } from 'esbuild';
  import path from 'node:path';
  import { rollup } from 'rollup';
  import { build as buildWithVite } from 'vite';
  import webpack from 'webpack';

  const isPackage = /^zeo-keepalive(\\/|$)/;
  for (const [folder, isExternal] of [['whole', false], ['installed/external', true]]) {
    for (const [format, ending] of [['esm', 'mjs'], ['cjs', 'cjs']]) {
      const file = (bundler) => path.resolve(folder, bundler + '.' + ending);
      await build({
        entryPoints: ['app.js'], bundle: true, platform: 'node', format, outfile: file('esbuild'), logLevel: 'error',
        external: isExternal ? ['zeo-keepalive'] : [],
      });
      const bundle = await rollup({
        input: 'app.js', external: isExternal ? isPackage : [], onLog() {},
        plugins: [nodeResolve({ preferBuiltins: true, exportConditions: ['node'] }), commonjs(), json()],
      });
      await bundle.write({ file: file('rollup'), format, inlineDynamicImports: true });
      await bundle.close();
      await buildWithVite({
        configFile: false, logLevel: 'error',
        build: {
          ssr: 'app.js', outDir: folder, emptyOutDir: false,
          rollupOptions: {
            output: { format, entryFileNames: 'vite.' + ending, chunkFileNames: 'vite-[name].' + ending },
          },
        },
        ssr: { noExternal: true, external: isExternal ? ['zeo-keepalive'] : [] },
      });
      const isModule = format === 'esm';
      const type = isModule ? 'module' : 'commonjs';
      await new Promise((resolve, reject) => webpack({
        mode: 'production', target: 'node20', entry: './app.js', optimization: { minimize: false },
        output: {
          path: path.resolve(folder), filename: 'webpack.' + ending, module: isModule, library: { type },
          chunkFormat: type, chunkFilename: 'webpack-[id].' + ending,
        },
        experiments: { outputModule: isModule },
        externalsType: isModule ? 'module' : 'node-commonjs',
        externals: isExternal ? [({ request }, done) => isPackage.test(request) ? done(null, request) : done()] : [],
      }, (error, stats) => error || stats.hasErrors() ? reject(error ?? stats.toString()) : resolve()));
    }
  }`;

describe('an application in a bundle', { timeout: 170_000 }, () => {
  let project: CleanProject;
  const node = process.execPath;

  before(async () => {
    const plugins = ['node-resolve', 'commonjs', 'json'].map((name) => `@rollup/plugin-${name}`);
    project = await CleanProject.create(...bundlers, ...plugins);
    await writeFile(project.path('app.js'), application);
    await writeFile(project.path('build.mjs'), build);
    await project.run(node, ['build.mjs']);
    // Where no bundle finds the package by itself: webpack's remember the place at which they were built.
    await mkdir(project.path('installed'), { recursive: true });
    await rename(project.path('node_modules'), project.path('installed/node_modules'));
  });
  after(() => project[Symbol.asyncDispose]());

  for (const bundler of bundlers) {
    for (const [ending, format] of Object.entries(bundleFormats)) {
      const file = `${bundler}.${ending}`;

      it(`pings if ${bundler} leaves the package out of ${format}`, async () => {
        const { stdout } = await project.run(node, [`installed/external/${file}`]);
        assert.equal(stdout, 'pinged\n');
      });

      it(`is refused at start if ${bundler} made ${format} of everything`, async () => {
        await assert.rejects(project.run(node, [`whole/${file}`]), {
          code: 1,
          stderr: /has probably been bundled.*docs\/bundling\.md.*ERR_KEEPALIVE_BUNDLED/s,
        });
      });

      it(`pings from ${format} that ${bundler} made, with the worker's path`, async () => {
        const worker = 'installed/node_modules/zeo-keepalive/dist/workers/keep-alive.worker.js';
        const { stdout, stderr } = await project.run(node, [`whole/${file}`], {
          ZEO_KEEPALIVE_WORKER: worker,
        });
        assert.equal(stdout, 'pinged\n');
        // Without pino its lines are the same.
        assert.match(
          stderr,
          /^\{"level":30,.*"subsystem":"ZEO KeepAlive".*"msg":"Keep alive thread started[^\n]*\}$/m,
        );
        assert.doesNotMatch(stderr, /cannot write its log/);
      });
    }
  }
});
