# Many short processes, and many calls in one.
for i in {1..400}; do /bin/true; done
seq 300 | xargs -P2 -n1 /bin/echo | sort -n | tail -1
dd if=/dev/zero of=/dev/null bs=1 count=250000 2>/dev/null && echo copied
