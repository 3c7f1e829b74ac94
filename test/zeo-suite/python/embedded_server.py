"""Takes the place of ZEO's `start_zeo_server`: the same configuration, put into options of the embedded server."""
import os
import uuid

from server_text import server_text
from server_text import ServerTextReader
from ZEO.ClientStorage import ClientStorage
from ZODB.config import DemoStorage
from ZODB.config import FileStorage
from ZODB.config import MappingStorage

#: What the file of a storage holds instead of data: the key under which Node keeps it.
MARK = 'Kept by the embedded server: '


class NotApplicable(Exception):
    """The embedded server has no such option."""


class EmbeddedServers:

    def __init__(self, control):
        self._control = control
        self._reader = ServerTextReader()
        self.forget()

    def forget(self):
        #: How many servers were started since, and why one could not be.
        self.started, self.refusal = 0, None

    def conclude(self):
        return {}, None

    def start(self, storage_conf=None, zeo_conf=None, port=None, keep=False, path='Data.fs', protocol=None,
              blob_dir=None, suicide=True, debug=False, threaded=False, start_timeout=33, name=None, log=None,
              show_config=False):
        """As `ZEO._forker.start_zeo_server`; what only concerns a process of Python has no effect."""
        try:
            if protocol not in (None, b'5'):
                raise NotApplicable(f'a server of protocol {protocol}')
            if blob_dir:
                raise NotApplicable('blobs')
            config = self._reader.read(server_text(zeo_conf, port, log), storage_conf, path)
            storages = [Storage(opener) for opener in config.storages]
            options = server_options(config.zeo)
        except NotApplicable as error:
            self.refusal = str(error)
            raise
        if any(storage.read_only for storage in storages):
            # ZEO's server refuses writers also if only the storage wants none.
            options['readOnly'] = True
        for storage in storages:
            self._claim(storage)
        port, stop_listening = self._listen(storages, options)
        self.started += 1

        def stop(stop_timeout=99):
            stop_listening()
            if not keep:
                for storage in storages:
                    storage.remove_file()

        return options.get('given_path') or ('127.0.0.1', port), stop

    def _listen(self, storages, options):
        served = {storage.id: {'key': storage.key, 'name': storage.name} for storage in storages}
        answer = self._control.ask('start', storages=served, options=options)
        running = [answer['server']]

        def stop():
            if running:
                self._control.ask('stop', server=running.pop())

        return answer['port'], stop

    def _claim(self, storage):
        """Finds the storage of a file, or makes one, with what a file of ZODB's has in it."""
        if storage.file is None or storage.has_mark():
            return
        if storage.create or not os.path.exists(storage.file):
            storage.mark()
            return
        from ZODB.FileStorage import FileStorage
        port, stop = self._listen([storage], {'encoding': 'Z5'})
        source = FileStorage(storage.file, read_only=True)
        client = ClientStorage(('127.0.0.1', port), storage=storage.id)
        client.copyTransactionsFrom(source)
        client.close()
        source.close()
        stop()
        storage.mark()


class Storage:
    """What the section of a storage asks for."""

    def __init__(self, opener):
        kind, config = type(opener), opener.config
        self.id = opener.name or '1'
        self.key = uuid.uuid4().hex
        self.name = self.id
        self.file = None
        self.read_only = self.create = False
        if kind is FileStorage:
            if config.blob_dir:
                raise NotApplicable('blobs')
            self.name, self.file = config.path, os.path.abspath(config.path)
            self.read_only, self.create = bool(config.read_only), bool(config.create)
        elif kind is DemoStorage:
            # One that was filled beforehand would be a different storage; the tests have none.
            for base in config.factories:
                Storage(base)
        elif kind is not MappingStorage:
            raise NotApplicable(f'a storage of {kind.__module__}.{kind.__name__}')

    def has_mark(self):
        """Whether the file is one that this class has left, whose storage is to go on."""
        if self.create or not os.path.exists(self.file):
            return False
        with open(self.file, 'rb') as file:
            mark, key = file.read(len(MARK)), file.read(64)
        if mark != MARK.encode():
            return False
        self.key = key.decode()
        return True

    def mark(self):
        with open(self.file, 'w') as file:
            file.write(MARK + self.key)

    def remove_file(self):
        if self.file is not None and os.path.exists(self.file):
            os.remove(self.file)


def server_options(zeo):
    if zeo.invalidation_age:
        raise NotApplicable('invalidation-age')
    address = zeo.address.address
    msgpack = zeo.msgpack if isinstance(zeo.msgpack, bool) else os.environ.get('ZEO_MSGPACK')
    options = {
        'encoding': 'M5' if msgpack else 'Z5',
        'readOnly': bool(zeo.read_only),
        'clientConflictResolution': bool(zeo.client_conflict_resolution),
        'invalidationQueueSize': zeo.invalidation_queue_size,
    }
    if isinstance(address, str):
        options.update(path=os.path.abspath(address), given_path=address)
    else:
        options['port'] = address[1] or 0
    if zeo.transaction_timeout:
        options['transactionTimeout'] = zeo.transaction_timeout
    if zeo.ssl:
        options['tls'] = tls_options(zeo.ssl)
    return options


def tls_options(ssl):
    if os.path.isdir(ssl.authenticate) or ssl.authenticate == 'DYNAMIC':
        raise NotApplicable('a directory of certificates')
    files = {'cert': ssl.certificate, 'key': ssl.key or ssl.certificate, 'ca': ssl.authenticate}
    options = {}
    for option, path in files.items():
        with open(path) as file:
            options[option] = file.read()
    if ssl.password_function:
        module, function = ssl.password_function.rsplit('.', 1)
        options['passphrase'] = getattr(__import__(module, fromlist=[function]), function)()
    return options
