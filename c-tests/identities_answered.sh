#!/usr/bin/env bash
# Shows that USERTRAP_ANSWER=identity answers getpid and gettid without the kernel, which strace does not see, and so that
# nothing else changes: numbers, registers, and signals at every instruction are as ever, with the hooks that see the calls.
# shellcheck disable=SC1091,SC2034
. "$C_TESTS/helpers/common.sh"
cat >calls.c <<'END'
#include <sys/syscall.h>
#include <unistd.h>
int main(void) {
    for (int left = 1000; left > 0; left--) {
        syscall(SYS_getpid);
        syscall(SYS_gettid);
    }
    return getpid() != syscall(SYS_gettid);
}
END
"${CC:-cc}" -O2 calls.c -o calls || exit 1
export USERTRAP_ANSWER=identity
if strace -o /dev/null true 2>/dev/null; then
    for table in 0x050f0000 0x40060000; do
        strace -f -e trace=getpid,gettid -o seen env LD_PRELOAD="$LIB" USERTRAP_TABLE=$table ./calls || fail "$table: status $?"
        [ "$(grep -c 'get[pt]id()' seen)" -lt 20 ] || fail "$table: the kernel sees $(grep -c 'get[pt]id()' seen) calls"
    done
fi
for test in identities_hold own_filter_on_served_calls user_dispatch_by_the_application registers_survive_call gs_survives_calls \
    vfork_in_threads signal_storm; do
    for settings in "" USERTRAP_REWRITE=off USERTRAP_TABLE=0x40060000 USERTRAP_TOOL=stat\ USERTRAP_OUT=/dev/null; do
        # shellcheck disable=SC2086
        said=$(env LD_PRELOAD="$LIB" $settings "$BIN/$test" 2>&1) || fail "$test $settings: $said"
    done
done
said=$(env LD_PRELOAD="$LIB" "$BIN/interrupted_at_every_instruction" passed getpid gettid 2>&1) || fail "interrupted: $said"
grep -q "^gettid.*all interrupted" <<<"$said" || fail "interrupted: $said"
calls=$(env LD_PRELOAD="$LIB" USERTRAP_TOOL=stat ./calls 2>&1 | awk '$NF == "getpid" {print $1}')
[ "${calls:-0}" = 1001 ] || fail "stat counts $calls getpid, not 1001"
finish
