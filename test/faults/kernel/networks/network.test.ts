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

  it('resumes a stopped process in it when it is removed', { skip }, async () => {
    using network = new Network();
    const { namespace } = network.add('host');
    // Ends with its standard input, as the servers of the lab do, unless it is stopped.
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
