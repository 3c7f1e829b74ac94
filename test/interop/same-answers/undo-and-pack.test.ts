import { maxTid } from '#src/zodb/ids.js';
import { oid } from '../../zeo/server/records.js';
import { compareScenarios, fill } from './scenario.js';
import { store, tid, timeOf, undoId, zero } from './transcript.js';

compareScenarios('Undo and pack are answered as by ZEO', {
  'the log of transactions that can be undone': async (see) => {
    await see.ask('undoLog', 0, -20);
    await fill(see);
    await see.commit(4, store(3, tid(2), 'c2'));
    for (const [first, last] of [
      [0, -20],
      [0, -2],
      [1, 3],
      [3, 2],
      [2, -1],
      [9, -1],
    ] as const) {
      await see.ask('undoLog', first, last);
    }
    await see.ask('undoInfo', 0, -20, { user_name: Buffer.from('user 1') });
    await see.ask('undoInfo', 1, -20, { user_name: Buffer.from('user 1') });
    await see.ask('undoInfo', 0, -20, { number: 2, user_name: Buffer.from('user 0') });
    await see.ask('undoInfo', 0, -20, { number: 2, user_name: 'user 0' });
    await see.ask('undoInfo', 0, -20, null);
  },

  'undo, redo and the undo of a creation': async (see) => {
    await fill(see);
    await see.commit(4, ['undoa', undoId(3)]);
    for (const number of [1, 2]) await see.ask('loadBefore', oid(number), maxTid);
    await see.commit(5, ['undoa', undoId(4)]);
    for (const number of [1, 2]) await see.ask('loadBefore', oid(number), maxTid);
    await see.ask('history', oid(1), 9);
    await see.commit(6, store(4, zero, 'd'));
    await see.commit(7, ['undoa', undoId(6)]);
    await see.ask('loadBefore', oid(4), maxTid);
    await see.ask('loadSerial', oid(4), tid(7));
    await see.ask('getTid', oid(4));
    await see.commit(8, ['undoa', undoId(7)]);
    await see.ask('loadBefore', oid(4), maxTid);
    await see.commit(9, ['undoa', undoId(8)], ['undoa', undoId(5)]);
    await see.ask('loadBefore', oid(1), maxTid);
    await see.iterate(tid(4), null);
    await see.ask('undoLog', 0, -20);
  },

  'undo after later changes, and of unknown transactions': async (see) => {
    await fill(see);
    await see.commit(4, ['undoa', undoId(2)]);
    await see.commit(5, ['undoa', undoId(1)]);
    await see.commit(6, ['undoa', undoId(7)]);
    await see.commit(7, store(1, tid(3), 'a2'));
    // The record is as it was, so that nothing prevents it.
    await see.commit(8, ['undoa', undoId(2)]);
    await see.ask('loadBefore', oid(1), maxTid);
    await see.ask('loadBefore', oid(3), maxTid);
  },

  'packing, repeated and at different times': async (see) => {
    await see.ask('pack', timeOf(1) / 1000, 1);
    await fill(see);
    await see.commit(4, store(0, tid(1), 'root', oid(2)), store(5, zero, 'nobody refers to it'));
    await see.commit(5, store(2, tid(3), 'b3', oid(3)));
    await see.commit(6, ['undoa', undoId(5)]);
    for (const until of [2.5, 4.5, 4.5, 1]) {
      await see.ask('pack', timeOf(until) / 1000, 1);
      await see.iterate(null, null);
      await see.currentRecords();
      await see.ask('undoLog', 0, -20);
      for (const number of [0, 1, 2, 3, 5]) await see.ask('history', oid(number), 9);
      await see.ask('loadBefore', oid(2), tid(3));
    }
    await see.commit(7, ['undoa', undoId(3)]);
    await see.commit(8, ['undoa', undoId(6)]);
    await see.ask('loadBefore', oid(2), maxTid);
  },

  'packing before an undo that restored an older record': async (see) => {
    await see.commit(1, store(0, zero, 'root', oid(1)), store(1, zero, 'a', oid(2)), store(2, zero, 'b'));
    await see.commit(2, store(0, tid(1), 'root 2', oid(1)), store(1, tid(1), 'refers to nobody'));
    await see.commit(3, store(0, tid(2), 'root 3', oid(1)));
    await see.commit(4, ['undoa', undoId(2)], ['undoa', undoId(3)]);
    await see.commit(5, store(1, tid(2), 'refers to nobody yet'));
    await see.commit(6, ['undoa', undoId(5)]);
    await see.commit(7, store(3, zero, 'another'), store(1, tid(6), 'again'));
    await see.commit(8, ['undoa', undoId(7)]);
    await see.ask('pack', timeOf(3.5) / 1000, 1);
    await see.iterate(null, null);
    for (const number of [0, 1, 2]) await see.ask('history', oid(number), 9);
    await see.ask('loadBefore', oid(2), maxTid);
  },

  'packing before an undo that restored a reference': async (see) => {
    await see.commit(1, store(0, zero, 'root', oid(1)), store(1, zero, 'a', oid(2)), store(2, zero, 'b'));
    await see.commit(2, store(0, tid(1), 'root 2', oid(1)));
    await see.commit(3, store(1, tid(1), 'refers to nobody'));
    await see.commit(4, ['undoa', undoId(3)]);
    await see.ask('pack', timeOf(3.5) / 1000, 1);
    await see.iterate(null, null);
    for (const number of [0, 1, 2]) await see.ask('history', oid(number), 9);
    await see.ask('loadBefore', oid(2), maxTid);
    await see.ask('loadSerial', oid(1), tid(1));
  },

  'packing with nothing to remove': async (see) => {
    await see.commit(1, store(0, zero, 'root', oid(1)), store(1, zero, 'a'));
    await see.ask('pack', timeOf(2) / 1000, 1);
    await see.iterate(null, null);
    await see.ask('undoLog', 0, -20);
  },
});
