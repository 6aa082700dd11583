# Python's own tests of its threads.
# needs: /usr/bin/python3
# user: root
# timeout: 180
# measure: no
# modes: rewrite guest
under /usr/bin/python3 -B "$SRC/python_tests.py" threads
