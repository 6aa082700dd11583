//! The texts of the help that clap does not make.

// Lines as they are printed: clap joins those of a comment.
pub(super) const LONG_ABOUT: &str = "\
Runs a program with its system calls served in user space

Every system call of the program, from its first instruction on, and of every
program that it starts, goes to a hook in its own process: to count, trace,
change, answer or refuse it. No root, no ptrace, no recompilation.";

pub(super) const EXAMPLES: &str = "\
Examples:
  usertrap ls -l                      run ls; its hook is USERTRAP_TOOL, if set
  usertrap stat make -j2              count the calls of make and its children
  usertrap stat -o calls.json --json -- ./server --port 80
                                      the report as JSON, to a file
  usertrap trace -e openat,read make  show those calls, as strace does
  usertrap inject -e read:error=EIO:when=3 ./app
                                      the third read fails
  usertrap policy rules.txt ./app     denies calls by a file of rules
  usertrap sites ./app                which places of calls can be rewritten
  usertrap --hook ./hook.so:x=1 ./app with a hook of your own
  usertrap -E LANG=C -E DISPLAY ./app
                                      with LANG set and without DISPLAY
  usertrap --trap-only ./app          change no code: every call takes the trap
  usertrap -- stat /etc/passwd        the program stat, not the subcommand

Options end at the first word that is none; the rest is the program's.
man usertrap says more.";

pub(super) const STAT_EXAMPLES: &str = "\
Examples:
  usertrap stat ls -l                 the report goes to stderr, at the end
  usertrap stat --time -o report.txt make
                                      with the time in each call, to a file
  usertrap stat --html calls.html make -j2
                                      a page for a browser
  usertrap stat --json -- sh -c 'ls | wc -l'";

pub(super) const TRACE_EXAMPLES: &str = "\
Examples:
  usertrap trace ls -l                every call, on stderr
  usertrap trace -o trace.txt -ttt -T make
                                      to a file, with times
  usertrap trace -s 200 -e read,write -- sh -c 'ls | wc -l'
  usertrap trace -e trace=!futex ./app
  usertrap trace --format=perfetto -o trace.json make
                                      to be opened in ui.perfetto.dev";

pub(super) const INJECT_EXAMPLES: &str = "\
Examples:
  usertrap inject -e openat:error=ENOENT:when=3+ ./app
                                      from the third on, each fails
  usertrap inject -e read:delay_enter=10ms -e write:error=ENOSPC:when=5 ./app
  usertrap inject -e %network:error=EINTR:chance=1% --seed 42 ./server
                                      one of a hundred, the same again";

pub(super) const SITES_EXAMPLES: &str = "\
Examples:
  usertrap sites /bin/ls /lib/x86_64-linux-gnu/libc.so.6
  usertrap sites --pid 4711           each executable mapping of a process
  usertrap sites --vet ./app          is every call known to be one?
  usertrap sites --json ./app         docs/sites-json.md says what it means";

pub(super) const POLICY_EXAMPLES: &str = "\
Examples:
  usertrap policy rules.txt ./app
  usertrap policy --explain rules.txt -- sh -c 'ls | wc -l'
where rules.txt has lines such as
  default allow
  allow socket if low0 == 1           # the first rule that matches counts
  deny EACCES socket,connect
  kill ptrace
  log kill if low0 != 0 & low1 == 9";
