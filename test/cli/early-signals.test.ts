import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RunningCommand } from './command.js';

const guard = ['guard', '--period', '0.2', '--timeout', '0.5', '0=127.0.0.1:1'];

const moduleOf = (source: string) => `data:text/javascript,${encodeURIComponent(source)}`;

/** The environment in which a command receives a signal as soon as it loads its options: it has no other listener yet. */
function signalled(signal: NodeJS.Signals): Readonly<Record<string, string>> {
  const hooks = `export function load(url, context, next) {
    if (url.endsWith('/src/cli/program.js')) process.kill(process.pid, '${signal}');
    return next(url, context);
  }`;
  const preloaded = moduleOf(
    `import { register } from 'node:module'; register(${JSON.stringify(moduleOf(hooks))});`,
  );
  return { NODE_OPTIONS: `--import=${preloaded}` };
}

describe('A guard that is still being loaded', { timeout: 60_000 }, () => {
  it('reads its configuration again at SIGHUP, once it has started', async () => {
    const command = new RunningCommand(guard, signalled('SIGHUP'));
    await command.line(/SIGHUP: nothing to read again/);
    command.kill('SIGTERM');
    assert.equal((await command.ended()).code, 0);
  });

  it('ends in good order at SIGTERM and SIGINT', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const { code, stdout, stderr } = await new RunningCommand(guard, signalled(signal)).ended();
      assert.deepEqual([code, stdout, stderr], [0, '', '']);
    }
  });
});

describe('Another command that is still being loaded', { timeout: 60_000 }, () => {
  it('ends by SIGHUP, as its terminal has vanished', async () => {
    const { signal } = await new RunningCommand(['watch', '127.0.0.1:1'], signalled('SIGHUP')).ended();
    assert.equal(signal, 'SIGHUP');
  });
});
