//! Python in the default policy.
#![cfg(target_os = "linux")]

use garth_tests::{Garden, everyone, has, unavailable};

fn installed() -> bool {
    has("python3", "python3")
}

/// Writes a wheel by hand: pip installs it without building anything.
fn wheel(garden: &Garden) {
    garden.write(
        "wheel.py",
        "import zipfile
with zipfile.ZipFile('small-1.0-py3-none-any.whl', 'w') as z:
    z.writestr('small/__init__.py', 'def twice(n):\\n    return n * 2\\ndef main():\\n    print(twice(21))\\n')
    z.writestr('small-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: small\\nVersion: 1.0\\n')
    z.writestr('small-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: hand\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    z.writestr('small-1.0.dist-info/entry_points.txt', '[console_scripts]\\nsmall = small:main\\n')
    z.writestr('small-1.0.dist-info/RECORD', 'small/__init__.py,,\\nsmall-1.0.dist-info/METADATA,,\\nsmall-1.0.dist-info/WHEEL,,\\nsmall-1.0.dist-info/entry_points.txt,,\\nsmall-1.0.dist-info/RECORD,,\\n')
",
    );
    let _ = garden.prepare("python3 wheel.py");
}

#[test]
fn a_virtual_environment_and_a_wheel() {
    if !installed() {
        return;
    }
    everyone(|garden| {
        wheel(garden);
        let run = garden.script(
            "python3 -m venv env; . env/bin/activate
             pip install --disable-pip-version-check --no-index -q ./small-1.0-py3-none-any.whl
             small; python -c 'import small, sys; print(small.twice(4), sys.prefix != sys.base_prefix)'
             pip list --disable-pip-version-check | grep small; python -m compileall -q env/lib/*/site-packages/small
             python -m pip check; deactivate",
        );
        let run = run.ok();
        assert!(run.text().starts_with("42\n8 True\nsmall"), "{run}");
        assert_eq!(run.errors(), "", "{run}");
        assert_eq!(garden.outside(&["env/bin/small"]).ok().text(), "42");
    });
}

/// pytest, fetched before the sandbox starts, with its temporary directories and cache.
#[test]
fn pytest_with_its_temporary_directories() {
    if !installed() {
        return;
    }
    everyone(|garden| {
        let fetched = garden.outside(&[
            "bash",
            "-ec",
            "python3 -m venv env; env/bin/pip install -q --disable-pip-version-check pytest pytest-xdist",
        ]);
        if !fetched.status.success() {
            unavailable("pytest", "reach a package index with pip");
            return;
        }
        garden.write(
            "test_all.py",
            "import os, subprocess, sys, pytest
def test_tmp_path(tmp_path):
    (tmp_path / 'a').write_text('x'); assert oct(tmp_path.stat().st_mode)[-3:] == '700'
def test_factory(tmp_path_factory):
    assert tmp_path_factory.mktemp('m').is_dir()
def test_children():
    assert subprocess.check_output([sys.executable, '-c', 'print(3)']) == b'3\\n'
@pytest.mark.parametrize('n', range(20))
def test_many(n, tmp_path):
    os.symlink('x', tmp_path / 'l')
",
        );
        let run = garden.inside(&["env/bin/pytest", "-q"]).ok();
        assert!(run.text().contains("23 passed") && !run.text().contains("warning"), "{run}");
        assert!(garden.has(".pytest_cache/CACHEDIR.TAG"));
        let run = garden.inside(&["env/bin/pytest", "-q", "-n", "2", "--basetemp=tmp"]).ok();
        assert!(run.text().contains("23 passed"), "{run}");
        assert!(garden.has("tmp"));
    });
}

#[test]
fn the_standard_library() {
    if !installed() {
        return;
    }
    everyone(|garden| {
        garden.write(
            "all.py",
            r#"
import asyncio, concurrent.futures, ctypes, fcntl, getpass, mmap, multiprocessing, multiprocessing.shared_memory as shm
import os, pathlib, select, shutil, signal, socket, sqlite3, subprocess, tempfile, threading, time, unittest
def square(n): return n * n
class All(unittest.TestCase):
    def test_pools(self):
        for method in ('fork', 'spawn', 'forkserver'):
            with multiprocessing.get_context(method).Pool(2) as pool:
                self.assertEqual(pool.map(square, range(5)), [0, 1, 4, 9, 16])
        with concurrent.futures.ProcessPoolExecutor(2) as pool:
            self.assertEqual(list(pool.map(square, [3])), [9])
    def test_shared_memory(self):
        m = shm.SharedMemory(create=True, size=100); m.buf[0] = 5; m.close(); m.unlink()
        q = multiprocessing.Queue(); q.put(1); self.assertEqual(q.get(), 1)
        lock = multiprocessing.Semaphore(1); self.assertTrue(lock.acquire())
    def test_sqlite(self):
        db = sqlite3.connect('data.db'); db.execute('pragma journal_mode=wal'); db.execute('create table t (a)')
        with db: db.executemany('insert into t values (?)', [(i,) for i in range(1000)])
        self.assertEqual(db.execute('select sum(a) from t').fetchone(), (499500,)); db.close()
    def test_temporary(self):
        with tempfile.TemporaryDirectory() as d, tempfile.NamedTemporaryFile(dir='.') as f, tempfile.TemporaryFile(dir='.') as t:
            t.write(b'x'); pathlib.Path(d, 'x').write_text('x'); os.chmod(d, 0o700)
    def test_o_tmpfile(self):
        fd = os.open('.', os.O_TMPFILE | os.O_RDWR, 0o640); os.write(fd, b'late')
        libc = ctypes.CDLL(None, use_errno=True)
        self.assertEqual(libc.linkat(-100, b'/proc/self/fd/%d' % fd, -100, b'linked', 0x400), 0, os.strerror(ctypes.get_errno())); self.assertEqual(open('linked').read(), 'late')
    def test_open_files_are_unlinked(self):
        f = open('gone', 'w+'); os.unlink('gone'); f.write('x'); f.flush(); f.seek(0); self.assertEqual(f.read(), 'x')
    def test_mapping(self):
        with open('mapped', 'w+b') as f:
            f.truncate(8192); m = mmap.mmap(f.fileno(), 8192); m[0:3] = b'abc'; m.flush(); m.close()
        self.assertEqual(open('mapped', 'rb').read(3), b'abc')
    def test_locks(self):
        a, b = open('lock', 'w'), open('lock', 'w'); fcntl.flock(a, fcntl.LOCK_EX)
        self.assertRaises(BlockingIOError, fcntl.flock, b, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.lockf(a, fcntl.LOCK_EX)
    def test_sockets(self):
        for family, address in ((socket.AF_INET, ('127.0.0.1', 0)), (socket.AF_INET6, ('::1', 0)), (socket.AF_UNIX, 'py.sock'), (socket.AF_UNIX, '\0inside')):
            s = socket.socket(family); s.bind(address); s.listen()
            c = socket.socket(family); c.connect(s.getsockname()); a, _ = s.accept(); a.send(b'x'); self.assertEqual(c.recv(1), b'x')
            for one in (a, c, s): one.close()
        os.unlink('py.sock')
        a, b = socket.socketpair(); socket.send_fds(a, [b'x'], [0]); self.assertEqual(len(socket.recv_fds(b, 1, 1)[1]), 1)
    def test_asyncio(self):
        async def main():
            p = await asyncio.create_subprocess_exec('echo', 'hi', stdout=-1); out, _ = await p.communicate(); return out
        self.assertEqual(asyncio.run(main()), b'hi\n')
    def test_files(self):
        os.makedirs('a/b/c'); shutil.copytree('a', 'z'); os.rename('z', 'y'); shutil.rmtree('y'); os.mkfifo('fifo'); os.unlink('fifo')
        os.utime('a', (1, 1)); os.chmod('a/b', 0o711); os.chown('a', os.getuid(), os.getgid()); open('plain', 'w').close(); os.truncate('plain', 5)
        os.setxattr('a', 'user.mark', b'1'); self.assertEqual(os.getxattr('a', 'user.mark'), b'1')
        os.copy_file_range; os.posix_fallocate(os.open('sparse', os.O_CREAT | os.O_RDWR), 0, 4096)
        os.link('plain', 'hard'); self.assertEqual(os.stat('plain').st_nlink, 2); os.replace('hard', 'replaced'); os.statvfs('.')
    def test_processes(self):
        pid = os.fork()
        if pid == 0: os.setsid(); os._exit(3)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 3)
        os.kill(os.getpid(), 0); os.sched_getaffinity(0); os.nice(1); os.getpriority(os.PRIO_PROCESS, 0)
        fd = os.pidfd_open(os.getpid()); os.memfd_create('m'); select.epoll(); os.eventfd(0); os.getrandom(4); os.uname(); os.openpty()
if __name__ == '__main__': unittest.main(warnings='ignore')
"#,
        );
        let run = garden.inside(&["python3", "all.py"]).ok();
        assert!(run.errors().contains("OK") && !run.errors().contains("Warning"), "{run}");
        assert_eq!(garden.mode("a/b"), 0o711);
        assert_eq!(garden.mode("linked"), 0o640);
        assert_eq!(garden.read("linked"), "late");
        assert!(!garden.has("gone") && !garden.has("fifo"));
    });
}
