# Traps of bash: signals in loops, functions, waits, subshells and substitutions.
# coverage: 99.5 99.8
# modes: rewrite trap command guest
# processes: 200
status=0
under bash "$SRC/traps.bash" 2>errors || status=$?
sed 's/^.*line [0-9]*: //' errors | sort
echo "status $status"
