#!/bin/bash
# What the inject tool injects is what strace injects: a program gets the same results, signals and end by
# the same expressions. Not compared: signal= beside a delay, which strace 6.1 then drops. Skipped where strace may not trace.
set -eu
strace -o /dev/null true 2>/dev/null || { echo "strace cannot trace here"; exit 77; }
failed=0
compare() { # compare EXPRESSIONS PROGRAM [ARGS...]: expressions with spaces between them
    local expression options=() theirs ours
    for expression in $1; do options+=(-e "$expression"); done
    shift
    theirs=0 ours=0
    timeout 20 strace -f -o /dev/null "${options[@]}" -- "$@" </dev/null >strace 2>strace.err || theirs=$?
    timeout 20 "$COMMAND" inject -o report "${options[@]}" -- "$@" </dev/null >ours 2>ours.err || ours=$?
    [ "$theirs" = "$ours" ] && cmp -s strace ours && return
    failed=1
    echo "differs: ${options[*]} -- $*: status $ours, strace's $theirs" >&2
    diff strace ours | head -10 >&2
    head -3 ours.err >&2
}
while read -r part expressions; do compare "$expressions" "$BIN/inject_subject" "$part"; done <<'END'
calls inject=getppid:error=EIO
calls inject=getppid:error=5:when=1
calls inject=getppid:error=ENOSYS:when=2+
calls inject=getppid:error=EAGAIN:when=2+3
calls inject=getppid:error=EINTR:when=2..4
calls inject=getppid:error=EINTR:when=2..6+2
calls inject=getppid:error=EIO:when=7
calls inject=getppid:retval=7:when=3
calls inject=getppid:retval=0x10:when=3+
calls inject=getppid:error=EIO:syscall=getuid:when=2
calls inject=getppid:retval=3:syscall=getuid:when=2
calls inject=getppid:error=EIO:when=1:when=2
calls inject=getppid:error=EIO inject=getppid:retval=1:when=2
calls inject=%pure:error=EIO
calls inject=!writev,exit_group,rt_sigreturn,execve:delay_enter=1:when=1
calls fault=getppid
calls fault=getppid:error=EPERM:when=3
calls inject=getppid:signal=USR1:when=2
calls inject=getppid:signal=SIGUSR1:error=EIO:when=2+2
calls inject=getppid:signal=10:retval=5
calls inject=getppid:signal=TERM:when=3
calls inject=getppid:signal=KILL:when=3
calls inject=getppid:signal=SEGV:when=3
calls inject=getppid:delay_enter=1ms:delay_exit=1000us:error=EIO:when=4
calls inject=exit_group:signal=TERM
family inject=getppid:error=EIO:when=2
family inject=getppid:error=EIO:when=2+3
family inject=getppid:error=EIO:when=4+
family inject=vfork,clone,clone3,fork:error=EAGAIN:when=1
family inject=execve:error=ENOENT:when=2
waits inject=read:signal=USR1:when=2+
files inject=read:error=EIO:when=3
files inject=openat:error=ENOENT:when=2+
files inject=close:error=EIO:when=2 inject=write:error=ENOSPC
files inject=%desc:error=EBADF:when=9
files inject=ftruncate:retval=0 inject=getuid:retval=12
END
while read -r expressions; do
    compare "$expressions" /bin/sh -c '/bin/cat /etc/hostname /nonexistent; /bin/ls /; (cd /; pwd); read word </etc/hostname; echo "$word"' 
done <<'END'
inject=chdir:error=ENOENT
inject=openat:error=EACCES:when=3
inject=read:error=EIO:when=2
inject=read:retval=0:when=2
inject=write:error=EINTR:when=1+2
inject=%file:error=ENOENT:when=2
inject=dup2,fcntl:error=EMFILE:when=2
inject=getdents64:error=ENOTDIR
inject=write:signal=KILL:when=1
END
exit $failed
