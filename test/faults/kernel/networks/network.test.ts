import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { until } from '../../../support/turning-clock.js';
import { missingForKernelFaults } from './missing.js';
import { Network } from './network.js';

describe('a network of the fault lab', () => {
  const skip = missingForKernelFaults();

  it('lets a process go on that was stopped on it when it is removed', { skip }, async () => {
    using network = new Network();
    const { namespace } = network.add('host');
    // It ends with its standard input, as the servers of the lab end with theirs, unless it is stopped.
    const child = spawn('ip', ['netns', 'exec', namespace, 'sh', '-c', 'kill -STOP $$; read -r line'], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    try {
      const exited = once(child, 'exit');
      const state = () => / ([A-Z]) /.exec(readFileSync(`/proc/${child.pid}/stat`, 'latin1'))?.[1];
      await until(() => state() === 'T', 10_000, 'it is stopped');
      child.stdin.end();
      network[Symbol.dispose]();
      const patience = AbortSignal.timeout(10_000);
      const ended = await Promise.race([exited, once(patience, 'abort').then(() => 'still stopped')]);
      assert.notEqual(ended, 'still stopped');
    } finally {
      child.kill('SIGKILL');
    }
  });
});
