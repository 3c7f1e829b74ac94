import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The lines of the tests, as TAP: `ok 1 - late keeps its promises against embedded # SKIP …`. */
function run(): readonly string[] {
  const script = fileURLToPath(new URL('./faults-on-a-busy-machine.js', import.meta.url));
  // Without this variable it is a separate run rather than part of this one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout } = spawnSync(process.execPath, ['--test-reporter=tap', script], { encoding: 'utf8', env });
  return stdout.split('\n').filter((line) => /^ +(not )?ok .*keeps its promises/.test(line));
}

describe('a fault run as a test', () => {
  const lines = run();
  const outcomeOf = (fault: string) => lines.find((line) => line.includes(`- ${fault} keeps`))?.trim();

  it('passes if the agent kept all of its promises', () => {
    assert.match(outcomeOf('well') ?? '', /^ok .* against embedded$/);
  });

  it('passes if they were kept although the machine was too busy', () => {
    assert.match(outcomeOf('unmoved') ?? '', /^ok .* against embedded$/);
  });

  it('is skipped for a promise broken on a machine that was too busy', () => {
    assert.match(outcomeOf('late') ?? '', /^ok .*# SKIP the machine was too busy: its peers were late$/);
  });

  it('fails for a broken promise that a busy machine does not excuse', () => {
    assert.match(outcomeOf('wrong') ?? '', /^not ok /);
  });

  it('fails for what else is wrong on a machine that was too busy', () => {
    assert.match(outcomeOf('leaky') ?? '', /^not ok /);
  });

  it('is skipped with the reason if it cannot be run', () => {
    assert.match(outcomeOf('absent') ?? '', /^ok .*# SKIP no iptables$/);
  });
});
