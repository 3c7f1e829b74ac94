"""The commands of `client.py` for the history of a storage."""
import time

from BTrees.Length import Length
from ZEO.ClientStorage import ClientStorage


class HistoryCommands:

    def undo_log(self, first=0, last=-20):
        return self.db.undoLog(first, last)

    def undo_info(self, specification):
        return self.db.undoInfo(0, -20, {
            key: value.encode() for key, value in specification.items()})

    def undo(self, tids, note=''):
        """Undoes several transactions within a new one."""
        self.transactions.begin()
        ids = {entry['time']: entry['id'] for entry in self.db.undoLog(0, -1000)}
        by_tid = dict(zip((t.tid for t in reversed(list(self.storage.iterator()))), (
            ids[when] for when in sorted(ids, reverse=True))))
        self.db.undoMultiple([by_tid[bytes.fromhex(tid)] for tid in tids], self.transactions.get())
        return self.commit(note)

    def history(self, oid, size=10):
        return self.db.history(bytes.fromhex(oid), size)

    def iterate(self, start=None, stop=None):
        """All transactions with their records, each as oid and the transaction that its data come from."""
        start, stop = (tid and bytes.fromhex(tid) for tid in (start, stop))
        return [{
            'tid': t.tid, 'status': t.status, 'description': t.description, 'extension': t.extension,
            'records': [[r.oid, r.data_txn] for r in t],
        } for t in self.storage.iterator(start, stop)]

    def current_records(self):
        found, following = [], None
        while True:
            oid, tid, data, following = self.storage.record_iternext(following)
            found.append([oid, tid])
            if following is None:
                return found

    def pack(self):
        self.db.pack(time.time() + 1)

    def remove(self, key):
        self.begin()
        del self.connection.root()[key]
        return self.commit()

    def copy_from(self, address):
        """Copies all transactions of another server to this one, with their ids."""
        other = ClientStorage(tuple(address), wait_timeout=20)
        try:
            self.storage.copyTransactionsFrom(other)
        finally:
            other.close()

    def stage_length(self, key, by):
        """Adds to an existing counter, whose class resolves conflicts."""
        self.connection.root()[key].change(by)

    def make_length(self, key):
        self.begin()
        self.connection.root()[key] = Length()
        return self.commit()

    def length(self, key):
        self.transactions.begin()
        return self.connection.root()[key]()
