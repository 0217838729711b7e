#!/usr/bin/bash
# Runs as the first process of the emulated machine; see control-groups.sh.
export PATH=/usr/bin HOME=/root
mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev
mkdir -p /dev/pts /dev/shm; mount -t devpts none /dev/pts; mount -t tmpfs none /dev/shm
for place in /tmp /work /home/u; do mount -t tmpfs none $place; done
chmod 1777 /tmp /dev/shm; insmod /overlay.ko
groups=/sys/fs/cgroup; mount -t cgroup2 none $groups
echo "+cpu +memory +pids" > $groups/cgroup.subtree_control
mkdir -p $groups/app.slice; echo "+cpu +memory +pids" > $groups/app.slice/cgroup.subtree_control
mkdir $groups/app.slice/term.scope
failed=0
# name, wanted text, command: the command's output has to hold the text
expect() { local name=$1 wanted=$2; shift 2; local out; out=$("$@" 2>&1)
    if grep -q -- "$wanted" <<< "$out"; then echo "ok: $name"; else echo "FAILED: $name: $out"; failed=1; fi; }
left() { ls -d $groups/garth-* $groups/app.slice/garth-* 2>/dev/null; echo "left: $(ls -d $groups/garth-* $groups/app.slice/garth-* 2>/dev/null | grep -c .)"; }
policy() { local file=/tmp/policy-$1-$2; printf 'version = 1\n[limits]\n%b\n' "$3" > $file; chown $1:$1 $file; echo $file; }

held() { # user, home
    local user="setpriv --reuid $1 --regid $1 --clear-groups env HOME=$2 PATH=/usr/bin" memory processes cpu
    memory=$(policy $1 memory 'memory = "100MiB"')
    processes=$(policy $1 processes 'memory = "100MiB"\nprocesses = 30')
    cpu=$(policy $1 cpu 'cpu = "0.5"')
    chown $1:$1 /work; cd /work
    expect "plan of $1" "memory.max" $user garth plan --policy $memory -- true
    expect "a garden of $1 in a group" "garth-" $user garth run --policy $memory -- cat /proc/self/cgroup
    expect "memory of $1" "the kernel ended" $user garth run --policy $memory -- dd if=/dev/zero of=/dev/null bs=300M count=1
    expect "files in memory of $1" "the kernel ended" $user garth run --policy $memory -- dd if=/dev/zero of=/tmp/f bs=1M count=300
    expect "processes of $1" "Resource temporarily unavailable" $user garth run --policy $processes -- \
        bash -c 'for i in {1..60}; do sleep 1 & done; wait'
    $user garth run --policy $cpu -- bash -c 'for i in 1 2; do (while [ $SECONDS -lt 4 ]; do :; done) & done; wait' & local busy=$!
    sleep 3; expect "processor time of $1" "nr_throttled [1-9]" cat $groups/garth-*/cpu.stat $groups/app.slice/garth-*/cpu.stat; wait $busy
    expect "nothing left of $1" "left: 0" left
    $user garth run --policy $memory -- sleep 60 & local broker=$!
    sleep 2; expect "limits in force for $1" "^104857600" cat $groups/garth-*/memory.max $groups/app.slice/garth-*/memory.max
    kill -9 $broker; wait $broker 2>/dev/null; sleep 1
    expect "a killed broker of $1 leaves its group" "left: 1" left
    expect "garth says so" "garth-" $user garth clean --check
    $user garth run --policy $memory -- true
    expect "the next start takes it away" "left: 0" left
    for only in 'limits.*' P12 'root.*' P21; do
        expect "garth prove --only $only as $1" " 0 not held" $user garth prove --only "$only"
    done
}

held 0 /root
chown 1000:1000 /home/u $groups/app.slice $groups/app.slice/cgroup.procs
echo $$ > $groups/app.slice/term.scope/cgroup.procs
held 1000 /home/u
user="setpriv --reuid 1000 --regid 1000 --clear-groups env HOME=/home/u PATH=/usr/bin"
echo 200000000 > $groups/app.slice/term.scope/memory.max
expect "a limited scope is not left" "counted ten times" $user garth plan --policy /tmp/policy-1000-memory -- true
echo max > $groups/app.slice/term.scope/memory.max; chown 0:0 $groups/app.slice/cgroup.procs
expect "without delegation a part of a processor is refused" "unenforceable" $user garth plan --policy /tmp/policy-1000-cpu -- true
[ $failed = 0 ] && echo "all held"
echo o > /proc/sysrq-trigger; sleep 5
