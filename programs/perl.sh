# Processes of perl: system, backticks, pipes to and from children, open3, SIGCHLD, exec; prove, which runs tests in parallel.
# coverage: 99.5 99.8
# needs: perl prove
# modes: rewrite trap command
# processes: 50
status=0
under perl "$SRC/tree.pl" || status=$?
echo "status $status"
mkdir t
for n in 1 2 3 4 5 6; do echo "print qq(1..2\nok 1\n), system('true') ? 'not ' : '', qq(ok 2\n);" >"t/$n.t"; done
under prove -j2 t >prove.log
grep -v '^Files=' prove.log | sort
