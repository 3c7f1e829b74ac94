import { maxTid } from '#src/zodb/ids.js';
import { oid, record } from '../../zeo/server/records.js';
import { compareScenarios, fill } from './scenario.js';
import { store, tid, undoId, zero } from './transcript.js';

compareScenarios('Reads and writes are answered as by ZEO', {
  'loads of current, old and missing objects': async (see) => {
    await see.ask('loadBefore', oid(0), maxTid);
    await see.ask('lastTransaction');
    await fill(see);
    for (const before of [maxTid, tid(3), tid(2), tid(1)]) {
      for (const number of [0, 1, 2, 3, 9]) await see.ask('loadBefore', oid(number), before);
    }
    await see.ask('loadSerial', oid(1), tid(2));
    await see.ask('loadSerial', oid(3), tid(1));
    await see.ask('getTid', oid(1));
    await see.ask('getTid', oid(9));
    await see.ask('new_oids', 2);
  },

  'history of different sizes': async (see) => {
    await fill(see);
    for (const size of [0, 1, 2, 100]) await see.ask('history', oid(1), size);
    await see.ask('history', oid(9), 1);
  },

  'conflicts of stores, checks and deletions': async (see) => {
    await fill(see);
    await see.commit(4, store(1, tid(1), 'late'));
    await see.commit(5, ['checkCurrentSerialInTransaction', oid(1), tid(2)]);
    await see.commit(6, ['checkCurrentSerialInTransaction', oid(9), tid(2)]);
    await see.commit(7, ['deleteObject', oid(1), tid(2)]);
    await see.commit(8, ['deleteObject', oid(9), tid(2)]);
    await see.commit(9, store(3, tid(2), 'c2'), ['checkCurrentSerialInTransaction', oid(1), tid(3)]);
    await see.ask('loadBefore', oid(3), maxTid);
  },

  'votes and finishes out of turn': async (see) => {
    await see.ask('vote', 1);
    await see.ask('tpc_finish', 1);
    await see.ask('tpc_abort', 1);
    await fill(see);
    await see.ask('tpc_begin', 4, zero, zero, {}, tid(4), ' ');
    await see.ask('vote', 5);
    await see.ask('tpc_finish', 4);
    await see.ask('vote', 4);
    await see.ask('vote', 4);
    await see.ask('tpc_begin', 5, zero, zero, {}, null, ' ');
    await see.ask('tpc_abort', 4);
    await see.ask('lastTransaction');
  },

  'serials that are not ids, of new and existing objects': async (see) => {
    await see.commit(1, ['storea', oid(1), null, record('a')], ['storea', oid(2), 'text', record('b')]);
    await see.commit(
      2,
      ['storea', oid(3), Buffer.from('short'), record('c')],
      ['storea', oid(4), 1, record('d')],
    );
    for (const number of [1, 2, 3, 4]) await see.ask('loadBefore', oid(number), maxTid);
    await see.commit(3, ['storea', oid(1), null, record('late')]);
    await see.commit(4, ['storea', oid(1), 'text', record('late')]);
    await see.commit(5, ['checkCurrentSerialInTransaction', oid(1), null]);
    await see.commit(6, ['deleteObject', oid(1), null]);
    await see.commit(7, ['deleteObject', oid(9), null]);
    await see.commit(8, store(5, zero, 'goes on'));
    await see.ask('loadBefore', oid(5), maxTid);
  },

  'wrong arguments, and what follows them': async (see) => {
    await fill(see);
    await see.ask('history', oid(1), null);
    await see.ask('new_oids', null);
    await see.ask('new_oids', 'many');
    await see.ask('ping', 1, 2);
    await see.ask('lastTransaction', 1);
    await see.ask('loadBefore', oid(1));
    await see.ask('loadBefore', oid(1), maxTid, 1);
    await see.ask('getTid');
    await see.ask('iterator_next', null);
    await see.ask('iterator_next', 'one');
    await see.ask('iterator_gc', ['one']);
    await see.ask('iterator_gc', 1);
    await see.ask('pack', -1, 1);
    await see.ask('loadBefore', oid(1), maxTid);
    await see.commit(4, ['storea', oid(1), tid(3), null]);
    await see.commit(5, store(1, tid(3), 'goes on'));
    await see.ask('loadBefore', oid(1), maxTid);
  },

  'deletions, and stores over them': async (see) => {
    await fill(see);
    await see.commit(4, ['deleteObject', oid(1), tid(3)]);
    for (const method of ['loadBefore', 'loadSerial']) await see.ask(method, oid(1), maxTid);
    await see.ask('loadSerial', oid(1), tid(4));
    await see.ask('loadBefore', oid(1), tid(4));
    await see.ask('getTid', oid(1));
    await see.ask('history', oid(1), 2);
    await see.commit(5, store(1, tid(3), 'again'));
    await see.commit(6, store(1, tid(4), 'again'));
    await see.ask('loadBefore', oid(1), maxTid);
    await see.commit(7, ['undoa', undoId(4)]);
    await see.commit(8, ['undoa', undoId(6)], ['undoa', undoId(4)]);
    await see.ask('loadBefore', oid(1), maxTid);
    await see.iterate(null, tid(7));
  },

  'iteration of transactions, ranges and records': async (see) => {
    await see.iterate(null, null);
    await fill(see);
    await see.iterate(null, null);
    await see.iterate(tid(2), tid(2));
    await see.iterate(tid(2), null);
    await see.iterate(null, tid(1));
    await see.iterate(tid(4), null);
    await see.currentRecords();
    await see.ask('record_iternext', oid(2));
    await see.ask('record_iternext', oid(4));
    await see.ask('iterator_next', 99);
    await see.ask('iterator_record_start', 99, tid(1));
    const id = await see.ask('iterator_start', null, null);
    await see.ask('iterator_next', id);
    await see.ask('iterator_record_start', id, tid(2));
    await see.ask('iterator_gc', [id]);
    await see.ask('iterator_next', id);
  },

  'invalidations since a transaction': async (see) => {
    await fill(see);
    await see.commit(4, ['undoa', undoId(3)]);
    for (const number of [1, 2, 3, 4]) await see.ask('getInvalidations', tid(number));
  },

  'restored records, and pointers to older ones': async (see) => {
    await fill(see);
    await see.commit(
      4,
      ['restorea', oid(1), tid(4), record('restored'), null],
      ['restorea', oid(2), tid(4), record('b', oid(3)), tid(1)],
      ['restorea', oid(3), tid(4), null, null],
    );
    for (const number of [1, 2, 3]) await see.ask('loadBefore', oid(number), maxTid);
    await see.iterate(tid(4), null);
    await see.ask('undoLog', 0, -20);
  },
});
