# A long listing of a tree, with names of users and groups looked up.
# modes: rewrite trap
under ls -lR "$TREE"
