# Python's own tests of its os.
# needs: /usr/bin/python3
# timeout: 180
# measure: no
under /usr/bin/python3 -B "$SRC/python_tests.py" os
