# A threaded Java program.
# needs: java javac
status=0
under java -Xshare:auto -Xmx256m -cp "$BUILT" Threads || status=$?
echo "status $status"
