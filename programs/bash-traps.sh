# Traps of bash: signals in loops, functions, waits, subshells and substitutions.
# modes: rewrite trap command
# processes: 200
status=0
under bash "$SRC/traps.bash" 2>errors || status=$?
sed 's/^.*line [0-9]*: //' errors | sort
echo "status $status"
