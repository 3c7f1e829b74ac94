import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The lines of the tests, as TAP: `ok 1 - late keeps what is promised, against embedded # SKIP …`. */
function run(): readonly string[] {
  const script = fileURLToPath(new URL('./faults-on-a-busy-machine.js', import.meta.url));
  // Without this variable it is a run of its own, not a part of this one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout } = spawnSync(process.execPath, ['--test-reporter=tap', script], { encoding: 'utf8', env });
  return stdout.split('\n').filter((line) => /^ +(not )?ok .*keeps what is promised/.test(line));
}

describe('a fault that is run as a test', () => {
  const lines = run();
  const outcomeOf = (fault: string) => lines.find((line) => line.includes(`- ${fault} keeps`))?.trim();

  it('passes when all that was promised was kept', () => {
    assert.match(outcomeOf('well') ?? '', /^ok .* against embedded$/);
  });

  it('passes when all was kept on a machine that was too busy', () => {
    assert.match(outcomeOf('unmoved') ?? '', /^ok .* against embedded$/);
  });

  it('is skipped, with the reason, when it broke a promise on a machine that was too busy', () => {
    assert.match(outcomeOf('late') ?? '', /^ok .*# SKIP the machine was too busy: its peers were late$/);
  });

  it('fails for a broken promise, also when the machine was too busy for the rest', () => {
    assert.match(outcomeOf('wrong') ?? '', /^not ok /);
  });

  it('is named where it cannot be run', () => {
    assert.match(outcomeOf('absent') ?? '', /^ok .*# SKIP no iptables$/);
  });
});
