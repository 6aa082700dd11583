# Child processes of java, by jspawnhelper and by vfork; javac, which compiles the program.
# coverage: 99.5 99.6
# needs: java javac
# modes: rewrite command
# user: root
# processes: 60
under javac -J-Xshare:auto -d . "$SRC/Children.java"
for mechanism in POSIX_SPAWN VFORK; do
    status=0
    under java -Xshare:auto -Xmx256m -Djdk.lang.Process.launchMechanism=$mechanism -cp . Children || status=$?
    echo "status $status"
done
