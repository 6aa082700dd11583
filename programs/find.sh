# Every name, size, mode and link target of a tree.
# coverage: 99.5 99.8
# modes: rewrite trap
under find "$TREE" -printf '%p %s %m %l %T@\n' >found
sort found
