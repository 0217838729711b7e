"""Reads what Wine recorded of the calls of one `garth run`, and checks each start of a process in it.

    sequence.py PROCESS... <LOG

A process is `KIND:TEXT`: `own` for garth itself in the sandbox, which has no console, `command`, or `tried` for a command that
stands for the canary; and a text that begins its command line. They have to be started in this order, and nothing else. Before
each there are a job with its limits, a weaker token with its default list, a desktop, and the list of attributes; it is made
suspended with exactly these, its job is read back, and only then it runs. A command only runs once it is known how the canary ended; one that stands for it only after another
thread has taken on a token and tried a file by it; under Wine the first one is made, which ends the trial."""

import re
import sys

CALL = re.compile(r"^(\w+):Call +(?:KERNEL32|advapi32|user32)\.(\w+)\((.*)\) ret=")
RETURN = re.compile(r"^(\w+):Ret +(?:KERNEL32|advapi32|user32)\.(\w+)\(\) retval=(\w+)")
STARTS = {"CreateProcessW", "CreateProcessAsUserW", "ShellExecuteW", "ShellExecuteExW", "WinExec", "CreateRemoteThread"}

SUSPENDED, DETACHED, NO_WINDOW = 0x4, 0x8, 0x08000000
UNICODE_ENVIRONMENT, EXTENDED = 0x400, 0x80000
# DISABLE_MAX_PRIVILEGE and WRITE_RESTRICTED; one group is for denials only, and the session and two directories may write.
RESTRICTED, DISABLED, RESTRICTING = 0x9, 1, 3
EXTENDED_LIMITS, UI_LIMITS, PORT, DEFAULT_LIST = 9, 4, 7, 6
CANARY = "garth-canary"
# Attributes by number: job, handles (three), mitigations.
ATTRIBUTES = [(0x2000D, 8), (0x20002, 24), (0x20007, 8)]


def number(word):
    """A value of 32 bits: Wine shows what lies above it in the register as well."""
    return int(word.split()[0], 16) & 0xFFFFFFFF


def read(lines):
    """Calls as (thread, name, arguments, result)."""
    waiting, calls = {}, []
    for line in lines:
        if match := CALL.match(line):
            thread, name, arguments = match.groups()
            call = [thread, name, split(arguments), None]
            calls.append(call)
            waiting.setdefault((thread, name), []).append(call)
        elif match := RETURN.match(line):
            thread, name, value = match.groups()
            if waiting.get((thread, name)):
                waiting[thread, name].pop()[3] = number(value)
    return calls


def split(arguments):
    """Arguments; texts hold commas."""
    return [word.strip() for word in re.findall(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+', arguments)]


class Launch:
    """What was made for the next process."""

    def __init__(self, wanted):
        self.kind, _, self.text = wanted.partition(":")
        self.job = self.token = self.process = self.desktop = self.handle = None
        self.ended = False
        # Threads that act by a token, and files that they tried.
        self.acting, self.tries = set(), 0
        self.limits, self.attributes, self.read_back = set(), [], set()

    def take(self, name, words, result):
        take = getattr(self, name, None)
        if take:
            take(words, result)

    def elsewhere(self, thread, name, words, result):
        """What another thread does while this process is made and does not run."""
        if name == "SetThreadToken":
            assert result, "a thread acts by no token"
            self.acting.add(thread)
        elif name == "CreateFileW" and thread in self.acting and f"{CANARY}-" in words[0]:
            self.tries += 1

    def CreateJobObjectW(self, _words, result):
        self.job, self.limits = result, set()

    def SetInformationJobObject(self, words, result):
        assert self.process is None, "a limit comes after the process"
        if number(words[0]) == self.job and result:
            self.limits.add(number(words[1]))

    def CreateRestrictedToken(self, words, result):
        found = number(words[1]), number(words[2]), number(words[6])
        assert result and found == (RESTRICTED, DISABLED, RESTRICTING), f"the token is weakened by {found}"

    def SetTokenInformation(self, words, result):
        if number(words[1]) == DEFAULT_LIST and result:
            self.token = number(words[0])

    def CreateDesktopW(self, words, result):
        assert result and 'L"garth-restricted-' in words[0], f"the desktop is {words[0]}"
        self.desktop = result

    def UpdateProcThreadAttribute(self, words, result):
        assert result, "an attribute is refused"
        self.attributes.append((number(words[2]), number(words[4])))

    def CreateProcessAsUserW(self, words, result):
        console = DETACHED if self.kind == "own" else NO_WINDOW
        flags = SUSPENDED | UNICODE_ENVIRONMENT | EXTENDED | console
        assert self.process is None, "a second process is made before the first runs"
        # What the command's job tells goes to a port from its first process on.
        told = set() if self.kind == "own" else {PORT}
        assert self.limits == {EXTENDED_LIMITS, UI_LIMITS} | told, f"the job has the limits {self.limits}"
        assert self.token == number(words[0]), "it is made with another token"
        assert self.desktop, "it has no desktop of its own"
        assert self.attributes == ATTRIBUTES, f"the attributes are {self.attributes}"
        assert number(words[6]) == flags, f"the flags are {number(words[6]):#x}, not {flags:#x}"
        assert self.text in words[2], f"the command line is {words[2]}, not {self.text}"
        self.process = result

    def IsProcessInJob(self, words, result):
        if number(words[1]) == self.job and self.process and result:
            self.handle = number(words[0])
            self.read_back.add("job")

    def QueryInformationJobObject(self, words, _result):
        if number(words[0]) == self.job and self.process:
            self.read_back.add(number(words[1]))

    def ResumeThread(self, _words, result):
        assert self.process, "something else is let run"
        missing = {"job", EXTENDED_LIMITS, UI_LIMITS} - self.read_back
        assert not missing and result, f"it runs although this was not read back: {missing}"


def check(calls, wanted):
    launches = [Launch(one) for one in wanted]
    broker = next(thread for thread, name, _, _ in calls if name == "CreateJobObjectW")
    at = 0
    for thread, name, words, result in calls:
        if name in STARTS:
            assert thread == broker and name == "CreateProcessAsUserW", f"another thread calls {name}"
        if thread != broker or name == "AssignProcessToJobObject":
            assert name != "AssignProcessToJobObject", "a process gets its job after its start"
            if at < len(launches) and launches[at].process:
                launches[at].elsewhere(thread, name, words, result)
            continue
        if at < len(launches):
            launches[at].take(name, words, result)
        else:
            assert name not in STARTS, f"{name} is called once more, with {words}"
        if name == "GetExitCodeProcess" and result:
            ended = next((launch for launch in launches[:at] if launch.handle == number(words[0])), None)
            if ended:
                ended.ended = True
        if name == "ResumeThread":
            heard = all(launch.ended for launch in launches[:at] if launch.text == CANARY)
            assert heard or launches[at].kind == "own", "it runs before the canary was heard"
            assert launches[at].kind != "tried" or launches[at].tries, "it runs before its token was tried"
            at += 1
    assert at == len(launches), f"{at} of {len(launches)} processes were started"


try:
    check(read(sys.stdin), sys.argv[1:])
    print("as planned")
except AssertionError as error:
    sys.exit(f"sequence.py: {error}")
