"""The remote control of the Python scripts: one JSON command per line on stdin, one JSON answer per line on stdout.

Command: {"method": name, "params": {...}}; answer: {"result": ...} or {"error": {"type": ..., "message": ...}}.
Bytes travel as hexadecimal text.
"""
import json
import sys

import die_with_parent


def plain(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return value


def text_of(error):
    try:
        return str(error)
    except Exception:
        # ZODB's own MultipleUndoErrors, received as msgpack: it does not contain exceptions then.
        return repr(error)


def serve(commands):
    """Calls the methods of `commands` until stdin ends, then its `close`."""
    die_with_parent.arm()
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = {'result': plain(getattr(commands, command['method'])(**command['params']))}
        except Exception as error:
            kind = type(error)
            answer = {'error': {'type': '%s.%s' % (kind.__module__, kind.__name__), 'message': text_of(error)}}
        print(json.dumps(answer), flush=True)
    commands.close()
