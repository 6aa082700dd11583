#!/usr/bin/env bash
# Shows that under limits of descriptors as many can be opened as natively, and programs executed; where the
# hard limit leaves us room, or we may raise it (see README).
# shellcheck disable=SC1091,SC2034
. "$C_TESTS/helpers/common.sh"
helper fill_descriptors
as_nobody=()
[ "$(id -u)" != 0 ] || as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all)
chmod 755 .
limits=('64 128' '256 4096' '4096 20000')
(ulimit -n 64 && ulimit -n 67) 2>/dev/null && limits+=('64 64')
for pair in "${limits[@]}"; do
    read -r soft hard <<<"$pair"
    [ "$(ulimit -Hn)" = unlimited ] || [ "$hard" -le "$(ulimit -Hn)" ] || continue
    prefix=(bash -c 'ulimit -Sn $1 && ulimit -Hn $2 && shift 2 && exec "$@"' - "$soft" "$hard")
    [ "$soft" = "$hard" ] || prefix+=("${as_nobody[@]}")
    for way in open dup dupfd; do
        modes="trap rewrite" same ./fill_descriptors $way exec
    done
done
finish
