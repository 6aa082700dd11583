#!/usr/bin/env bash
# Shows that programs run as natively under the seccomp filter that containers set.
# shellcheck disable=SC1091,SC2034
. "$C_TESTS/helpers/common.sh"
helper outer_filter
./outer_filter harmless true || { echo "skipped: no seccomp filter here"; exit 77; }
for kind in harmless container; do
    prefix=(./outer_filter "$kind")
    for test in results_are_natural registers_survive_call race_cold_site_offsets race_cold_site_pages fork_in_threads vfork_in_threads \
        jit_replaced_in_place protections_kept thousand_threads unusual_numbers dlopen_again; do
        same "$BIN/$test"
    done
done
finish
