#!/bin/bash
# Runs the limits in an emulated machine whose control groups are all of version 2, as root and as an ordinary user in a
# delegated group: makes them, goes over them, kills the broker, cleans up, proves. Needs qemu-system-x86_64, gcc, python3,
# a kernel with built-in cgroup controllers (Debian's linux-image-cloud-amd64) and its overlay module:
#   .ci/vm/control-groups.sh VMLINUZ OVERLAY.KO GARTH
# QEMU may name another emulator with its options.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
kernel=$1 overlay=$2 garth=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{proc,sys,dev,mnt,etc,usr/bin}
ln -s usr/bin "$root/bin"
cp -a /etc/passwd /etc/group "$root/etc/"
for name in bash cat cp chmod chown chroot date dd env grep head ls mkdir mount rm setpriv sleep sort tail tr true; do
    program=$(type -P "$name")
    cp -L "$program" "$root/usr/bin/$name"
    for library in $(ldd "$program" | grep -o '/[^ ]*'); do
        mkdir -p "$root$(dirname "$library")"
        cp -nL "$library" "$root$library"
    done
done
ln -s bash "$root/usr/bin/sh"
cp "$garth" "$root/usr/bin/garth"
cp "$overlay" "$root/overlay.ko"
cat > "$work/insmod.c" <<'C'
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int count, char **words) { return syscall(SYS_finit_module, open(words[1], O_RDONLY), "", 0) != 0; }
C
gcc -static -w -o "$root/usr/bin/insmod" "$work/insmod.c"
cp "$here/guest.sh" "$root/guest.sh"
cat > "$root/init" <<'I'
#!/usr/bin/bash
# The root of an initial file system cannot be exchanged, so everything moves to another one.
export PATH=/usr/bin
mount -t tmpfs -o size=500m none /mnt
for name in /usr /lib /lib64 /etc /bin /guest.sh /overlay.ko; do [ -e $name ] && cp -a $name /mnt/; done
mkdir -p /mnt/{proc,sys,dev,tmp,run,root,mnt,work,home/u,opt,var/tmp}
cd /mnt; mount --move . /; exec chroot . /guest.sh
I
chmod 755 "$root/init" "$root/guest.sh"
python3 "$here/initramfs.py" "$root" "$work/initramfs"
timeout 600 ${QEMU:-qemu-system-x86_64} -accel tcg,thread=multi -cpu max -m 1200 -smp 2 -nographic -no-reboot -nic none \
    -kernel "$kernel" -initrd "$work/initramfs" -append "console=ttyS0 panic=-1 loglevel=1" < /dev/null | tee "$work/out"
grep -q '^all held' "$work/out"
