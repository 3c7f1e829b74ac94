"""Runs tests that ZEO ships, against ZEO's own server, directly or through guard, or the embedded one: each test is two
lines of JSON on stdout.

    run_tests.py real|guard|passthrough|embedded GROUP [WORD…]    with words: the tests whose id contains one of them
    run_tests.py list                                             all that there are, and the groups that they are in

`embedded` wants somebody at the other end who starts the servers: server-depot.ts. ZEO_MSGPACK in the environment makes
all servers speak M5.
"""
import sys
import time
import unittest

from control import Control

control = Control()
try:
    # Not at hand in a Python of somebody's own.
    import ZODB.tests.util  # noqa: F401
    import zope.testing  # noqa: F401
except ImportError as error:
    control.tell(missing=f'no tests of ZEO in this Python: {error}')
    control.end()

import doctest  # noqa: E402
import signal  # noqa: E402

import ZEO._forker  # noqa: E402

#: Of a single test. The longest takes about a minute with ZEO's own server.
LIMIT_SECONDS = 150

#: For what a test waits for, where it has a lower limit itself.
PATIENCE_SECONDS = 30


class TooLong(Exception):
    """The test took longer than any test may."""


class Reporter(unittest.TestResult):

    def __init__(self, servers):
        super().__init__()
        self._servers = servers

    def startTest(self, test):
        super().startTest(test)
        self._outcome, self._detail = 'passed', None
        if self._servers:
            self._servers.forget()
        self._began = time.monotonic()
        control.tell(started=test.id())
        signal.alarm(LIMIT_SECONDS)

    def stopTest(self, test):
        signal.alarm(0)
        super().stopTest(test)
        milliseconds = round((time.monotonic() - self._began) * 1000)
        counted, problem = self._servers.conclude() if self._servers else ({}, None)
        if problem:
            self._outcome, self._detail = 'failed', '\n'.join(filter(None, (self._detail, problem)))
        if self._servers and self._servers.refusal:
            self._outcome, self._detail = 'skipped', f'not applicable: {self._servers.refusal}'
        elif self._servers and not self._servers.started:
            self._outcome, self._detail = 'skipped', 'not applicable: no server was started'
        control.tell(
            ended=test.id(), outcome=self._outcome, detail=self._detail, milliseconds=milliseconds, **counted)

    def addError(self, test, err):
        self._outcome, self._detail = 'failed', self._exc_info_to_string(err, test)

    addFailure = addError

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.addError(test, err)

    def addSkip(self, test, reason):
        self._outcome, self._detail = 'skipped', reason

    def addUnexpectedSuccess(self, test):
        self._outcome, self._detail = 'failed', 'succeeded unexpectedly'


def too_long(*_):
    raise TooLong(f'{LIMIT_SECONDS} s')


def replace_server(server):
    if server in ('guard', 'passthrough'):
        import guarded_servers
        tls_options = {'guard': guarded_servers.tls_ended, 'passthrough': guarded_servers.tls_passed_through}
        servers = guarded_servers.GuardedServers(tls_options[server])
    else:
        from embedded_server import EmbeddedServers
        servers = EmbeddedServers(control)
    # Before ZEO.tests.forker, which takes its own name for it, is imported.
    ZEO._forker.start_zeo_server = servers.start
    return servers


def be_patient():
    """A server that others share the machine with may take longer than ZEO's tests allow."""
    from ZEO.tests import forker
    wait_until = forker.wait_until

    def patient(label=None, func=None, timeout=3, onfail=None):
        return wait_until(label, func, max(timeout, PATIENCE_SECONDS), onfail)

    forker.wait_until = patient


def run(server, group, words):
    servers = None if server == 'real' else replace_server(server)
    be_patient()
    from groups import GROUPS
    signal.signal(signal.SIGALRM, too_long)
    # What comes after a server that is not to be had would wait for it.
    doctest.set_unittest_reportflags(doctest.FAIL_FAST)
    reporter = Reporter(servers)
    for test in GROUPS[group]():
        if not words or any(word in test.id() for word in words):
            test.run(reporter)


def list_tests():
    from groups import all_of_zeo
    from groups import GROUPS
    for test in all_of_zeo():
        control.tell(test=test.id())
    for name, group in GROUPS.items():
        for test in group():
            control.tell(test=test.id(), group=name)


if __name__ == '__main__':
    if sys.argv[1] == 'list':
        list_tests()
    else:
        run(sys.argv[1], sys.argv[2], sys.argv[3:])
    control.tell(done=True)
    control.end()
