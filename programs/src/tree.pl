# Processes of perl: system, backticks, open with pipes, fork, exec, wait, open2 and open3, signals.
use strict;
use warnings;
use IPC::Open2;
use IPC::Open3;
use POSIX ":sys_wait_h";
use Socket;
use Symbol 'gensym';
$| = 1;

sub ended { my $status = shift; return $status & 127 ? "signal " . ($status & 127) : "status " . ($status >> 8) }

print "system ", ended(system("echo by the shell; exit 3")), "\n";
print "system ", ended(system("sh", "-c", 'kill -KILL $$')), "\n";
{ no warnings; print "system ", system("/nonexistent/program"), " ", $! + 0, "\n"; }
{ no warnings; print "system ", system({ "/bin/sh" } "renamed", "-c", 'echo "$0"'), "\n"; }
print "backticks ", scalar(`seq 5 | tr '\\n' ' '`), "\n";
my @lines = `seq 300`;
print "lines ", scalar(@lines), " ", ended($?), "\n";
print qx(env -i A=b /usr/bin/env | grep A=);

open(my $from, "-|", "seq", "1000") or die;
my $sum = 0;
$sum += $_ while <$from>;
close $from;
print "from a pipe $sum ", ended($?), "\n";
open(my $to, "|-", "sort -n | tail -n 1; exit 4") or die;
print $to "$_\n" for reverse 1 .. 500;
close $to;
print "to a pipe ", ended($?), "\n";
my $child = open(my $self, "-|") // die;
unless ($child) { print "from my own child\n"; exit 5; }
print <$self>;
close $self;
print "own child ", ended($?), "\n";

my $pid = open2(my $out, my $in, "tr", "a-z", "A-Z");
print $in "both ways\n";
close $in;
print <$out>;
waitpid $pid, 0;
my $errors = gensym;
$pid = open3(my $in3, my $out3, $errors, "sh", "-c", 'echo out; echo err >&2; exit 6');
close $in3;
print "open3 ", <$out3>, <$errors>;
waitpid $pid, 0;
print "open3 ", ended($?), "\n";

my %ends;
$SIG{CHLD} = sub { while ((my $pid = waitpid(-1, WNOHANG)) > 0) { $ends{$?}++ } };
for my $status (1 .. 30) {
    defined(my $pid = fork) or die;
    next if $pid;
    exec "/bin/sh", "-c", "exit " . $status % 5 if $status % 2;
    POSIX::_exit($status % 5);
}
select undef, undef, undef, 0.01 while eval { my $n = 0; $n += $_ for values %ends; $n < 30 };
$SIG{CHLD} = "DEFAULT";
print "children: ", join(", ", map { ended($_) . " x $ends{$_}" } sort { $a <=> $b } keys %ends), "\n";

socketpair(my $here, my $there, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die;
unless (fork) {
    close $here;
    open(STDIN, "<&", $there); open(STDOUT, ">&", $there);
    exec "cat" or die;
}
close $there;
print $here "through a socket pair\n";
$here->flush;
shutdown($here, 1);
print <$here>;
wait;
$pid = fork // die;
unless ($pid) { $SIG{TERM} = sub { print "caught\n"; exit 8 }; kill TERM => $$; sleep 5; exit 1 }
waitpid $pid, 0;
print "signal ", ended($?), "\n";
print "interpreter ", `$^X -e 'print \$0, " ", scalar \@ARGV' a b`, "\n";
exec $^X, "-e", 'print "executed $ARGV[0]\n"; exit 9', "itself";
