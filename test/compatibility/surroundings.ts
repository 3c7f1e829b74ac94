import { readFileSync } from 'node:fs';

/** What the packed package is tried with, by the tests that iterate over these lists; docs/compatibility.md shows them. */

/** Releases of Node.js, each the newest of its kind, oldest first. A file that .ci/run reads as well. */
export const nodeReleases: readonly string[] = JSON.parse(
  readFileSync(new URL('../../../test/compatibility/nodes.json', import.meta.url), 'utf8'),
);

/** Other runtimes, as npm has them, with the arguments by which they run a file. */
export const runtimes = { bun: ['run'], deno: ['run', '--allow-all'] } as const;

export const bundlers = ['esbuild', 'webpack', 'rollup', 'vite'] as const;

/** What each of them makes, by the ending of its files. */
export const bundleFormats = { mjs: 'an ES module', cjs: 'CommonJS' } as const;

/** The oldest TypeScript that reads the declarations, and the newest, by the names under which npm installs them. */
export const compilers = { 'typescript-5.2': '5.2', 'typescript-newest': 'latest' } as const;

/** Each `moduleResolution` of TypeScript, with the `module` that it needs. */
export const resolutions = { node16: 'node16', nodenext: 'nodenext', bundler: 'esnext' } as const;
