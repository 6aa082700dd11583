# Programs started in a chroot without /proc, in new namespaces, on a file system with noexec, and from a deleted file.
# needs: chroot unshare busybox mount
# user: root
# modes: rewrite command
# processes: 30
mkdir -p cage/bin cage/tmp
cp "$(command -v busybox)" cage/bin/busybox
printf '#!/bin/busybox sh\necho "a script in the cage: $0 $1"\n' >cage/bin/script
chmod +x cage/bin/script
under chroot cage /bin/busybox sh -c '
    set -- $(/bin/busybox ls /bin); echo "$*"
    /bin/busybox seq 5 | /bin/busybox tac | /bin/busybox paste -sd,
    /bin/script one
    /bin/busybox ls /proc 2>&1
    for i in 1 2 3; do (exit $i) || echo "status $?"; done'
under chroot cage /bin/script direct
status=0
under chroot --userspec=65534:65534 --groups= cage /bin/busybox sh -c '/bin/busybox id -u; exit 3' || status=$?
echo "status $status"

cat >inside <<'SH'
echo "process $$"
mount -t tmpfs -o noexec tmpfs "$1"
cp /bin/true "$1"
"$1/true" 2>/dev/null; echo "on noexec $?"
mount -o remount,exec "$1"
"$1/true"; echo "remounted $?"
TMPDIR=$1 sh -c 'cat <<X
a here-document
X'
[ "$(ls /proc | grep -c '^[0-9]*$')" -le 4 ] && echo own processes only
hostname inside; hostname
umount "$1"
SH
mkdir mount
under unshare --mount --pid --fork --mount-proc --uts --ipc sh inside mount
status=0
under unshare --user --map-root-user sh -c 'id -u; cat /proc/self/uid_map | wc -l; exit 5' || status=$?
echo "status $status"
under unshare --net sh -c 'cat /proc/net/dev | grep -c :'

cp /bin/cat deleted
under sh -c 'exec 3<deleted; rm deleted; echo from a deleted file | /proc/self/fd/3; ls deleted 2>&1 | wc -l'
