#!/usr/bin/env bash
# Shows that each path takes as many instructions as it is to, from the site's first one to behind it, counted by stepping:
# exactly, or, where what is in use of the CPU's vector state decides, within bounds. A path that is to become
# longer or shorter changes its line here.
# shellcheck disable=SC1091,SC2034
. "$C_TESTS/helpers/common.sh"
top=$C_TESTS/..
"${CC:-cc}" -O2 "$top/bench/path_length.c" -o path-length || exit 1
for source in "$top"/bench/answer*.c "$top"/examples/c/empty*.c; do
    name=${source##*/}
    "${CC:-cc}" -O2 -shared -fPIC -I"$top/include" "$source" -o "${name%.c}.so" || exit 1
done
"${CC:-cc}" -O2 -shared -fPIC -DFLAGS=USERTRAP_NO_TLS "$top/bench/answer_pointer.c" -o answer_no_tls.so || exit 1
./path-length >/dev/null || { echo "skipped: nothing can be stepped here"; exit 77; }

# takes COUNT|LEAST-MOST PATH SITE [OBJECT] SETTING...
takes() {
    local wanted=$1 path=$2 site=$3 object=$LIB count least=()
    shift 3
    [[ $wanted != *-* ]] || least=(--least)
    [[ ${1-} != /*.so ]] || { object=$1; shift; }
    count=$(./path-length "${least[@]}" --site "$site" LD_PRELOAD="$object" USERTRAP_UNFIT=refuse "$@") || { fail "$path: not counted"; return; }
    if [ "$count" -lt "${wanted%-*}" ] || [ "$count" -gt "${wanted#*-}" ]; then
        fail "$path, $site: $count instructions, $wanted were wanted"
    fi
}

for arm in seccomp sud; do
    for table in 0x050f0000 0x40060000; do
        takes 8 "passed, $arm, table $table" inline USERTRAP_ARM=$arm USERTRAP_TABLE=$table
    done
    takes 8 "passed, $arm" unknown USERTRAP_ARM=$arm
    takes 24 "passed, $arm" libc USERTRAP_ARM=$arm # natively 12
    takes 8 "a number that no hook wants, $arm" unwanted USERTRAP_ARM=$arm USERTRAP_HOOK="$PWD/answer.so"
    takes 94 "an empty hook, $arm" inline "$EXAMPLES/libhook_pass.so" USERTRAP_ARM=$arm
done
takes 94 "an empty hook" unknown "$EXAMPLES/libhook_pass.so"
takes 109 "an empty hook" libc "$EXAMPLES/libhook_pass.so"
takes 125 "answered" inline "$EXAMPLES/libhook_answer_sse.so"
takes 125 "answered" unknown "$EXAMPLES/libhook_answer_sse.so"
takes 140 "answered" libc "$EXAMPLES/libhook_answer_sse.so"
takes 93 "answered, no vectors kept" inline "$EXAMPLES/libhook_answer_scalar.so"
takes 250-310 "answered, by any vector code" inline "$EXAMPLES/libhook_answer.so"
takes 15 "known" inline USERTRAP_ANSWER=identity
takes 199 "stat" inline USERTRAP_TOOL=stat USERTRAP_OUT=/dev/null
takes 199 "stat" unwanted USERTRAP_TOOL=stat USERTRAP_OUT=/dev/null
takes 214 "stat" libc USERTRAP_TOOL=stat USERTRAP_OUT=/dev/null
takes 201 "an empty hook in C" inline USERTRAP_HOOK="$PWD/empty.so"
takes 201 "an empty hook in C, no vectors" inline USERTRAP_HOOK="$PWD/empty_no_vectors.so"
takes 184 "answered in C, its footprint known" inline USERTRAP_HOOK="$PWD/answer.so"
takes 250-310 "answered in C, with AVX2" inline USERTRAP_HOOK="$PWD/answer_vectors.so"
takes 330-390 "answered in C, no footprint, no TLS" inline USERTRAP_HOOK="$PWD/answer_no_tls.so"
takes 330-420 "answered in C, no footprint" inline USERTRAP_HOOK="$PWD/answer_pointer.so"
finish
