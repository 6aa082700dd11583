# Signals of perl: safe and immediate handlers, masks, alarms, die out of handlers, children reaped in one.
# needs: perl
# modes: rewrite trap guest
# processes: 60
status=0
under perl "$SRC/signals.pl" || status=$?
echo "status $status"
