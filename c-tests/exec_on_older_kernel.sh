#!/usr/bin/env bash
# arm: seccomp
# timeout: 300
# Shows that programs are executed, and refused with the same errnos, where the kernel (before 6.14) cannot
# be asked beforehand: an outer filter answers EINVAL to execveat with AT_EXECVE_CHECK.
# shellcheck disable=SC1091,SC2034
. "$C_TESTS/helpers/common.sh"
helper outer_filter
./outer_filter harmless true || { echo "skipped: no seccomp filter here"; exit 77; }
prefix=(./outer_filter no_exec_check)
modes="rewrite${COMMAND:+ command}"
for source in "$C_TESTS"/exec_*.c; do
    test=${source##*/}
    test=${test%.c}
    case $test in
    exec_order_of_checks | exec_check_only) continue ;; # what cannot be emulated
    exec_from_thread | exec_refused_in_thread | exec_set_id) continue ;;
    esac
    # shellcheck disable=SC2016
    same sh -c 'rm -rf work; mkdir work; cd work && exec "$0"' "$BIN/$test"
done
finish
