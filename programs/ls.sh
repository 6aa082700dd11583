# A long listing of a tree, with names of users and groups looked up.
# coverage: 99 99.5
# modes: rewrite trap
under ls -lR "$TREE"
