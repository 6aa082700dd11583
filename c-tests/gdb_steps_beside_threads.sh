#!/usr/bin/env bash
# Shows that gdb steps one thread over rewritten sites, by `stepi` through all of ours and by `next`, while another makes
# calls in a loop, at the same site and others: with scheduler-locking off, step and on. Threads have their names, both
# go on to correct results.
# timeout: 300
# shellcheck disable=SC1091
. "$C_TESTS/helpers/gdb.sh"
built gdb_threads

# shellcheck disable=SC2034
only='^(stepped|sum|[345][0-9][[:space:]]    |\[Inferior)'
for locking in off step on; do
    alike "scheduler-locking $locking" ./gdb_threads "source $C_TESTS/helpers/gdb_step_site.py" 'tbreak steps' run \
        "set scheduler-locking $locking" 'tbreak *&own_begin thread 1' continue step-site next next next \
        'tbreak *&own_begin thread 1' continue step-site finish next 'print wrong' 'set scheduler-locking off' continue
    for mode in native rewrite trap fallback; do
        grep -q '^sum 8, wrong 0' $mode.session || fail "scheduler-locking $locking [$mode]: $(tail -3 $mode.session)"
    done
done
# The other one, before main goes on.
alike "the other thread" ./gdb_threads "source $C_TESTS/helpers/gdb_step_site.py" 'tbreak steps' run 'thread 2' \
    'set scheduler-locking on' 'tbreak *&own_begin thread 2' continue step-site 'set scheduler-locking off' delete continue
finish
