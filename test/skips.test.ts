import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { listOfSkips } from './skips.js';

describe('the list of skipped tests', () => {
  it('says each reason once, above the tests that were skipped for it', () => {
    const list = listOfSkips([
      { test: 'a: first', reason: 'no iptables' },
      { test: 'b: second', reason: 'no Python' },
      { test: 'a: third', reason: 'no iptables' },
    ]);
    assert.deepEqual(list.split('\n'), [
      'Skipped:',
      '  no iptables',
      '    a: first',
      '    a: third',
      '  no Python',
      '    b: second',
    ]);
  });

  it('says so when nothing was skipped', () => {
    assert.equal(listOfSkips([]), 'Nothing was skipped');
  });
});
