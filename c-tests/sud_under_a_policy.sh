#!/usr/bin/env bash
# A policy with Syscall User Dispatch for the arm: both filters are there, in children and what they execute too, and the
# rules are kept; a program with privileges does not get out of it.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
[ -n "$COMMAND" ] || { echo "skipped: no command"; exit 77; }
"$COMMAND" --arm sud --unfit refuse -- true 2>err || { echo "skipped: $(cat err)"; exit 77; }
outer=$(sed -n 's/^Seccomp_filters:[[:space:]]*//p' /proc/self/status)
printf 'deny EACCES socket\n' >rules
cp "$(command -v sed)" sed.set-uid && chmod 4755 sed.set-uid
as_nobody=()
[ "$(id -u)" = 0 ] && as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all)
said=$("${as_nobody[@]}" "$COMMAND" policy --arm sud rules -- sh -c './sed.set-uid -n "s/^Uid:.\([0-9]*\).\([0-9]*\).*/\1 \2/p; s/^Seccomp_filters:.//p; s/^NoNewPrivs:.//p" /proc/self/status; true' 2>err)
user=$("${as_nobody[@]}" id -u)
wanted=$(printf '%s %s\n1\n%s' "$user" "$user" $((outer + 2)))
[ "$said" = "$wanted" ] || fail "$said; want $wanted: $(head -3 err)"
said=$("${as_nobody[@]}" "$COMMAND" policy --arm sud rules -- bash -c '(exec 3<>/dev/tcp/127.0.0.1/80)' 2>&1)
[[ $said = *"Permission denied"* ]] || fail "not denied: $said"
finish
