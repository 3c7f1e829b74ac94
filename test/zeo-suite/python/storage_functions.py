"""What of a storage only a Python can do: settle conflicts, with the classes, and read references, with ZODB's own reader.

    storage_functions.py QUESTIONS ANSWERS     two named pipes

A question is its kind, a byte, and byte strings, each after its length; an answer is one byte string. Lengths have four
bytes; that of an answer there is none of is -1.
"""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'support', 'python'))

import die_with_parent  # noqa: E402
from ZODB.ConflictResolution import ConflictResolvingStorage  # noqa: E402
from ZODB.serialize import referencesf  # noqa: E402
from ZODB.utils import z64  # noqa: E402


class OneConflict(ConflictResolvingStorage):
    """A storage as far as ZODB's resolution wants one."""

    def __init__(self, old):
        self._old = old

    def loadSerial(self, oid, serial):
        return self._old


def resolve(oid, old, committed, new):
    return OneConflict(old).tryToResolveConflict(oid, z64, z64, new, committed)


def references(record):
    return b''.join(referencesf(record))


#: How many byte strings each has.
FUNCTIONS = {b'c': (resolve, 4), b'r': (references, 1)}


def read_string(file):
    length, = struct.unpack('>i', file.read(4))
    return file.read(length)


def main(questions, answers):
    die_with_parent.arm()
    with open(questions, 'rb') as incoming, open(answers, 'wb') as outgoing:
        while True:
            kind = incoming.read(1)
            if not kind:
                return
            function, count = FUNCTIONS[kind]
            arguments = [read_string(incoming) for _ in range(count)]
            try:
                answer = function(*arguments)
            except Exception:
                outgoing.write(struct.pack('>i', -1))
            else:
                outgoing.write(struct.pack('>i', len(answer)) + answer)
            outgoing.flush()


main(*sys.argv[1:])
