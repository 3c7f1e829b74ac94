import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Child } from '../harness/child.js';
import type { ServerApi } from '../processes/server.js';

const launch = () => new Child<ServerApi>(new URL('../processes/server.js', import.meta.url));

describe('a process of the benchmarks', () => {
  it('answers calls and ends when it is disposed of', async () => {
    const child = launch();
    assert.match(await child.call('listen', { encoding: 'M5' }), /^127\.0\.0\.1:\d+$/);
    await child[Symbol.asyncDispose]();
    await assert.rejects(child.call('listen', { encoding: 'M5' }), /ended with 0/);
  });

  it('rejects with the error that a call throws', async () => {
    await using child = launch();
    const encoding = 'X9' as 'Z5';
    await assert.rejects(child.call('listen', { encoding }), Error);
  });
});
