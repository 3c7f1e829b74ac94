"""What ZEO's own Python client costs a ping: the body of the 2005 loop, over and over.

Reads lines `{"count": N}` and answers each with the mean microseconds of wall time a ping.
"""
import json
import sys
import threading
import time

from ZEO.ClientStorage import ClientStorage

host, _, port = sys.argv[1].rpartition(":")
storage = ClientStorage((host, int(port)), wait_timeout=10)
# ZEO 4 had this lock in the storage, and loads took it. Later ones have none: what it costs uncontended is kept.
load_lock = threading.Lock()


def ping():
    load_lock.acquire()
    try:
        storage._server.call("get_info")
    finally:
        load_lock.release()


print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    count = json.loads(line)["count"]
    start = time.perf_counter()
    for _ in range(count):
        ping()
    print(json.dumps({"us": (time.perf_counter() - start) / count * 1e6}), flush=True)
storage.close()
