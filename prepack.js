// Run by `npm pack` after the build: of the declarations and maps that tsc has written, the package gets those that its exports reach.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const { exports } = JSON.parse(readFileSync('package.json', 'utf8'));
const entries = Object.values(exports).flatMap(({ types = [] }) => types);
const program = ts.createProgram(entries, { module: ts.ModuleKind.NodeNext, noLib: true, types: [] });
const reached = program
  .getSourceFiles()
  .map(({ fileName }) => path.relative('dist', fileName).replaceAll(path.sep, '/'))
  .filter((file) => !file.startsWith('..'));
const kept = reached.flatMap((file) => [`!/${file}`, `!/${file}.map`]);
writeFileSync('dist/.npmignore', ['*.d.ts', '*.d.ts.map', ...kept, ''].join('\n'));
