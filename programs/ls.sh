# A long listing of a tree, with names of users and groups looked up.
# coverage: 99.5 99.8
# modes: rewrite trap
under ls -lR "$TREE"
