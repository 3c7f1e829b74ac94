"""ZEO's tests, in groups that can run beside each other."""
import doctest
import importlib
import pkgutil
import unittest

import ZEO.tests
from ZEO.tests import testConfig
from ZEO.tests import testConnection
from ZEO.tests import testssl
from ZEO.tests import testZEO


def each(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from each(item)
        else:
            yield item


def of_class(*classes):
    """Every test of these classes. The older ones of ZODB's are called `check…`."""
    for case in classes:
        for prefix in ('check', 'test'):
            loader = unittest.TestLoader()
            loader.testMethodPrefix = prefix
            yield from each(loader.loadTestsFromTestCase(case))


def of_module(name):
    """What ZEO's own test runner would find in a module of ZEO.tests."""
    module = importlib.import_module('ZEO.tests.' + name)
    if hasattr(module, 'test_suite'):
        return each(module.test_suite())
    return each(unittest.defaultTestLoader.loadTestsFromModule(module))


def doctests_of(name):
    return (test for test in of_module(name) if isinstance(test, doctest.DocTestCase))


def reconnection():
    return (test for test in of_module('testConnection')
            if not isinstance(test, testConnection.FileStorageConnectionTests))


def misc():
    yield from doctests_of('testZEO')
    yield from of_class(
        testZEO.MultiprocessingTests, testZEO.ZRPCConnectionTests, testZEO.FileStorageRecoveryTests,
        testZEO.ClientConflictResolutionTests, testssl.SSLConfigTest, testConfig.ZEOConfigTest)
    yield from of_module('test_client_side_conflict_resolution')
    yield from of_module('test_client_credentials')
    yield from of_module('test_sync')


#: A minute of CPU, in which it dials the server 3,000 times. In ZEO 5 it is called `check…`.
RACE = 'race_external_invalidate_vs_disconnect'


def storage(case):
    return (test for test in of_class(case) if not test.id().endswith(RACE))


#: The classes of storages are ZODB's tests of any storage, through a client of ZEO; ZEO's own runner leaves out
#: two of them to save time.
GROUPS = {
    'mapping': lambda: storage(testZEO.MappingStorageTests),
    'demo': lambda: storage(testZEO.DemoStorageTests),
    'file': lambda: storage(testZEO.FileStorageTests),
    'file-tls': lambda: storage(testZEO.FileStorageSSLTests),
    'connection': lambda: of_class(testConnection.FileStorageConnectionTests),
    'reconnection': reconnection,
    'misc': misc,
    'race': lambda: (test for test in of_class(testZEO.MappingStorageTests) if test.id().endswith(RACE)),
}


def all_of_zeo():
    for module in pkgutil.iter_modules(ZEO.tests.__path__):
        yield from of_module(module.name)
