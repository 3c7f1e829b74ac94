import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { CleanProject, root } from './clean-project.js';

/** The classes that it names, in its last line, and where they are defined. */
const places = { KeepAlive: 'agent/keep-alive.ts', ClientStorage: 'zeo/storage/client-storage.ts' };
const lines = [
  "import { KeepAlive } from 'zeo-keepalive';",
  "import { ClientStorage } from 'zeo-keepalive/zeo';",
  `export const classes = [${Object.keys(places).join(', ')}];`,
];

/** What TypeScript's server, which editors ask, finds as the definition of each of these names in the last line of a file. */
async function definitions(file: string, names: readonly string[]): Promise<string[][]> {
  const tsserver = path.join(root, 'node_modules/typescript/lib/tsserver.js');
  const server = spawn(process.execPath, [tsserver, '--disableAutomaticTypingAcquisition'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const send = (seq: number, command: string, args: object) =>
    server.stdin.write(`${JSON.stringify({ seq, type: 'request', command, arguments: args })}\n`);
  try {
    send(0, 'open', { file });
    for (const [index, name] of names.entries()) {
      const offset = (lines.at(-1) as string).indexOf(name) + 1;
      send(index + 1, 'definition', { file, line: lines.length, offset });
    }
    const found: string[][] = [];
    for await (const line of createInterface(server.stdout)) {
      if (!line.startsWith('{')) continue;
      const { command, body } = JSON.parse(line);
      if (command !== 'definition') continue;
      found.push(body.map((definition: { file: string }) => definition.file));
      if (found.length === names.length) break;
    }
    return found;
  } finally {
    server.kill();
  }
}

describe('An editor in a project that uses the package', { timeout: 120_000 }, () => {
  it('goes from a name to its definition in the sources', async () => {
    await using project = await CleanProject.create('@types/node@20');
    const file = project.path('program.mts');
    await writeFile(file, lines.join('\n'));
    const compilerOptions = { module: 'nodenext', types: ['node'] };
    await writeFile(
      project.path('tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['program.mts'] }),
    );
    const found = await definitions(file, Object.keys(places));
    const sources = project.path('node_modules/zeo-keepalive/src');
    assert.deepEqual(
      found,
      Object.values(places).map((place) => [path.join(sources, place)]),
    );
  });
});
