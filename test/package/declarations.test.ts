import assert from 'node:assert/strict';
import { cp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { compilers, resolutions } from '../compatibility/surroundings.js';
import { CleanProject, root } from './clean-project.js';

const source = path.join(root, 'test/package/declarations');

describe('the declarations of the package', { timeout: 600_000 }, () => {
  let project: CleanProject;

  before(async () => {
    const aliases = Object.entries(compilers).map(([name, version]) => `${name}@npm:typescript@${version}`);
    project = await CleanProject.create('@types/node@20', '@opentelemetry/api', ...aliases);
    await cp(source, project.path('declarations'), { recursive: true });
  });
  after(() => project[Symbol.asyncDispose]());

  it('are all reached from the file that is compiled', async () => {
    const { exports } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
    const text = await readFile(path.join(source, 'entry-points.mts'), 'utf8');
    const typed = Object.keys(exports).filter((key) => exports[key].types !== undefined);
    for (const key of typed) assert.ok(text.includes(`'${path.posix.join('zeo-keepalive', key)}'`), key);
  });

  for (const name of Object.keys(compilers)) {
    for (const [moduleResolution, module] of Object.entries(resolutions)) {
      it(`compile with ${name} and the module resolution ${moduleResolution}`, async () => {
        const compilerOptions = {
          target: 'es2022',
          strict: true,
          exactOptionalPropertyTypes: true,
          skipLibCheck: false,
          types: ['node'],
          noEmit: true,
          module,
          moduleResolution,
        };
        const file = `${name}.${moduleResolution}.json`;
        await writeFile(project.path(file), JSON.stringify({ compilerOptions, include: ['declarations'] }));
        const tsc = project.path('node_modules', name, 'bin/tsc');
        await project.run(process.execPath, [tsc, '-p', file]).catch(({ stdout }) => assert.fail(stdout));
      });
    }
  }
});
