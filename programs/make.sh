# make -j2 of a C project of 48 files, written here: a generator of code, archives by makes of their own, a shared object.
# coverage: 99.5 99.8
# needs: make cc ar /usr/bin/python3
# user: root
# modes: rewrite command guest
# timeout: 120
# processes: 150
/usr/bin/python3 "$SRC/project.py" project 48
cd project
under make -j2 >log 2>&1 || { cat log >&2; exit 1; }
sort log | md5sum
./program
find . -name '*.o' -o -name '*.a' -o -name program -o -name '*.so' | sort | xargs md5sum
TIME=/dev/null under make -j2 | sort
touch text/text_3.c
echo 'syntax error' >>trees/trees_5.c
status=0
TIME=/dev/null under make -j2 -k >log 2>&1 || status=$?
grep -c '^cc .* -c' log
echo "status $status"
