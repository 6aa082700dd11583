# Python's own tests of its handler of faults, in children that crash, and those of signals that take time.
# needs: /usr/bin/python3
# user: root
# timeout: 180
# measure: no
# processes: 40
under /usr/bin/python3 -B "$SRC/python_tests.py" signals
