"""ZConfig and ZODB's configuration of storages under remote control; see `serve_commands.py`."""
import contextlib
import os
from io import StringIO

import ZConfig
import ZEO.ClientStorage
from serve_commands import serve
from ZConfig.cfgparser import ZConfigParser
from ZConfig.loader import BaseLoader
from ZEO.zconfig import ClientStorageConfig
from ZODB.config import ZEOClient

# Zope is not installed. This is the part of its schema (Zope2/Startup/wsgischema.xml) that concerns storages; a storage
# may also be at the top level, as in ZODB's own files.
SCHEMA = """
<schema>
  <import package="ZODB"/>
  <import package="ZEO"/>
  <import package="ZConfig.components.logger"/>
  <sectiontype name="zodb_db" extends="zodb" implements="ZODB.database" datatype="ZODB.config.ZODBDatabase">
    <multikey name="mount-point" required="yes" attribute="mount_points"/>
    <key name="connection-class"/>
    <key name="container-class"/>
  </sectiontype>
  <sectiontype name="temporarystorage" implements="ZODB.storage" datatype="ZODB.config.MappingStorage">
    <key name="name"/>
  </sectiontype>
  <sectiontype name="environment" keytype="identifier">
    <key name="+" attribute="variables"/>
  </sectiontype>
  <sectiontype name="product-config">
    <key name="+" attribute="mapping"/>
  </sectiontype>
  <sectiontype name="dos_protection">
    <key name="+" attribute="mapping"/>
  </sectiontype>
  <section type="eventlog" name="*" attribute="eventlog"/>
  <section type="environment" name="*" attribute="environment"/>
  <section type="dos_protection" name="*" attribute="dos_protection"/>
  <multisection type="product-config" name="*" attribute="product_config"/>
  <multisection type="ZODB.database" name="*" attribute="databases"/>
  <multisection type="ZODB.storage" name="*" attribute="storages"/>
  <multikey name="+" attribute="others"/>
</schema>
"""


class Tree(BaseLoader):
    """A context for ZConfig's parser that builds a tree without a schema. An `%import` is ignored."""

    def loadResource(self, resource):
        top = Section(None, None)
        ZConfigParser(resource, self).parse(top)
        return top.data

    def startSection(self, parent, type_, name):
        section = Section(type_, name)
        parent.data['sections'].append(section.data)
        return section

    def endSection(self, parent, type_, name, section):
        # The rule of ZConfig/matcher.py, which applies it only to sections of a schema.
        if name and name in parent.names:
            raise ZConfig.ConfigurationError('section names must not be re-used within the same container')
        parent.names.add(name)

    def importSchemaComponent(self, package):
        pass

    def includeConfiguration(self, section, url, defines):
        with self.openResource(self.normalizeURL(url)) as resource:
            ZConfigParser(resource, self, defines).parse(section)


class Section:

    def __init__(self, type_, name):
        self.names = set()
        self.data = {'type': type_, 'name': name, 'settings': [], 'sections': []}

    def addValue(self, key, value, position):
        self.data['settings'].append([key, value])


class Recorder:
    """Replaces ZEO's client, and records the arguments that it would get."""

    def __init__(self, addr, wait=True, wait_timeout=None, ssl=None, ssl_server_hostname=None, **options):
        self.options = {
            name: options.get(name)
            for name in ('storage', 'name', 'read_only', 'read_only_fallback', 'client_label', 'cache_size')
        }
        self.options.update(
            addresses=addr, wait=wait, wait_timeout=wait_timeout or 30,
            ssl=ssl and {'check_hostname': ssl.check_hostname, 'server_hostname': ssl_server_hostname})


class Commands:

    schema = ZConfig.loadSchemaFile(StringIO(SCHEMA))

    def tree(self, path, env=()):
        return self._load(Tree(), path, env)

    def clients(self, path, env=()):
        """The arguments that each ZEO client of the file would get."""
        return self._load(self._config_loader(), path, env, lambda loaded: list(self._clients(loaded[0])))

    def ping(self, path):
        """Actually opens the first ZEO client of the file, and calls its server."""
        config, _ = self._config_loader().loadURL(path)
        storage = next(iter(self._factories(config))).open()
        try:
            return {'addresses': storage._addr, 'size': storage._call('get_info')['size']}
        finally:
            storage.close()

    def certificates(self):
        return os.path.join(os.path.dirname(ZEO.__file__), 'tests')

    def close(self):
        pass

    def _config_loader(self):
        return ZConfig.loader.ConfigLoader(self.schema)

    def _load(self, loader, path, env, result=lambda loaded: loaded):
        before = dict(os.environ)
        os.environ.update(env)
        try:
            return {'loaded': result(loader.loadURL(path))}
        # ZConfig does not catch the last three itself: invalid UTF-8, a null byte in a path, circular includes.
        except (ZConfig.ConfigurationError, UnicodeError, ValueError, RecursionError) as error:
            return {'refused': type(error).__name__, 'line': getattr(error, 'lineno', None)}
        finally:
            os.environ.clear()
            os.environ.update(before)

    def _clients(self, config):
        real = ZEO.ClientStorage.ClientStorage
        ZEO.ClientStorage.ClientStorage = Recorder
        with contextlib.ExitStack() as stack:
            stack.callback(setattr, ZEO.ClientStorage, 'ClientStorage', real)
            for factory in self._factories(config):
                yield factory.open().options

    def _factories(self, section):
        for name in section.getSectionAttributes():
            value = getattr(section, name)
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, (ZEOClient, ClientStorageConfig)):
                    yield item
                # A database, or a storage that wraps another one.
                elif hasattr(item, 'config'):
                    yield from self._factories(item.config)


serve(Commands())
