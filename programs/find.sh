# Every name, size, mode and link target of a tree.
# modes: rewrite trap
under find "$TREE" -printf '%p %s %m %l %T@\n' >found
sort found
