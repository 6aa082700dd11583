# Shows that where no filter can be set there is one clear line, and the untouched program
# (USERTRAP_UNFIT=run, the default) or a refusal to start (USERTRAP_UNFIT=refuse).
. "$C_TESTS/helpers/common.sh"
helper outer_filter
./outer_filter harmless true || { echo "skipped: no seccomp filter here"; exit 77; }
prefix=(./outer_filter no_seccomp)
run native "$BIN/results_are_natural"
[ "$status" = 0 ] || fail "status $status natively"
prefix=(env "LD_PRELOAD=" ./outer_filter no_seccomp env "LD_PRELOAD=$LIB" USERTRAP_UNFIT=run)
run native "$BIN/results_are_natural"
[ "$status" = 0 ] || fail "UNFIT=run: status $status"
[ "$(wc -l <native.err)" = 1 ] && grep -q usertrap native.err || fail "UNFIT=run: not one line: $(head -3 native.err)"
prefix=(env "LD_PRELOAD=" ./outer_filter no_seccomp env "LD_PRELOAD=$LIB" USERTRAP_UNFIT=refuse)
run native "$BIN/results_are_natural"
[ "$status" != 0 ] && [ "$status" -lt 126 ] || fail "UNFIT=refuse: status $status"
[ ! -s native.out ] || fail "UNFIT=refuse: the program ran"
[ "$(wc -l <native.err)" = 1 ] && grep -q usertrap native.err || fail "UNFIT=refuse: not one line: $(head -3 native.err)"
finish
