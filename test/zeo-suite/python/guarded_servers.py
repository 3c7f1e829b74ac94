"""Takes the place of ZEO's `start_zeo_server`: ZEO's own server, and in front of it `zeo-keepalive guard`, in a process of
its own, at the address that the clients know. The guard goes on while its server is stopped and started anew."""
import collections
import json
import logging
import os
import random
import re
import socket
import subprocess
import threading
import urllib.request

import ZEO._forker
from server_text import server_text
from server_text import ServerTextReader

#: The command, as suite-run.ts passes it.
COMMAND = 'ZEO_SUITE_GUARD'
#: Seconds. Far more pings than usual, for them to meet everything else that goes on.
PERIOD, TIMEOUT = 0.05, 2
#: Seconds for a guard to start, or to end.
PATIENCE = 30
KEPT_LINES = 40


class NotApplicable(Exception):
    """The guard has no such option, or there is no TLS to pass through."""


class GuardedServers:

    def __init__(self, tls_options):
        self._start_server = ZEO._forker.start_zeo_server
        self._tls_options = tls_options
        self._reader = ServerTextReader()
        self._guards = {}
        self._leaked = LeakedAnswers()
        self.forget()

    def forget(self):
        #: How many servers were started since, and why one could not be.
        self.started, self.refusal = 0, None

    def start(self, storage_conf=None, zeo_conf=None, port=None, keep=False, path='Data.fs', log=None, **options):
        """As `ZEO._forker.start_zeo_server`, but for the server's address."""
        text = server_text(zeo_conf, port, log)
        zeo = self._reader.read(text, storage_conf, path).zeo
        given = zeo.address.address
        try:
            tls = self._tls_options(zeo.ssl)
        except NotApplicable as error:
            self.refusal = str(error)
            raise
        listen = os.path.abspath(given) if isinstance(given, str) else (given[0] or '127.0.0.1', given[1] or free_port())
        guard = self._guards.get(listen)
        hidden = guard.server if guard else hidden_address(listen)
        text = re.sub(r'(?m)^(\s*address\s+).*$', lambda match: match[1] + written(hidden), text, count=1)
        self.started += 1
        _, stop = self._start_server(storage_conf, text, keep=keep, path=path, **options)
        if guard is None:
            try:
                self._guards[listen] = Guard(listen, hidden, tls)
            except Exception:
                stop()
                raise
        return given if isinstance(given, str) else listen, stop

    def conclude(self):
        """Ends the guards of a test. Returns what they did, and what is wrong with that, if anything."""
        done = collections.Counter()
        problems = []
        for guard in self._guards.values():
            counted, problem = guard.end()
            done.update(counted)
            if problem is not None:
                problems.append(problem)
        self._guards.clear()
        if self._leaked.ids:
            problems.append(f'Answers to pings reached a client: {self._leaked.ids[:10]}')
            self._leaked.ids.clear()
        return dict(done), '\n'.join(problems)


class LeakedAnswers(logging.Handler):
    """Answers to pings that a client of this process has received. It only logs that it knows no such call."""

    def __init__(self):
        super().__init__()
        self.ids = []
        for name in ('ZEO.asyncio.smp', 'ZEO.asyncio._smp'):
            logging.getLogger(name).addHandler(self)

    def emit(self, record):
        error = record.exc_info and record.exc_info[1]
        # Clients number their calls from 1; -1 is their heartbeat.
        if isinstance(error, KeyError) and isinstance(error.args[0], int) and error.args[0] < -1:
            self.ids.append(error.args[0])


class Guard:

    def __init__(self, listen, server, tls):
        self.server = server
        self._lines = collections.deque(maxlen=KEPT_LINES)
        self._started = threading.Event()
        self._url = None
        self._process = subprocess.Popen(
            [*json.loads(os.environ[COMMAND]), 'guard', '--json', '--metrics', '127.0.0.1:0', '--grace', '1',
             '--period', str(PERIOD), '--timeout', str(TIMEOUT), *tls, f'{written(listen)}={written(server)}'],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        threading.Thread(target=self._read, daemon=True).start()
        self._started.wait(PATIENCE)
        if self._url is None:
            self._process.kill()
            raise RuntimeError('The guard did not start:\n' + self.log)

    @property
    def log(self):
        """The last lines that it has printed."""
        return ''.join(self._lines)

    def end(self):
        try:
            with urllib.request.urlopen(self._url + '/metrics', timeout=PATIENCE) as response:
                metrics = response.read().decode()
            counted = {
                'relayed': total(metrics, 'zeo_keepalive_guard_connections_total'),
                'pings': total(metrics, 'zeo_keepalive_pings_total', 'result="alive"'),
            }
            deaths = total(metrics, 'zeo_keepalive_guard_deaths_total')
            self._process.terminate()
            code = self._process.wait(PATIENCE)
        except (OSError, subprocess.TimeoutExpired) as error:
            self._process.kill()
            return {}, f'{error} from the guard, whose last lines are:\n{self.log}'
        if code != 0 or deaths > 0:
            return counted, f'The guard ended with {code}, after {deaths} deaths. Its last lines:\n{self.log}'
        return counted, None

    def _read(self):
        for line in self._process.stdout:
            self._lines.append(line)
            if self._url is None and line.startswith('{'):
                event = json.loads(line)
                if event['event'] == 'metrics':
                    self._url = event['url'].rstrip('/')
                    self._started.set()
        self._started.set()


def total(metrics, name, label=''):
    """The sum of a metric in Prometheus' text, over all series with the label."""
    series = re.findall(rf'(?m)^{name}\{{(.*)\}} (\S+)$', metrics)
    return sum(int(value) for labels, value in series if label in labels)


def hidden_address(listen):
    if isinstance(listen, str):
        return listen + '.server'
    return listen[0], free_port(but=listen[1])


def free_port(but=None):
    """Apart from those that the system gives to clients, and from those of `forker.get_port`: a server that is started
    anew has to find its port free."""
    while True:
        port = random.randrange(10_000, 20_000)
        if port == but:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(('127.0.0.1', port))
                return port
            except OSError:
                pass


def written(address):
    if isinstance(address, str):
        return address
    host, port = address
    return f'[{host}]:{port}' if ':' in host else f'{host}:{port}'


def tls_passed_through(ssl):
    """TLS between server and client themselves. With neither there would be nothing to see."""
    if ssl is None:
        raise NotApplicable('its clients speak no TLS')
    return ['--tls-passthrough']


def tls_ended(ssl):
    """TLS on both sides: to clients the guard is the server, to the server it is the client of the tests."""
    if ssl is None:
        return []
    if ssl.password_function:
        raise NotApplicable('a key with a passphrase')
    from ZEO.tests import testssl
    options = {
        'tls-cert': ssl.certificate, 'tls-key': ssl.key or ssl.certificate, 'tls-ca': ssl.authenticate,
        'server-tls-cert': testssl.client_cert, 'server-tls-key': testssl.client_key,
        'server-tls-ca': testssl.server_cert, 'server-tls-name': 'zodb.org',
    }
    return [argument for name, value in options.items() if value for argument in ('--' + name, value)]
