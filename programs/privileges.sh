# Programs that gain or drop privileges. Under no_new_privs, which the filter needs, set-uid bits and file capabilities do
# nothing; so the native run is made under no_new_privs as well, and all the rest must be the same.
# needs: setpriv su sudo passwd newgrp mount
# modes: rewrite command
# processes: 15
cat >inside <<'SH'
ids() { awk '/^(Uid|Gid|Groups|CapEff|CapPrm|NoNewPrivs)/ { print }' /proc/self/status; }
echo "before:"; ids
for program in su sudo passwd newgrp mount umount chfn; do
    path=$(command -v $program) && [ -u "$path" ] && echo "$program is set-uid"
done
su -s /bin/sh -c 'id -un; exit 3' nobody </dev/null 2>&1 | grep -v '^Password: *$'
sudo -n -u nobody id -un 2>&1 | head -n 1; echo "sudo"
passwd -S 2>&1 | cut -d' ' -f1; echo "passwd"
setpriv --reuid 1234 --regid 1234 --clear-groups sh -c 'id -u; id -g; exit 4' 2>&1; echo "setpriv $?"
setpriv --bounding-set=-all --inh-caps=-all true 2>&1; echo "capabilities $?"
chroot / id -u 2>/dev/null; echo "chroot $?"
if [ "$(id -u)" = 0 ]; then
    cp /usr/bin/id set-uid && chown 1234:1234 set-uid && chmod 6755 set-uid
    ./set-uid
    cp /bin/cat capable && chmod 755 capable && setcap cap_dac_override+ep capable && chmod 600 inside
    setpriv --reuid 1234 --regid 1234 --clear-groups sh -c './capable inside 2>/dev/null | wc -l' # without what setpriv still had
    setpriv --reuid 1234 --regid 1234 --clear-groups ./set-uid
    install -m 711 /bin/echo unreadable
    ./unreadable root reads and runs it
    setpriv --reuid 1234 --regid 1234 --clear-groups --ambient-caps -all sh -c 'id -u; cat inside 2>/dev/null; echo $?'
fi
SH
command -v setcap >/dev/null || sed -i 's/ && setcap cap_dac_override+ep capable//' inside
under setpriv --no-new-privs sh inside
