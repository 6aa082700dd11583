# find and xargs that start programs: -exec with ; and +, -execdir, -ok, xargs -P2, -n, -I, -0.
# modes: rewrite command
# processes: 250
under find "$TREE/01" -type f -exec md5sum {} + | sort | md5sum
under find "$TREE/02" -name '*-aa?' -exec sh -c 'wc -l <"$1"' sh {} \; | sort | uniq -c
under find "$TREE/03" -name '*-ab[a-h]' -execdir wc -c {} + | grep -v total | sort
under find "$TREE/04" -name '*-aba' -exec false {} \; -o -name '*-abb' -print
status=0
under find "$TREE/05" -name '*-ab?' -exec sh -c 'exit 3' {} + || status=$?
echo "status $status"
under find "$TREE" -type f -print0 >list
under xargs -0 -P2 -n 40 cksum <list | sort -k 3 | md5sum
head -z -n 100 list | under xargs -0 -P2 -I{} sh -c 'echo "${1##*/}"' sh {} | sort | md5sum
status=0
seq 10 | under xargs -n 1 sh -c 'exit $(($1 == 5 ? 255 : 0))' sh 2>/dev/null || status=$?
echo "status $status"
seq 10 | under xargs -n 1 -P2 sh -c 'exit $(($1 % 2))' sh || echo "status $?"
under xargs nonexistent </dev/null 2>/dev/null || echo "status $?"
under xargs -a list -0 -s 100000 echo | wc -l
