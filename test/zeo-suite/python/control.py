"""The line to the Node process that started this one: results and wishes go out on stdout, answers come in on stdin."""
import json
import os
import queue
import shutil
import signal
import tempfile
import threading
import time


class Control:
    """Also owns what has to go when this process does: its temporary directory and the processes it has started."""

    def __init__(self):
        # Tests print, and some read; what they find at the usual places is not this line.
        self._out = os.fdopen(os.dup(1), 'w', buffering=1)
        self._in = os.fdopen(os.dup(0))
        os.dup2(2, 1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        self._asking = threading.Lock()
        self._writing = threading.Lock()
        self._ending = threading.Lock()
        self._answers = queue.SimpleQueue()
        self._asked = 0
        # A session of its own: nobody's Ctrl-C but the end of stdin ends it, and all that it has started with it.
        os.setsid()
        self._directory = tempfile.mkdtemp(prefix='zeo-suite-')
        os.environ['TMPDIR'] = tempfile.tempdir = self._directory
        os.chdir(self._directory)
        threading.Thread(target=self._listen, daemon=True).start()

    def tell(self, **line):
        with self._writing:
            self._out.write(json.dumps(line) + '\n')

    def ask(self, wish, **arguments):
        """Returns Node's answer; raises RuntimeError with the message if it says that there is none."""
        with self._asking:
            self._asked += 1
            self.tell(ask=wish, number=self._asked, **arguments)
            answer = self._answers.get()
            # A test that has run out of time may have left one behind.
            while answer['number'] != self._asked:
                answer = self._answers.get()
        if 'error' in answer:
            raise RuntimeError(answer['error'])
        return answer

    def end(self):
        """Ends this process, and does not come back."""
        self._ending.acquire()
        group = os.getpid()
        if os.fork() == 0:
            # Only when all of them are gone will nobody make another file.
            os.setsid()
            os.killpg(group, signal.SIGKILL)
            while os.getppid() == group:
                time.sleep(0.001)
            shutil.rmtree(self._directory, ignore_errors=True)
            os._exit(0)
        signal.pause()

    def _listen(self):
        for line in self._in:
            self._answers.put(json.loads(line))
        self.end()
