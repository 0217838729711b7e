"""Packs a directory as an initial file system of Linux (format `newc`), with the console that the kernel needs."""
import gzip
import os
import stat
import sys


def main(root, out):
    with gzip.open(out, "wb", 1) as file:
        for number, (name, mode, data, device) in enumerate(entries(root), 1):
            name = name.encode() + b"\0"
            fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0)
            head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
            file.write(head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4))


def entries(root):
    for directory, directories, files in os.walk(root):
        for name in directories + files:
            path = os.path.join(directory, name)
            mode = os.lstat(path).st_mode
            data = b""
            if stat.S_ISLNK(mode):
                data = os.readlink(path).encode()
            elif stat.S_ISREG(mode):
                with open(path, "rb") as file:
                    data = file.read()
            yield os.path.relpath(path, root), mode, data, (0, 0)
    yield "dev/console", stat.S_IFCHR | 0o600, b"", (5, 1)
    yield "TRAILER!!!", 0, b"", (0, 0)


main(*sys.argv[1:])
