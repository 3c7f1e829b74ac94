import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MessageChannel } from 'node:worker_threads';
import { resolveSettings } from '#src/agent/settings.js';
import { version } from '#src/model/version.js';
import { Board } from '#src/threads/board.js';
import type { WorkerInit } from '#src/threads/contract.js';
import { SocketTable } from '#src/threads/socket-table.js';
import install from '../../workers/keep-alive.worker.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

/** An installed package with the worker's entry. Returns the path of that. */
function installed(t: TestContext, changes: { readonly version?: string }): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'zeo-keepalive-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ ...manifest, ...changes }));
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'), 'junction');
  const entry = path.join(folder, 'dist/workers/keep-alive.worker.js');
  cpSync(path.join(root, 'dist/workers/keep-alive.worker.js'), entry, { recursive: true });
  return entry;
}

describe('The version', () => {
  it('is the one in package.json', () => {
    assert.equal(version, manifest.version);
  });

  it('of a worker’s file that is set has to be the package’s own', (t) => {
    const same = installed(t, {});
    assert.ok(resolveSettings({ period: 1, worker: same }, {}).settings?.worker?.pathname.endsWith(same));
    const other = installed(t, { version: '0.0.9' });
    const expected = `an installed zeo-keepalive ${version}; received `.replaceAll('.', '\\.');
    assert.throws(() => resolveSettings({ period: 1, worker: other }, {}), {
      code: 'ERR_KEEPALIVE_INVALID_SETTING',
      message: new RegExp(`^Option worker: expected .* in ${expected}`),
    });
  });

  it('of a worker that finds itself in another package stops its start', (t) => {
    const { port1, port2 } = new MessageChannel();
    t.after(() => port1.close());
    const init: WorkerInit = {
      version: '0.0.9',
      port: port2,
      board: new Board().buffer,
      sockets: new SocketTable().buffer,
      settings: { periodMs: 1000, timeoutMs: 1000, jitter: 0, concurrency: 1 },
      startedMs: 0,
      replaces: false,
    };
    assert.throws(() => install(init), {
      message: `The worker's file is of version ${version}, and the package of 0.0.9`,
    });
  });
});
