"""Runs a command on a pseudo-terminal of its own.

    terminal.py ROWS COLUMNS COMMAND...

Commands come as lines of JSON on stdin: {"resize": [rows, columns]}, {"signal": "SIGTERM"}, {"type": "text"}, {"hangUp": true}.
Out go {"output": base64} and at last {"exit": code}, a code below zero being the signal that ended it.
"""
import base64
import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios


def say(**message):
    print(json.dumps(message), flush=True)


def resize(terminal, rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))


rows, columns, *command = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    resize(0, int(rows), int(columns))
    os.execvp(command[0], command)

commands = b''
watched = [terminal, 0]
while terminal in watched:
    for readable in select.select(watched, [], [])[0]:
        if readable == terminal:
            try:
                # In small pieces always, as a busy machine hands it over: no test may depend on whole frames.
                output = os.read(terminal, 64)
            except OSError:  # Linux's word for the end: nobody has the other side open any more.
                output = b''
            if output:
                say(output=base64.b64encode(output).decode())
            else:
                watched.remove(terminal)
            continue
        read = os.read(0, 65536)
        if not read:
            os.kill(child, signal.SIGKILL)
            watched.remove(0)
        commands += read
        *lines, commands = commands.split(b'\n')
        for message in map(json.loads, lines):
            if 'resize' in message:
                resize(terminal, *message['resize'])
            elif 'signal' in message:
                os.kill(child, signal.Signals[message['signal']])
            elif 'type' in message:
                os.write(terminal, message['type'].encode())
            else:
                os.close(terminal)
                watched.remove(terminal)
status = os.waitpid(child, 0)[1]
say(exit=os.waitstatus_to_exitcode(status))
