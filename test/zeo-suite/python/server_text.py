"""The configuration of a server that a test asks for, as `ZEO._forker.start_zeo_server` puts it together."""
import io
import os
from unittest import mock

import ZConfig
import ZEO
import ZEO._forker


def server_text(zeo_conf, port, log):
    if zeo_conf is not None and not isinstance(zeo_conf, dict):
        return str(zeo_conf)
    address = ('127.0.0.1', port or 0) if port is None or isinstance(port, int) else port
    config = ZEO._forker.ZEOConfig(address, log=log)
    config.__dict__.update(zeo_conf or {})
    return str(config)


class ServerTextReader:

    def __init__(self):
        # A context for TLS would not tell the names of its files.
        with mock.patch('ZEO.zconfig.server_ssl', lambda section: section):
            self._schema = ZConfig.loadSchema(os.path.join(os.path.dirname(ZEO.__file__), 'schema.xml'))

    def read(self, text, storage_conf=None, path='Data.fs'):
        storages = storage_conf or f'''
            <filestorage>
              path {path}
            </filestorage>'''
        return ZConfig.loadConfigFile(self._schema, io.StringIO(text + storages))[0]
