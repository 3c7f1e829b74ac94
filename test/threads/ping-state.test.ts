import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { moved, type PingState } from '#src/threads/ping-state.js';

describe('The states of a ping', () => {
  it('lead from waiting for the lock to a verdict', () => {
    const states: PingState[] = ['waiting'];
    for (const move of ['lockRefused', 'queued', 'written', 'overdue', 'concluded'] as const)
      states.push(moved(states.at(-1) as PingState, move));
    assert.deepEqual(states, ['waiting', 'unlocked', 'queued', 'sent', 'overdue', 'concluded']);
  });

  it('can all move to concluded, from which no move leads on', () => {
    for (const state of ['waiting', 'unlocked', 'queued', 'sent', 'overdue'] as const)
      assert.equal(moved(state, 'concluded'), 'concluded');
    for (const move of ['lockRefused', 'queued', 'written', 'overdue', 'concluded'] as const)
      assert.throws(() => moved('concluded', move), /A ping that is concluded cannot be/);
  });

  it('never lead back to the lock, nor from waiting for it to overdue', () => {
    assert.throws(() => moved('sent', 'lockRefused'));
    assert.throws(() => moved('overdue', 'queued'));
    assert.throws(() => moved('waiting', 'overdue'));
  });
});
