import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

describe('npm start', () => {
  it('shows silence, detection and reconnect in order, and ends', {
    timeout: 60_000,
  }, async () => {
    // Rejects on any other exit code than 0.
    const { stdout } = await promisify(execFile)(process.execPath, [main]);
    const order = [
      'goes silent',
      'DEAD',
      'learned of 1 changed',
      'connected again',
      'Everything went as promised',
    ];
    const positions = order.map((words) => stdout.indexOf(words));
    assert.ok(!positions.includes(-1), stdout);
    assert.deepEqual(
      [...positions].sort((a, b) => a - b),
      positions,
      stdout,
    );
  });
});
