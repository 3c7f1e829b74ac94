"""What ZEO's own Python client takes to load and commit objects of 1 KiB, each time over a connection of its own.

The twin of `src/processes/storage-client.ts`. Reads lines of JSON, `{"do": NAME, …}`, and answers each with the
milliseconds of wall time that a load takes in the mean, or a transaction in the median, `{"ms": N}`.
"""
import json
import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from ZEO.ClientStorage import ClientStorage
from ZODB.Connection import TransactionMetaData
from ZODB.POSException import POSKeyError
from ZODB.utils import maxtid
from ZODB.utils import z64

RECORD_BYTES = 1024


def connect(address, **options):
    host, _, port = address.rpartition(":")
    return ClientStorage((host, int(port)), wait_timeout=30, **options)


def load_checked(storage, oids):
    for oid in oids:
        data, _ = storage.load(oid)
        assert len(data) == RECORD_BYTES


def load(address, oids, rounds, threads):
    """In each of so many threads, one after the other. Without a cache: every load asks the server."""
    storage = connect(address, cache_size=0)
    oids = [bytes.fromhex(oid) for oid in oids]
    # Each thread has a share of its own, so that handing out the work costs nothing.
    shares = [oids[start::threads] * rounds for start in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        # Starts the threads.
        list(pool.map(lambda _: time.sleep(0.01), shares))
        start = time.perf_counter()
        list(pool.map(lambda share: load_checked(storage, share), shares))
        elapsed = time.perf_counter() - start
    storage.close()
    return elapsed / (rounds * len(oids))


def prefetch(address, oids, rounds, at_once):
    """As ZODB does it: prefetches some, and loads them then. They go through the cache, which is emptied before."""
    storage = connect(address)
    oids = [bytes.fromhex(oid) for oid in oids]
    elapsed = 0
    for _ in range(rounds):
        storage._cache.clear()
        start = time.perf_counter()
        for first in range(0, len(oids), at_once):
            batch = oids[first:first + at_once]
            storage.prefetch(batch, maxtid)
            load_checked(storage, batch)
        elapsed += time.perf_counter() - start
    storage.close()
    return elapsed / (rounds * len(oids))


def commit(address, count, objects):
    storage = connect(address, cache_size=0)
    oids = [storage.new_oid() for _ in range(objects)]
    record = os.urandom(RECORD_BYTES)
    serial = z64
    taken = []
    for _ in range(count):
        start = time.perf_counter()
        transaction = TransactionMetaData()
        storage.tpc_begin(transaction)
        for oid in oids:
            storage.store(oid, serial, record, "", transaction)
        storage.tpc_vote(transaction)
        serial = storage.tpc_finish(transaction)
        taken.append(time.perf_counter() - start)
    storage.close()
    return statistics.median(taken)


def load_median(address, oids, rounds):
    """One after the other, like `load` with one thread; the median of single loads."""
    storage = connect(address, cache_size=0)
    taken = []
    for oid in [bytes.fromhex(oid) for oid in oids] * rounds:
        start = time.perf_counter()
        storage.load(oid)
        taken.append(time.perf_counter() - start)
    storage.close()
    return statistics.median(taken)


def store_large(address, oid, size):
    """One record, from the start of its transaction to the end."""
    storage = connect(address, cache_size=0)
    record = os.urandom(size)
    oid = bytes.fromhex(oid)
    try:
        serial = storage.load(oid)[1]
    except POSKeyError:
        serial = z64
    start = time.perf_counter()
    transaction = TransactionMetaData()
    storage.tpc_begin(transaction)
    storage.store(oid, serial, record, "", transaction)
    storage.tpc_vote(transaction)
    storage.tpc_finish(transaction)
    elapsed = time.perf_counter() - start
    storage.close()
    return elapsed


def load_large(address, oid, size):
    storage = connect(address, cache_size=0)
    start = time.perf_counter()
    data, _ = storage.load(bytes.fromhex(oid))
    elapsed = time.perf_counter() - start
    assert len(data) == size
    storage.close()
    return elapsed


WORKS = {work.__name__: work for work in (load, load_median, prefetch, commit, store_large, load_large)}

print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    arguments = json.loads(line)
    work = WORKS[arguments.pop("do")]
    print(json.dumps({"ms": work(**arguments) * 1000}), flush=True)
