#!/usr/bin/env bash
# Hook libraries that were written for zpoline run as they are, and make each call by the function that they were given.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
compat=$BIN/../compat/libzpoline.so
[ -r "$compat" ] || { echo "no $compat: make compat"; exit 1; }
peer=$BIN/peers/zpoline_prints.so

said=$(USERTRAP_HOOK=$compat:$peer "$COMMAND" -- sh -c 'cat /proc/self/comm; (exit 3); echo $?' 2>err)
[ "$said" = cat$'\n'3 ] || fail "output: $said"
[ "$(grep -c '^init$' err)" = 2 ] || fail "it was not begun in both images: $(head -3 err)"
for number in 56 59 61 231; do
    grep -q "^call $number$" err || fail "call $number was not seen"
done
said=$(LIBZPHOOK=$peer USERTRAP_HOOK=$compat LD_PRELOAD=$LIB env true 2>&1)
[[ $said = init*"call 231"* ]] || fail "LIBZPHOOK: $said"
for program in interrupted_calls_restart interrupted_calls_give_eintr fork_in_threads clone_combinations jumps_out_of_handlers; do
    mkdir "$program" "$program.native"
    (cd "$program.native" && exec "$BIN/$program") >native 2>/dev/null
    (cd "$program" && USERTRAP_HOOK=$compat:$peer exec "$COMMAND" -- "$BIN/$program") >ours 2>/dev/null
    cmp -s native ours || fail "$program: $(diff native ours | head -5)"
done

said=$(USERTRAP_HOOK=$compat "$COMMAND" -- true 2>&1) && fail "no hook was named"
[[ $said = *LIBZPHOOK* ]] || fail "said: $said"
said=$(USERTRAP_HOOK=$compat:$compat "$COMMAND" -- true 2>&1) && fail "it is no hook"
[[ $said = *"no symbol __hook_init"* ]] || fail "said: $said"
said=$(USERTRAP_HOOK=$peer "$COMMAND" -- true 2>&1) && fail "without the library"
[[ $said = *"is a hook for zpoline: put"* ]] || fail "said: $said"
finish
