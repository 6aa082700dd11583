#!/usr/bin/env bash
# user: root
# Shows that programs run as natively in a chroot that has no /proc, no /dev, and only the files
# that they need themselves.
# shellcheck disable=SC1091,SC2034
. "$C_TESTS/helpers/common.sh"
[ "$(id -u)" = 0 ] && chroot / true 2>/dev/null || { echo "skipped: chroot wants root"; exit 77; }
mkdir -p tree/tmp tree/test
chmod 1777 tree/tmp
take() { # take FILE: it and the libraries it needs
    local library
    for library in $(ldd "$1" | grep -o '/[^ ]*'); do
        mkdir -p "tree${library%/*}"
        cp -L "$library" "tree$library"
    done
}
env=$(command -v env)
take "$env"
cp -L "$env" tree/env
cp "$LIB" tree/libusertrap.so
LIB=/libusertrap.so
prefix=(chroot tree)
for test in results_are_natural registers_survive_call clone_vm_process race_cold_site_pages jit_replaced_in_place \
    jit_hot_site_restored fork_in_threads dlopen_again site_number_in_register false_pattern_left_intact handler_context; do
    [ -x "$BIN/$test" ] || continue
    take "$BIN/$test"
    cp "$BIN/$test" tree/test/
    PATH=/:$PATH same "/test/$test"
done
finish
