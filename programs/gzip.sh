# An archive compressed, tested and uncompressed.
# coverage: 99.5 99.8
tar --sort=name -cf tree.tar -C "$TREE" .
sum=$(sha256sum <tree.tar)
under gzip -n -9 tree.tar
sha256sum <tree.tar.gz
under gzip -t tree.tar.gz
under gzip -d tree.tar.gz
[ "$sum" = "$(sha256sum <tree.tar)" ]
