#!/usr/bin/env bash
# Hook libraries that were written for syscall_intercept run as they are: they refuse calls, make calls themselves
# (forks, threads, execs and waits that signals interrupt, too), and are told of threads.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
compat=$BIN/../compat/libsyscall_intercept.so.0
[ -r "$compat" ] || { echo "no $compat: make compat"; exit 1; }
peers=$BIN/peers
under() { # under HOOK COMMAND...
    local hook=$1
    shift
    env USERTRAP_HOOK="$compat:$hook" "$COMMAND" -- "$@"
}

said=$(under "$peers/intercept_counts.so" ls . 2>&1)
[[ $said = *"Operation not supported"* ]] || fail "getdents64 was not refused: $said"
said=$(LISTING=1 under "$peers/intercept_counts.so" sh -c 'cat /proc/self/comm; ls -d /' 2>&1)
[[ $said = *"cat"*"/"*"children: 0"*"parents: 0"*"many calls: 1"* ]] || fail "cat and ls: $said"
said=$(LISTING=1 under "$peers/intercept_counts.so" "$BIN/thousand_threads" 2>&1)
threads=$(sed -n 's/^children: //p' <<<"$said")
[ "${threads:-0}" -ge 1000 ] && grep -q "^parents: $threads$" <<<"$said" || fail "threads: $said"

# One that was linked with the library of that name, as the manual says.
"${CC:-cc}" -O2 -shared -fPIC "$C_TESTS/peers/intercept_counts.c" -o linked.so -Wl,--no-as-needed "$compat" || exit 1
said=$(under "$PWD/linked.so" ls . 2>&1)
[[ $said = *"Operation not supported"* ]] || fail "linked with it: $said"
said=$(USERTRAP_HOOK=$compat,$PWD/linked.so "$COMMAND" -- true 2>&1) && fail "twice"
[[ $said = *"it can run one library"* ]] || fail "twice: $said"
# One that ends the process from its constructor.
echo 'long syscall_no_intercept(long, ...); __attribute__((constructor)) void f(void) { syscall_no_intercept(231, 5L); }' |
    "${CC:-cc}" -shared -fPIC -x c - -o ends.so || exit 1
under "$PWD/ends.so" true 2>/dev/null
[ $? = 5 ] || fail "a constructor that calls exit_group"

# A library that makes each call itself.
said=$(under "$peers/intercept_makes.so" bash -c '(exit 3) & wait $!; echo "$?"; exec /nonexistent' 2>&1)
[[ $said = *"pid"*"3"*"/nonexistent: No such file"* ]] || fail "fork, wait, exec: $said"
[[ $said = *"no thread"* ]] && fail "the library's own thread: $said"
for program in interrupted_calls_restart interrupted_calls_give_eintr fork_in_threads exec_by_posix_spawn; do
    mkdir "$program" "$program.native"
    (cd "$program.native" && exec "$BIN/$program") >native 2>/dev/null
    (cd "$program" && under "$peers/intercept_makes.so" "$BIN/$program") >ours 2>/dev/null
    cmp -s native ours || fail "$program: $(diff native ours | head -5)"
done

# By LD_PRELOAD, and in one process of a tree only.
said=$(LD_PRELOAD=$LIB USERTRAP_HOOK=$compat:$peers/intercept_counts.so ls . 2>&1)
[[ $said = *"Operation not supported"* ]] || fail "LD_PRELOAD: $said"
said=$(INTERCEPT_HOOK_CMDLINE_FILTER="ls" under "$peers/intercept_counts.so" sh -c 'ls .; find .' 2>&1)
[[ $said = *"allowed: 0"*"reading directory"*"allowed: 0"* && $said != *"find"* ]] || fail "filter: $said"
INTERCEPT_LOG=calls- under "$peers/intercept_counts.so" true 2>/dev/null
grep -q 'libc.so.6 0x[0-9a-f]* -- syscall(231, 0x0, .* = ?$' calls-* || fail "no log of exit_group: $(ls)"

said=$(under ./none.so true 2>&1) && fail "a library that is missing"
[[ $said = *"cannot load the hook: ./none.so"* ]] || fail "said: $said"
said=$(USERTRAP_HOOK=$peers/intercept_counts.so "$COMMAND" -- true 2>&1) && fail "without the library"
[[ $said = *"put /path/to/libsyscall_intercept"* ]] || fail "said: $said"
finish
