use super::*;
use crate::tools::trace::clock::Pair;
use crate::tools::trace::ring::Who;
use std::cell::RefCell;

const CLOCK: Clock = Clock {
    start: Pair { ticks: 0, ns: 0 },
    now: Pair { ticks: 1, ns: 1 },
};

fn written(records: &[(Kind, u32, u32, i64, &str)], ended: Option<(u32, i32)>) -> String {
    let out = RefCell::new(Vec::new());
    let sink = |bytes: &[u8]| out.borrow_mut().extend_from_slice(bytes);
    let mut lines = Box::new(Lines::new());
    for &(kind, tid, number, result, text) in records {
        let record = Record {
            kind,
            number,
            who: Who {
                tid,
                pid: tid / 10 * 10,
            },
            time: 0,
            since: 0,
            result,
            base: Base::default(),
        };
        lines.record(&record, &CLOCK, text.as_bytes(), &sink);
    }
    lines.finish(ended, 0, &CLOCK, &sink);
    drop(lines);
    String::from_utf8(out.into_inner()).unwrap()
}

#[test]
fn a_call_is_a_line_with_its_result_in_a_column() {
    let text = written(
        &[
            (Kind::Begin, 10, 0, 0, ""),
            (Kind::Enter, 10, 39, 0, ""),
            (Kind::Exit, 10, 39, 10, ""),
            (Kind::Enter, 10, 0, 0, "3, "),
            (Kind::Exit, 10, 0, -11, "0x7ffc00000000, 100"),
            (Kind::Enter, 10, 72, 0, "3, F_GETFD"),
            (Kind::Exit, 10, 72, 1, "\u{1} (flags FD_CLOEXEC)"),
            (Kind::Enter, 10, 500, 0, "0x1, 0"),
            (Kind::Exit, 10, 500, -4000, ""),
            (Kind::Last, 10, 231, 256 + 3, "259"),
        ],
        None,
    );
    assert_eq!(
        text,
        "getpid()                          = 10\n\
         read(3, 0x7ffc00000000, 100)      = -1 EAGAIN (Resource temporarily unavailable)\n\
         fcntl(3, F_GETFD)                 = 1 (flags FD_CLOEXEC)\n\
         syscall_0x1f4(0x1, 0)             = -1 (errno 4000)\n\
         exit_group(259)                   = ?\n\
         +++ exited with 3 +++\n"
    );
}

#[test]
fn a_signal_has_a_line_of_its_own() {
    let text = written(
        &[
            (Kind::Begin, 10, 0, 0, ""),
            (Kind::Begin, 11, 0, 0, ""),
            (Kind::Enter, 10, 34, 0, ""),
            (Kind::Restart, 10, 34, -4, ""),
            (Kind::Enter, 11, 39, 0, ""),
            (Kind::Signal, 10, 17, 0, "{si_signo=SIGCHLD, si_code=CLD_EXITED}"),
            (Kind::Exit, 11, 39, 10, ""),
            (Kind::End, 10, 231, 0, ""),
        ],
        None,
    );
    let wanted = [
        "[pid    10] pause()                          = ? ERESTARTSYS (To be restarted if SA_RESTART is set)",
        "[pid    11] getpid( <unfinished ...>",
        "[pid    10] --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED} ---",
        "[pid    11] <... getpid resumed>)                        = 10",
        "[pid    11] +++ exited with 0 +++",
        "+++ exited with 0 +++",
    ];
    for (line, wanted) in text.lines().zip(wanted) {
        assert_eq!(
            line.split_whitespace().collect::<Vec<_>>(),
            wanted.split_whitespace().collect::<Vec<_>>()
        );
    }
    assert_eq!(text.lines().count(), wanted.len());
}

#[test]
fn lines_are_broken_off_and_resumed_where_there_are_two_threads() {
    let text = written(
        &[
            (Kind::Begin, 10, 0, 0, ""),
            (Kind::Enter, 10, 56, 0, "flags"),
            (Kind::Begin, 11, 0, 0, ""),
            (Kind::Exit, 10, 56, 11, ""),
            (Kind::Enter, 10, 0, 0, "3, "),
            (Kind::Enter, 11, 39, 0, ""),
            (Kind::Exit, 11, 39, 10, ""),
            (Kind::Exit, 10, 0, 1, "\"a\", 1"),
            (Kind::Last, 11, 60, 0, "0"),
            (Kind::End, 10, 231, 1, ""),
        ],
        None,
    );
    let wanted = [
        "clone(flags)                      = 11",
        "[pid    10] read(3,  <unfinished ...>",
        "[pid    11] getpid()                          = 10",
        "[pid    10] <... read resumed>\"a\", 1)         = 1",
        "[pid    11] exit(0)                           = ?",
        "[pid    11] +++ exited with 0 +++",
        "+++ exited with 1 +++",
        "",
    ];
    assert_eq!(text.split('\n').collect::<Vec<_>>(), wanted);
}

#[test]
fn who_says_nothing_was_killed() {
    let text = written(
        &[
            (Kind::Begin, 10, 0, 0, ""),
            (Kind::Begin, 20, 0, 0, ""),
            (Kind::Enter, 20, 34, 0, ""),
            (Kind::Enter, 10, 61, 0, "-1, "),
            (
                Kind::Exit,
                10,
                61,
                20,
                "[{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV && WCOREDUMP(s)}], 0, NULL",
            ),
            (Kind::Enter, 10, 34, 0, ""),
        ],
        Some((10, 9)),
    );
    let wanted = [
        "[pid    20] pause( <unfinished ...>",
        "[pid    10] wait4(-1,  <unfinished ...>",
        "[pid    20] +++ killed by SIGSEGV (core dumped) +++",
        "<... wait4 resumed>[{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV && WCOREDUMP(s)}], 0, NULL) = 20",
        "pause( <unfinished ...>",
        "+++ killed by SIGKILL +++",
        "",
    ];
    assert_eq!(text.split('\n').collect::<Vec<_>>(), wanted);
}
