#!/usr/bin/env bash
# Shows that programs run as natively where newer calls (process_vm_readv, membarrier, rseq, clone3,
# memfd_create and others) are answered ENOSYS by an outer filter, as an old kernel would.
# shellcheck disable=SC1091,SC2034
. "$C_TESTS/helpers/common.sh"
helper outer_filter
./outer_filter harmless true || { echo "skipped: no seccomp filter here"; exit 77; }
for kind in no_process_vm old_kernel; do
    prefix=(./outer_filter "$kind")
    for test in results_are_natural race_cold_site_offsets race_cold_site_pages protections_mixed_site fork_in_threads \
        jit_hot_site_restored park_before_syscall_in_handler dlopen_again null_pointers_fault clone_vm_process; do
        same "$BIN/$test"
    done
done
finish
