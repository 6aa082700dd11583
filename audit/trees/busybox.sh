# needs: busybox
# A static shell whose applets are itself by /proc/self/exe.
busybox sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do busybox echo $i | busybox sed "s/1/one/" | busybox cat; done; busybox ls / >/dev/null'
busybox find /usr/share/doc -maxdepth 1 | busybox sort | busybox md5sum >/dev/null
busybox sh -c 'exit 9' || echo "status $?"
busybox tar cf - /etc/passwd 2>/dev/null | busybox gzip | busybox gunzip | busybox tar tf -
