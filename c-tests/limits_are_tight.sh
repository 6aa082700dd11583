#!/usr/bin/env bash
# Shows that under small limits of address space, descriptors and stack programs work as natively,
# or end after one clear line; they never crash.
# timeout: 300
# shellcheck disable=SC1091,SC2034
. "$C_TESTS/helpers/common.sh"
limited() { # limited OPTION VALUE COMMAND...
    local option=$1 value=$2
    shift 2
    # shellcheck disable=SC2016
    prefix=(bash -c 'ulimit "$0" "$1" 2>/dev/null || exit 1; shift; exec "$@"' "$option" "$value")
    works_or_says "$@"
}
for kilobytes in 3000 4000 5000 6000 8000 10000 12000 16000 20000 32000 48000 64000 100000 200000 500000; do
    limited -v "$kilobytes" "$BIN/results_are_natural"
    limited -v "$kilobytes" "$BIN/fork_orphan"
done
for kilobytes in 64000 100000 200000; do limited -v "$kilobytes" "$BIN/fork_in_threads"; done
for descriptors in 3 4 5 6 7 8 16; do
    limited -n "$descriptors" "$BIN/results_are_natural"
    limited -n "$descriptors" "$BIN/fork_orphan"
    limited -n "$descriptors" "$BIN/dlopen_again"
done
# (below 32 KB the dynamic linker itself crashes now and then, whatever is preloaded)
for kilobytes in 32 48 64 128 256; do
    limited -s "$kilobytes" "$BIN/results_are_natural"
    limited -s "$kilobytes" "$BIN/fork_orphan"
done
for kilobytes in 100 200 500 1000 2000; do limited -d "$kilobytes" "$BIN/results_are_natural"; done
limited -l 0 "$BIN/race_cold_site_pages"
finish
