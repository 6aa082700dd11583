#!/usr/bin/env bash
# A core dump of a crash that nobody catches has the signal, the address, the place and the frames of the
# application, as natively: of the main thread and of another one.
# shellcheck disable=SC1091
command -v gdb >/dev/null || { echo "skipped: no gdb"; exit 77; }
[ "$(cat /proc/sys/kernel/core_pattern)" = core ] || { echo "skipped: cores go elsewhere"; exit 77; }
[ "$(ulimit -H -c)" = unlimited ] || { echo "skipped: no cores under this limit"; exit 77; }
. "$C_TESTS/helpers/common.sh"
cat >crash.c <<'END'
#include <pthread.h>
#include <unistd.h>
static int kind;
__attribute__((noinline)) static int inner(int *p) {
    if (kind == 0) *p = 1;
    if (kind == 1) __asm__ volatile("ud2");
    if (kind == 2) __asm__ volatile("div %%ecx" ::"c"(0), "a"(1), "d"(0));
    return 3;
}
__attribute__((noinline)) static int outer(int n) { return inner((int *)(long)(n + 8)) + 1; }
static void *in_thread(void *n) { outer(0); return n; }
int main(int argc, char **argv) {
    pthread_t thread;
    kind = argv[1][0] - '0';
    for (int i = 0; i < 3; i++) getppid();
    if (argv[2][0] == 'm') return outer(argc - 3);
    pthread_create(&thread, NULL, in_thread, NULL);
    pthread_join(thread, NULL);
}
END
"${CC:-cc}" -g -pthread -no-pie crash.c -o crash || exit 1

shown() { # shown ARGUMENTS...: what gdb says of the core
    rm -f core core.*
    (ulimit -S -c unlimited; exec env "${settings[@]}" ./crash "$@") 2>/dev/null
    echo "status $?"
    # shellcheck disable=SC2016
    timeout 60 gdb -nx -batch -ex 'p $_siginfo.si_signo' -ex 'p $_siginfo.si_code' -ex 'p $_siginfo._sifields._sigfault.si_addr' \
        -ex 'p/x $eflags' -ex 'p $rax' -ex 'p $rcx & 0xfff' -ex 'x/i $pc' -ex 'bt 3' ./crash core* 2>/dev/null |
        grep -E '^(\$|#|=>|Program)' | sed 's/argv=0x[0-9a-f]*/argv/; s/n=0x[0-9a-f]*/n/; s/^#2 .* in /#2 /'
}

for kind in 0 1 2; do
    for place in main thread; do
        settings=(A=1)
        wanted=$(shown $kind $place 2>/dev/null)
        grep -q '^#0.* inner ' <<<"$wanted" || fail "natively: $wanted"
        for mode in trap rewrite; do
            read -ra settings <<<"$(environment_of $mode)"
            said=$(shown $kind $place 2>/dev/null)
            [ "$said" = "$wanted" ] || { fail "kind $kind, $place [$mode]"; diff <(echo "$wanted") <(echo "$said") >&2; }
        done
    done
done
finish
