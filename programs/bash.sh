# A long bash script: pipelines, substitutions, here-documents, subshells, statuses, traps, jobs, descriptors.
# coverage: 99.5 99.8
# modes: rewrite trap command guest
# processes: 300
cp "$SRC/long.bash" . && chmod +x long.bash
under ./long.bash
status=0
under bash -c 'echo "$0 $1: $(seq 10 | paste -sd+)"; kill -TERM $$' name argument || status=$?
echo "status $status"
