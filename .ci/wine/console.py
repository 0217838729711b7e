"""A person at a terminal: starts a command there, types, and shows what was drawn.

    console.py STEP... -- COMMAND...

A step is `wait:TEXT` (until it was drawn), `type:TEXT` with escapes of Python, `insist:TEXT` (typed again and again until the
command has ended), `gone:TEXT` (until no command line of this prefix begins so), `press:KEYS,TEXT` (the same, and meanwhile the
keys are typed again and again), `sleep:SECONDS`, `size:COLUMNSxROWS`, or
`hang-up` (the terminal is closed). Ends with 1 when a condition does not come in time or the command does not end."""

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

PATIENCE = int(os.environ.get("WINE_LIMIT", "120"))
# What moves the cursor, or hides it: Wine draws some text letter by letter, and skips spaces.
SKIPS = re.compile(rb"\x1b\[\d*C")
MOVES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\r")


def processes():
    """Command line and environment of each."""
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/cmdline", "rb") as words, open(f"/proc/{process}/environ", "rb") as variables:
                yield words.read(), variables.read()
        except OSError:
            continue


class Terminal:
    def __init__(self, command):
        self.raw = self.drawn = b""
        self.seen = 0
        self.process, self.master = pty.fork()
        if self.process == 0:
            os.execvp(command[0], command)
        self.resize("100x30")

    def resize(self, size):
        columns, rows = map(int, size.split("x"))
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds):
        """Reads for so long at most. False at the end."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return True
        try:
            chunk = os.read(self.master, 65536)
        except OSError:
            return False
        self.raw += chunk
        self.drawn = MOVES.sub(b"", SKIPS.sub(b" ", self.raw))
        return bool(chunk)

    def rest(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.read(0.05):
            pass

    def wait(self, text):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            at = self.drawn.find(text, self.seen)
            if at >= 0:
                self.seen = at + len(text)
                return True
            if not self.read(0.05):
                break
        return text in self.drawn[self.seen :]

    def gone(self, text, keys=""):
        """Whether nothing of this prefix is called so, in time."""
        own = b"WINEPREFIX=" + os.environb.get(b"WINEPREFIX", b"")
        end = time.monotonic() + PATIENCE
        while any(words.startswith(text) and own in variables.split(b"\0") for words, variables in processes()):
            if time.monotonic() > end:
                return False
            self.type(keys)
            self.rest(0.3) if keys else self.read(0.05)
        return True

    def type(self, keys):
        os.write(self.master, keys.encode().decode("unicode_escape").encode("latin-1"))

    def insists(self, keys):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and not self.has_ended():
            self.type(keys)
            self.rest(0.3)

    def has_ended(self):
        return os.waitid(os.P_PID, self.process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def step(self, step):
        kind, _, value = step.partition(":")
        if kind == "wait" and not self.wait(value.encode()):
            return f"not drawn: {value}"
        if kind == "type":
            self.type(value)
        if kind == "gone" and not self.gone(value.encode()):
            return f"still there: {value}"
        if kind == "press":
            keys, _, text = value.partition(",")
            if not self.gone(text.encode(), keys):
                return f"still there: {text}"
        if kind == "insist":
            self.insists(value)
        if kind == "sleep":
            self.rest(float(value))
        if kind == "size":
            self.resize(value)
        if kind == "hang-up":
            os.close(self.master)
            self.master = None
        return None

    def ends(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.master is None or not self.read(0.05):
                time.sleep(0.05)
            process, _ = os.waitpid(self.process, os.WNOHANG)
            if process:
                if self.master is not None:
                    self.rest(0.2)
                return True
        os.kill(self.process, 9)
        return False


steps, command = sys.argv[1 : sys.argv.index("--")], sys.argv[sys.argv.index("--") + 1 :]
terminal = Terminal(command)
wrong = None
for step in steps:
    wrong = wrong or terminal.step(step)
if wrong:
    os.kill(terminal.process, 9)
elif not terminal.ends():
    wrong = "the command does not end"
sys.stdout.buffer.write(terminal.drawn)
if wrong:
    sys.exit(f"\nconsole.py: {wrong}")
