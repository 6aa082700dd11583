# A tree into an archive and out of it again.
# coverage: 99.5 99.8
# modes: rewrite trap
under tar --sort=name -cf tree.tar -C "$TREE" .
under tar -df tree.tar -C "$TREE"
mkdir out
TIME=/dev/null under tar -xf tree.tar -C out # its time is the disk's
diff -r "$TREE" out
sha256sum <tree.tar
