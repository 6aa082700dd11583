# Processes of python3: multiprocessing (fork, spawn, forkserver), concurrent.futures, subprocess, asyncio, exec from a thread.
# coverage: 99.5 99.8
# needs: /usr/bin/python3
# modes: rewrite trap command guest
# processes: 80
# trace: 12
status=0
under /usr/bin/python3 "$SRC/children.py" || status=$?
echo "status $status"
