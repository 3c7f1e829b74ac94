"""Clients of ZEO, each with a connection of its own. At each line of stdin each of them loads the root object.

    loading_clients.py SPREAD HOST:PORT...

They connect at random moments within SPREAD seconds, and do not stop loading before a load has succeeded. Moments are those
of the system's monotonic clock, in milliseconds.
"""
import concurrent.futures
import json
import random
import sys
import threading
import time

import die_with_parent
from ZEO.ClientStorage import ClientStorage

TIMEOUT = 20  # seconds, for a connection
ROOT = b'\0' * 8
LATEST = b'\x7f' + b'\xff' * 7
output = threading.Lock()


def report(event, **fields):
    with output:
        print(json.dumps({'event': event, 'atMs': time.monotonic() * 1000, **fields}), flush=True)


def connect(address, spread):
    host, port = address.split(':')
    time.sleep(random.uniform(0, spread))
    return ClientStorage((host, int(port)), wait_timeout=TIMEOUT)


def load(client, storage):
    while True:
        try:
            storage.loadBefore(ROOT, LATEST)
        except Exception as error:
            report('failed', client=client, error=type(error).__name__)
            # An error that comes at once, again and again, would leave the others no time.
            time.sleep(0.01)
        else:
            report('loaded', client=client)
            return


die_with_parent.arm()
spread, addresses = float(sys.argv[1]), sys.argv[2:]
with concurrent.futures.ThreadPoolExecutor(len(addresses)) as pool:
    storages = list(pool.map(connect, addresses, [spread] * len(addresses)))
    report('connected')
    for _ in sys.stdin:
        list(pool.map(load, range(len(storages)), storages))
