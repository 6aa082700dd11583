# needs: perl
# perl: system, backticks, open of a pipe, fork and exec, a signal handler.
perl -e '
    $| = 1;
    print `echo back`; system("exit 3"); print $? >> 8, "\n";
    open(my $pipe, "-|", "seq", "5"); print while <$pipe>; close $pipe;
    $SIG{USR1} = sub { print "caught\n" };
    for my $i (1 .. 20) { my $pid = fork; if (!$pid) { exec "true" if $i % 2; kill USR1 => getppid if $i == 20; exit $i } waitpid $pid, 0; $sum += $? >> 8 }
    print "$sum\n"; kill 9, $$;' || echo "status $?"
