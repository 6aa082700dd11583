# Processes of python3: multiprocessing (fork, spawn, forkserver), concurrent.futures, subprocess, asyncio, exec from a thread.
# needs: /usr/bin/python3
# modes: rewrite trap command
# processes: 80
status=0
under /usr/bin/python3 "$SRC/children.py" || status=$?
echo "status $status"
