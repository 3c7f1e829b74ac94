"""Opens the storage of each configuration file as ZEO's client does, all at once; prints whether each one could be."""
import concurrent.futures
import json
import sys

import ZODB.config


def can_open(url):
    try:
        ZODB.config.storageFromURL(url).close()
    except Exception:
        return False
    return True


with concurrent.futures.ThreadPoolExecutor(32) as pool:
    print(json.dumps(list(pool.map(can_open, sys.argv[1:]))))
