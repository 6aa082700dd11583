#!/usr/bin/env bash
# Shows that a program started with SIGSYS, SIGILL or all signals blocked or ignored works, and
# reads back the mask and the dispositions that it inherited.
# timeout: 300
# shellcheck disable=SC1091,SC2034
. "$C_TESTS/helpers/common.sh"
helper with_signals
helper show_signals
for how in block ignore; do
    for which in 31 4 4,31 5,11,31 1,2,3,4,5,6,7,8,10,11,12,13,14,15,16,20,24,25,26,27,28,29,30,31,34,50,64; do
        prefix=(./with_signals "$how" "$which")
        same ./show_signals
        same "$BIN/race_cold_site_pages"
        [ "$how" = block ] && same "$BIN/results_are_natural"
    done
done
finish
