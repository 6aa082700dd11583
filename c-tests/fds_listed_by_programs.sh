#!/usr/bin/env bash
# Shows that programs that list descriptors, close them all and start others see what they see natively.
# shellcheck disable=SC1091,SC2034
. "$C_TESTS/helpers/common.sh"
modes="trap rewrite fallback"
same ls /proc/self/fd
same ls /proc/self/fdinfo
same find /proc/thread-self/fd/ -type l
same bash -c 'ls /proc/$$/fd; (ls /proc/self/fd); ls /proc/self/fd | cat; for fd in /proc/self/fd/*; do echo "${fd##*/}"; done'
if command -v python3 >/dev/null; then
    same python3 -c 'import os; print(sorted(os.listdir("/proc/self/fd"), key=int))'
    same python3 -c '
import os, subprocess
look = ["python3", "-c", "import os; print(sorted(os.listdir(\"/proc/self/fd\"), key=int))"]
print(subprocess.run(look, close_fds=True, capture_output=True).stdout)
print(subprocess.run(look, close_fds=False, pass_fds=(), capture_output=True).stdout)
os.closerange(3, 70000)
print(subprocess.run(look, capture_output=True).stdout)
'
    same python3 -c '
import os
def is_open(fd):
    try: os.fstat(fd); return True
    except OSError: return False
print([fd for fd in range(10000) if is_open(fd)])
print([fd for fd in range(10000) if os.path.exists(fd)])
'
fi
finish
