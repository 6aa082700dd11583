#!/usr/bin/env bash
# Shows that C++ exceptions thrown out of handlers (of faults, of signals that end or interrupt a
# call, on the alternate stack) leave nothing behind: 100,000 times, memory stays, calls still work.
# timeout: 300
# shellcheck disable=SC1091,SC2034
. "$C_TESTS/helpers/common.sh"
command -v "${CXX:-c++}" >/dev/null || { echo "skipped: no C++ compiler"; exit 77; }
"${CXX:-c++}" -O2 -std=gnu++14 -pthread -fnon-call-exceptions -fasynchronous-unwind-tables \
    "$C_TESTS/helpers/exceptions.cc" -o ./exceptions || exit 1
./exceptions 1000 || exit 1
same ./exceptions 10000
modes=rewrite
same ./exceptions 100000
finish
