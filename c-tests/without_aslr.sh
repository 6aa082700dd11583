#!/usr/bin/env bash
# Shows that programs run as natively with address space randomisation off, those at fixed
# addresses around the table's range included, where the heap then grows right over it.
# shellcheck disable=SC1091,SC2034
. "$C_TESTS/helpers/common.sh"
command -v setarch >/dev/null && setarch -R true 2>/dev/null || { echo "skipped: no setarch -R"; exit 77; }
prefix=(setarch -R)
for test in results_are_natural heap_over_table table_range_taken heap_by_brk heap_by_malloc race_cold_site_pages \
    mappings_at_odd_places fork_in_threads dlopen_again jit_hot_site_moved child_registers; do
    same "$BIN/$test"
done
finish
