import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { PendingCall, PendingCalls } from '#src/zeo/connection/pending-calls.js';

it('Pending calls are found by id and drained in order after any removals', () => {
  const step = fc.oneof(fc.constant('add' as const), fc.nat(20));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const calls = new PendingCalls();
      const model = new Map<number, PendingCall>();
      let removed = 0;
      for (const what of steps) {
        if (what === 'add') {
          const id = calls.takeId();
          const call = new PendingCall(
            id,
            true,
            () => {},
            () => {},
          );
          model.set(id, call);
          calls.add(call);
          continue;
        }
        if (what < 1 || what > model.size + removed) {
          assert.throws(() => calls.find(what), { code: 'ERR_ZEO_PROTOCOL' });
          continue;
        }
        assert.equal(calls.find(what), model.get(what));
        const call = model.get(what);
        if (call === undefined) continue;
        calls.remove(call);
        calls.remove(call);
        assert.deepEqual([call.older, call.newer], [undefined, undefined]);
        model.delete(what);
        removed += 1;
      }
      assert.deepEqual(
        calls.drain().map(({ id }) => id),
        [...model.keys()],
      );
      assert.deepEqual(calls.drain(), []);
    }),
  );
});
