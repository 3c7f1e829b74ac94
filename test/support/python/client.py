"""ZEO's own client under remote control; see `serve_commands.py`."""
import ssl
import threading

import transaction
import ZODB
from history_commands import HistoryCommands
from persistent.mapping import PersistentMapping
from serve_commands import serve
from writing_commands import WritingCommands
from ZEO.ClientStorage import ClientStorage
from ZODB.FileStorage import FileStorage

TIMEOUT = 20  # seconds, for every wait; the command fails when it is over


class WatchedStorage(ClientStorage):
    """A client storage that records the invalidations of the server, so that a command can wait for them."""

    def __init__(self, *args, **kwargs):
        self.changed = threading.Condition()
        self.invalidated = []
        self.connected = False
        self.disconnections = 0
        super().__init__(*args, **kwargs)

    def invalidateTransaction(self, tid, oids):
        super().invalidateTransaction(tid, oids)
        with self.changed:
            self.invalidated.append((tid, list(oids)))
            self.changed.notify_all()

    def notify_connected(self, conn, info):
        super().notify_connected(conn, info)
        with self.changed:
            self.connected = True
            self.changed.notify_all()

    def notify_disconnected(self):
        super().notify_disconnected()
        with self.changed:
            self.connected = False
            self.disconnections += 1
            self.changed.notify_all()

    def wait(self, condition):
        with self.changed:
            if not self.changed.wait_for(condition, TIMEOUT):
                raise TimeoutError('The storage did not get there in %s s' % TIMEOUT)


class Commands(HistoryCommands, WritingCommands):

    storage = db = connection = None

    def open(self, address, storage='1', read_only=False, read_only_fallback=False, label=None,
             tls=None):
        self.storage = WatchedStorage(
            python_address(address), storage=storage, read_only=read_only,
            read_only_fallback=read_only_fallback, client_label=label, wait_timeout=TIMEOUT,
            min_disconnect_poll=0.1, max_disconnect_poll=0.2,
            **tls_options(tls))
        return {'name': self.storage.getName(), 'read_only': bool(self.storage.isReadOnly())}

    def call(self, method, args=()):
        """Calls any method of the server and returns its reply."""
        return self.storage._call(method, *args)

    def new_oid(self):
        return self.storage.new_oid()

    def ping(self):
        return self.storage.ping()

    def server_status(self):
        return self.storage.server_status()

    def last_transaction(self):
        return self.storage.lastTransaction()

    def load(self, oid):
        return self.storage.loadBefore(bytes.fromhex(oid), b'\x7f' + b'\xff' * 7)

    def load_from_server(self, oid):
        """As `load`, past the client's cache."""
        return self.storage._call('loadBefore', bytes.fromhex(oid), b'\x7f' + b'\xff' * 7)

    def open_db(self):
        self.transactions = transaction.TransactionManager()
        self.db = ZODB.DB(self.storage)
        self.connection = self.db.open(self.transactions)
        return sorted(self.connection.root())

    def get(self, key):
        self.transactions.begin()
        value = self.connection.root().get(key)
        return dict(value) if isinstance(value, PersistentMapping) else value

    def begin(self):
        """A transaction that sees the data as of now, whatever others commit meanwhile."""
        self.transactions.begin()
        return dict(self.connection.root()).keys().__len__()

    def stage(self, key, value):
        root = self.connection.root()
        root[key] = PersistentMapping(value) if isinstance(value, dict) else value

    def commit(self, note=''):
        self.transactions.get().note(note)
        try:
            self.transactions.commit()
        except BaseException:
            self.transactions.abort()
            raise
        return self.storage.lastTransaction()

    def set(self, key, value, note=''):
        self.begin()
        self.stage(key, value)
        return self.commit(note)

    def commit_to_file(self, path, key, value):
        """A transaction in a FileStorage that no server currently has open."""
        database = ZODB.DB(FileStorage(path))
        with database.transaction() as connection:
            connection.root()[key] = value
        last = database.storage.lastTransaction()
        database.close()
        return last

    def add_objects(self, count):
        """Stores `count` new objects in one transaction, and returns their oids."""
        root = self.connection.root()
        self.begin()
        children = [PersistentMapping({'number': number}) for number in range(count)]
        root['children'] = children
        self.commit()
        return [child._p_oid for child in children]

    def read_objects(self):
        self.transactions.begin()
        return [child['number'] for child in self.connection.root()['children']]

    def wait_invalidation(self, tid):
        wanted = bytes.fromhex(tid)
        self.storage.wait(lambda: any(seen == wanted for seen, _ in self.storage.invalidated))
        return next(oids for seen, oids in self.storage.invalidated if seen == wanted)

    def disconnections(self):
        return self.storage.disconnections

    def wait_disconnected(self, count):
        self.storage.wait(lambda: self.storage.disconnections >= count)

    def wait_connected(self):
        self.storage.wait(lambda: self.storage.connected)

    def close(self):
        if self.connection is not None:
            self.transactions.abort()
            self.connection.close()
            self.db.close()
        elif self.storage is not None:
            self.storage.close()
        self.storage = self.db = self.connection = None


def python_address(address):
    """JSON has no tuples, which ZEO wants for a host and a port, and takes a list for several addresses."""
    if isinstance(address, str):
        return address
    if isinstance(address[0], list):
        return [tuple(each) for each in address]
    return tuple(address)


def tls_options(files):
    """The options that ZEO makes of `authenticate`, `certificate` and `key` (ZEO/zconfig.py: ssl_config)."""
    if files is None:
        return {}
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=files['ca'])
    if 'cert' in files:
        context.load_cert_chain(files['cert'], files['key'])
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return {'ssl': context, 'ssl_server_hostname': 'localhost'}


serve(Commands())
