# Signals of perl: safe handlers, sigsuspend, masks of POSIX, alarms in sleeps and reads, die out of a handler, children.
use strict; use warnings;
use POSIX qw(:signal_h :sys_wait_h);
use Time::HiRes qw(ualarm usleep alarm);
$| = 1;

my %seen;
$SIG{$_} = sub { $seen{$_[0]}++ } for qw(USR1 USR2 HUP TERM);
for (1 .. 500) { kill $_, $$ for qw(USR1 USR2 HUP TERM) }
print join(' ', map { "$_ $seen{$_}" } sort keys %seen), "\n";

# Out of a handler by die, again and again: nothing stays blocked, nothing piles up.
my $caught = 0;
for (1 .. 300) {
    eval { local $SIG{ALRM} = sub { die "timeout\n" }; kill 'ALRM', $$; 1 } or $caught++;
}
print "died out of $caught handlers\n";
my $slow = 0;
for (1 .. 5) {
    eval { local $SIG{ALRM} = sub { die "timeout\n" }; ualarm 20_000; select undef, undef, undef, 20; 1 } or $slow++;
}
print "interrupted sleeps: $slow\n";
pipe my $in, my $out;
my $got = eval { local $SIG{ALRM} = sub { die "timeout\n" }; ualarm 20_000; sysread $in, my $byte, 1; 1 } ? 'read' : 'timed out';
print "a read: $got\n";

# Immediate handlers, by sigaction without SA_RESTART, and masks.
my $immediate = 0;
sigaction SIGUSR1, POSIX::SigAction->new(sub { $immediate++ }, POSIX::SigSet->new(SIGUSR2), 0);
my $mask = POSIX::SigSet->new(SIGUSR1);
my $old = POSIX::SigSet->new;
for (1 .. 200) {
    sigprocmask SIG_BLOCK, $mask, $old;
    kill 'USR1', $$;
    my $pending = POSIX::SigSet->new;
    sigpending $pending;
    print "not pending\n" unless $pending->ismember(SIGUSR1);
    print "too early\n" if $immediate >= $_;
    if ($_ % 2) { sigsuspend $old } else { sigprocmask SIG_SETMASK, $old }
    sigprocmask SIG_SETMASK, $old;
}
print "immediate: $immediate\n";

# Children are reaped in a handler.
my ($reaped, %status) = 0;
$SIG{CHLD} = sub { while ((my $pid = waitpid -1, WNOHANG) > 0) { $reaped++; $status{$? >> 8}++ } };
for my $n (1 .. 60) { my $pid = fork // die; exit $n % 4 unless $pid }
usleep 5_000 while $reaped < 60;
print "reaped $reaped: ", join(' ', map { "$_ $status{$_}" } sort keys %status), "\n";
$SIG{CHLD} = 'DEFAULT';
my @ends = map { my $signal = $_; my $pid = fork // die; unless ($pid) { $SIG{$signal} = 'DEFAULT'; kill $signal, $$; sleep 30 } waitpid $pid, 0; $? & 127 } qw(TERM KILL USR1 INT SEGV);
print "ends: @ends\n";
# A storm from a child, against reads and writes of its parent.
my $storm = 0;
$SIG{USR2} = sub { $storm++ };
my $parent = $$;
my $pid = fork // die;
unless ($pid) { close $in; $SIG{USR2} = 'DEFAULT'; for (1 .. 300) { kill 'USR2', $parent; syswrite $out, "x" x 1000 } exit 0 }
close $out;
my $bytes = 0;
while (1) { my $n = sysread $in, my $text, 700; next if !defined $n && $!{EINTR}; last unless $n; $bytes += $n }
waitpid $pid, 0;
print "in a storm: $bytes bytes, ", $storm > 0 ? "signals came\n" : "no signal\n";
exit 5;
