#!/usr/bin/env bash
# USERTRAP_ARM=auto is a filter, and Syscall User Dispatch where the kernel takes none, in all programs of the tree; sud
# says that it arms no threads that are there already, and auto arms them by the filter.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
helper outer_filter
helper late_load -ldl
./outer_filter harmless true || { echo "skipped: no seccomp filter here"; exit 77; }
env LD_PRELOAD="$LIB" USERTRAP_ARM=sud USERTRAP_UNFIT=refuse true || { echo "skipped: no Syscall User Dispatch here"; exit 77; }
outer=$(./outer_filter harmless sed -n 's/^Seccomp_filters:[[:space:]]*//p' /proc/self/status)
# case KIND ARM FILTERS-OF-OURS
while read -r kind arm ours; do
    said=$(./outer_filter "$kind" env LD_PRELOAD="$LIB" USERTRAP_ARM="$arm" USERTRAP_LOG=info USERTRAP_UNFIT=refuse \
        bash -c "sed -n 's/^Seccomp_filters:[[:space:]]*//p' /proc/self/status; true" 2>err)
    [ "$said" = $((outer + ours)) ] || fail "$kind $arm: $said filters, want $((outer + ours)): $(head -3 err)"
    [ "$(grep -c '^usertrap: armed' err)" -ge 2 ] || fail "$kind $arm: not armed: $(head -3 err)"
done <<END
harmless auto 1
harmless seccomp 1
harmless sud 0
no_seccomp auto 0
no_seccomp sud 0
no_dispatch auto 1
END
./late_load >native.out || fail "natively"
for arm in auto sud; do
    env LATE_LIB="$LIB" USERTRAP_ARM=$arm USERTRAP_LOG=info timeout 100 ./late_load >late.out 2>late.err
    case $arm in
    auto) grep -q '^usertrap: armed' late.err || fail "late, auto: $(head -3 late.err)" ;;
    sud) grep -q '^usertrap: Syscall User Dispatch arms no threads .* the program runs without us$' late.err || fail "late, sud: $(head -3 late.err)" ;;
    esac
done
finish
