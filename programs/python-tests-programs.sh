# Python's own tests of the programs that it starts: subprocess, asyncio, interrupted calls.
# needs: /usr/bin/python3
# user: root
# modes: rewrite command
# timeout: 180
# measure: no
# processes: 400
under /usr/bin/python3 -B "$SRC/python_tests.py" programs
