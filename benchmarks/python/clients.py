"""Connections of ZEO's own Python client, left alone, and what they take for lost and when.

Arguments: one `host:port` a connection. Reads lines of JSON: `{"block": seconds}`, `{"takeLosses": true}`.
"""
import json
import os
import sys
import time

from ZEO.ClientStorage import ClientStorage

losses = []


class Watched(ClientStorage):
    def notify_disconnected(self):
        losses.append({"connection": self.index, "atMs": time.monotonic() * 1000})
        super().notify_disconnected()


for index, address in enumerate(sys.argv[1:]):
    host, _, port = address.rpartition(":")
    storage = Watched((host, int(port)), wait_timeout=30)
    storage.index = index

print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    command = json.loads(line)
    if "block" in command:
        time.sleep(command["block"])
        print(json.dumps({}), flush=True)
    else:
        taken, losses[:] = losses[:], []
        print(json.dumps(taken), flush=True)

# Not `close()`: behind a silent relay it would wait.
os._exit(0)
