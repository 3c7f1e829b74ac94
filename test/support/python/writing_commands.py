"""The commands of `client.py` for tests in which Node and Python write at the same time."""
import collections
import datetime
import decimal
import hashlib
import os

import transaction.interfaces
from persistent.mapping import PersistentMapping
from ZEO.Exceptions import ClientDisconnected
from ZODB.Connection import TransactionMetaData
from ZODB.FileStorage import FileStorage
from ZODB.POSException import POSError
from ZODB.utils import maxtid, z64


class WritingCommands:

    def read_number(self, oids):
        """The `number` of objects, read through a ZODB."""
        self.transactions.begin()
        return [self.connection.get(bytes.fromhex(oid))['number'] for oid in oids]

    def digest(self, oids):
        """The digests of records, as the storage returns them."""
        return [digest_of(self.storage.loadBefore(bytes.fromhex(oid), maxtid)[0]) for oid in oids]

    def store_random(self, sizes):
        """Stores new objects with random records in one transaction, and returns their oids and digests."""
        metadata = TransactionMetaData('python', 'random records')
        self.storage.tpc_begin(metadata)
        stored = []
        for size in sizes:
            oid, data = self.storage.new_oid(), os.urandom(size)
            self.storage.store(oid, z64, data, '', metadata)
            stored.append([oid, digest_of(data)])
        self.storage.tpc_vote(metadata)
        self.storage.tpc_finish(metadata)
        return stored

    def store_random_in_file(self, path, oid, size):
        """Does the same in a FileStorage that no server currently has open, and returns the digest."""
        storage = FileStorage(path)
        metadata = TransactionMetaData('python', 'a random record')
        data = os.urandom(size)
        storage.tpc_begin(metadata)
        storage.store(bytes.fromhex(oid), z64, data, '', metadata)
        storage.tpc_vote(metadata)
        storage.tpc_finish(metadata)
        storage.close()
        return digest_of(data)

    def store_dated_in_file(self, path, oid):
        """Commits a transaction with Python objects in its extension to a FileStorage that no server has open."""
        storage = FileStorage(path)
        metadata = TransactionMetaData('python', 'dated', {
            'when': datetime.datetime(2026, 1, 2, 3, 4), 'price': decimal.Decimal('1.50'), 'tags': {'a'},
            'order': collections.OrderedDict(a=1), 'kind': datetime.date, 'n': 1,
        })
        storage.tpc_begin(metadata)
        storage.store(bytes.fromhex(oid), z64, b'record', '', metadata)
        storage.tpc_vote(metadata)
        storage.tpc_finish(metadata)
        storage.close()

    def digest_in_file(self, path, oid):
        """The digest of a record in the file of a FileStorage, bypassing the server that has it open."""
        storage = FileStorage(path, read_only=True)
        try:
            return digest_of(storage.loadBefore(bytes.fromhex(oid), maxtid)[0])
        finally:
            storage.close()

    def make_group(self, size):
        """Stores the objects that every transaction of a stress test changes together, and returns their oids."""
        self.begin()
        self.connection.root()['group'] = group = [PersistentMapping(token='none') for _ in range(size)]
        self.commit()
        return [member._p_oid for member in group]

    def write_group(self, label, count):
        """Commits one transaction after the other, some of which may fail; returns the tokens of the acknowledged ones."""
        answered = []
        for number in range(count):
            token = '%s %s' % (label, number)
            try:
                self.transactions.begin()
                for member in self.connection.root()['group']:
                    member['token'] = token
                self.transactions.get().note(token)
                self.transactions.commit()
                answered.append(token)
            except (POSError, ClientDisconnected, transaction.interfaces.TransactionError,
                    AttributeError):  # the last one: ZEO's client looks for its connection where there is none
                self.transactions.abort()
        return answered

    def read_group(self):
        self.transactions.begin()
        return [member['token'] for member in self.connection.root()['group']]


def digest_of(data):
    return hashlib.sha256(data).digest()
