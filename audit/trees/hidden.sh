# Calls that are hidden in code which appears, changes and moves: what `USERTRAP_ARM=vetted` must see coming.
"$BUILT/hidden"
