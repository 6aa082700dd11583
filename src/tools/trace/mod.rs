//! The trace tool: every call as strace shows it.
//!
//! The thread that makes a call decodes it, and puts the text into a ring in
//! memory that the tree shares: a record when the call is made, with what can be
//! told by then, and one when there is a result. Another process, the follower,
//! takes the records of all rings in the order of their times, and writes the
//! lines. So what is in the rings is not lost however a process ends, and a
//! thread whose ring is full waits.
//!
//! | module | what it does |
//! |---|---|
//! | [`table`] | name and arguments of each call: data |
//! | [`classes`] | which calls a class has: data |
//! | [`names`] | names of constants and errors: data |
//! | [`args`] | the kinds of arguments |
//! | [`decode`] | arguments to text |
//! | [`text`] | text in a ring |
//! | [`ring`] | records in a thread's words |
//! | [`merge`] | records of all threads in the order of time |
//! | [`lines`] | records to lines |
//! | [`clock`] | time stamps to times |
//! | [`live`] | which threads there are |
//! | [`options`] | what is shown |

mod args;
mod classes;
mod clock;
mod decode;
mod lines;
mod live;
mod merge;
mod names;
pub(crate) mod options;
mod ring;
mod table;
mod text;

use core::fmt;

use crate::hook::follow::Follow;
use crate::hook::{Call, Hook, Interest, Outcome, Report, TreeWords, VectorUse, Verdict, follow};
use crate::kernel;
use crate::tools::clock::ticks;
use ring::{Base, Kind, Record, Ring, Who};

/// The hook that traces.
#[derive(Debug)]
pub struct Trace;

const RT_SIGRETURN: u32 = libc::SYS_rt_sigreturn as u32;
const EXIT: u32 = libc::SYS_exit as u32;
const EXIT_GROUP: u32 = libc::SYS_exit_group as u32;
const EXECVE: u32 = libc::SYS_execve as u32;
const EXECVEAT: u32 = libc::SYS_execveat as u32;

/// Calls that return twice.
const MAKING: [i64; 4] = [libc::SYS_clone, libc::SYS_clone3, libc::SYS_fork, libc::SYS_vfork];

fn makes_a_thread(number: u32) -> bool {
    MAKING.contains(&number.into())
}

/// Calls by which programs and threads end. Like [`MAKING`] they are seen whether
/// they are shown or not.
const ENDING: [i64; 4] = [
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

impl Hook for Trace {
    fn interest(&self) -> Interest {
        MAKING
            .into_iter()
            .chain(ENDING)
            .fold(options::selection(), |set, number| set.with(number as usize))
    }

    fn vector_use(&self) -> VectorUse {
        VectorUse::Sse
    }

    fn thread_words(&self) -> usize {
        ring::WORDS
    }

    fn tree(&self) -> Option<TreeWords> {
        Some(ring::TREE)
    }

    fn follow(&self) -> Option<&dyn Follow> {
        Some(&merge::MERGE)
    }

    fn enter(&self, call: &mut Call<'_>) -> Verdict {
        let Some(ring) = Ring::of(call.words()) else {
            return Verdict::Pass;
        };
        let number = call.number();
        let who = who(&ring);
        let since = ticks();
        let shown = options::is_selected(number);
        let mut record = Record {
            kind: Kind::Enter,
            number,
            who,
            time: since,
            since,
            result: call.args()[0] as i64,
            base: Base::default(),
        };
        let decoded = decode::Call {
            number,
            args: *call.args(),
            result: None,
            most: options::string_limit(),
            note: 0,
        };
        if matches!(number, RT_SIGRETURN | EXIT | EXIT_GROUP) {
            record.kind = if shown { Kind::Last } else { Kind::End };
            ring.put(record, |text| decode::enter(text, &decoded));
            if number != RT_SIGRETURN {
                // The words may get another thread.
                ring.set_who(Who::default());
                follow::wake_follower();
            }
            return Verdict::Pass;
        }
        if shown {
            ring.set_call(since, call.args());
            ring.set_note(decode::note(&decoded));
            ring.put(record, |text| decode::enter(text, &decoded));
        }
        if shown || makes_a_thread(number) {
            Verdict::PassThenExit
        } else {
            Verdict::Pass
        }
    }

    /// What was put into the rings until now is to be written when the first
    /// process has ended.
    fn report(&self, report: &Report<'_>, _: &mut dyn fmt::Write) -> fmt::Result {
        report.for_each_thread(&mut |words| {
            if let Some(ring) = Ring::of(words) {
                ring.wait_until_read();
            }
        });
        Ok(())
    }

    fn exit(&self, call: &mut Call<'_>, outcome: Outcome) {
        let Some(ring) = Ring::of(call.words()) else { return };
        let number = call.number();
        if makes_a_thread(number) && outcome == Outcome::Returned(0) {
            // The child; whose these words were before counts no more.
            ring.set_who(Who::default());
            who(&ring);
            return;
        }
        let who = who(&ring);
        if !options::is_selected(number) {
            return;
        }
        let (since, args) = ring.call();
        let (kind, result) = match outcome {
            Outcome::Returned(result) => (Kind::Exit, result),
            Outcome::Restarting => (Kind::Restart, -i64::from(libc::EINTR)),
        };
        let record = Record {
            kind,
            number,
            who,
            time: ticks(),
            since,
            result,
            base: base(number, args[1], result),
        };
        let decoded = decode::Call {
            number,
            args,
            result: Some(result),
            most: options::string_limit(),
            note: ring.note(),
        };
        ring.put(record, |text| {
            // A program that has been executed knows nothing of its arguments.
            if !(result == 0 && matches!(number, EXECVE | EXECVEAT)) {
                decode::exit(text, &decoded);
            }
        });
    }
}

/// How a call's result is shown.
fn base(number: u32, second: u64, result: i64) -> Base {
    match i64::from(number) {
        libc::SYS_mmap | libc::SYS_brk | libc::SYS_mremap | libc::SYS_shmat => Base::Hexadecimal,
        libc::SYS_fcntl if decode::fcntl_is_hex(second, result) => Base::Hexadecimal,
        libc::SYS_umask => Base::Octal,
        libc::SYS_lseek => Base::Unsigned,
        _ => Base::Decimal,
    }
}

/// Whose words these are; found out, and told, at a thread's first call.
fn who(ring: &Ring<'_>) -> Who {
    let known = ring.who();
    if known.tid != 0 {
        return known;
    }
    let who = Who {
        tid: kernel::gettid(),
        pid: kernel::getpid(),
    };
    ring.set_who(who);
    let time = ticks();
    let record = Record {
        kind: Kind::Begin,
        number: 0,
        who,
        time,
        since: time,
        result: 0,
        base: Base::default(),
    };
    ring.put(record, |_| {});
    who
}
