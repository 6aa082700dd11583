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
//! | [`frames`] | which file a site is mapped from |
//! | [`symbols`] | which function it is in |
//! | [`ring`] | records in a thread's words |
//! | [`merge`] | records of all threads in the order of time |
//! | [`lines`] | records to lines, as strace has them |
//! | [`json`] | records to JSON: lines, and events for Perfetto |
//! | [`summary`] | records to a table, as `strace -c` has it |
//! | [`ends`] | the ends of threads |
//! | [`out`] | what is to be written |
//! | [`clock`] | time stamps to times |
//! | [`live`] | which threads there are |
//! | [`options`] | what is shown |

mod args;
mod classes;
mod clock;
mod decode;
mod ends;
mod frames;
mod json;
mod lines;
mod live;
mod merge;
mod names;
pub(crate) mod options;
mod out;
mod ring;
mod summary;
mod symbols;
mod table;
mod text;

pub(crate) use names::error_text;
pub(super) use names::{error_name, error_number, signal_name, signal_number};

use core::fmt;

use crate::hook::follow::Follow;
use crate::hook::{Call, Hook, Interest, Outcome, Report, Signal, TreeWords, VectorUse, Verdict, follow};
use crate::kernel;
use crate::tools::clock::ticks;
use options::Form;
use ring::{Base, Kind, Record, Ring, Who};
use text::Text;

/// The name of a call.
pub(super) fn call_name(number: u32) -> Option<&'static str> {
    table::signature(number).map(|signature| signature.name)
}

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
            .chain(Some(libc::SYS_prctl).filter(|_| options::form() == Form::Perfetto))
            .chain(frames::CHANGING.into_iter().filter(|_| options::shows_stacks()))
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
        let frame = Some(call.return_address()).filter(|_| shown && options::shows_stacks());
        let frame = frame.map(|address| frames::find(&ring, who, address));
        if matches!(number, RT_SIGRETURN | EXIT | EXIT_GROUP) {
            record.kind = if shown { Kind::Last } else { Kind::End };
            ring.put(record, |text| {
                decode::enter(text, &decoded);
                frame.into_iter().for_each(|frame| frames::write(text, frame));
            });
            if number != RT_SIGRETURN {
                // The words may get another thread.
                ring.set_who(Who::default());
                follow::wake_follower();
            }
            return Verdict::Pass;
        }
        if shown {
            ring.set_call(since, call.args());
            if !options::only_counts() {
                ring.set_note(decode::note(&decoded));
                ring.set_frame(frame.unwrap_or_default());
                ring.put(record, |text| {
                    decode::enter(text, &decoded);
                    // The new program does not know.
                    let executes = matches!(number, EXECVE | EXECVEAT);
                    let frame = frame.filter(|_| executes);
                    frame.into_iter().for_each(|frame| frames::write(text, frame));
                });
            }
        }
        if matches!(number, EXECVE | EXECVEAT) {
            // Words of a vfork's child that leaves so get another one.
            ring.set_who(Who::default());
        }
        let moves = options::shows_stacks() && frames::changes(number, call.args());
        if shown || moves || makes_a_thread(number) || names_the_thread(number, call.args()) {
            Verdict::PassThenExit
        } else {
            Verdict::Pass
        }
    }

    fn wants_signals(&self) -> bool {
        options::shows_signals()
    }

    fn signal(&self, signal: &Signal<'_>) {
        let Some(ring) = Ring::of(signal.words()) else { return };
        let number = signal.number().cast_unsigned();
        if options::shows_signal(number) {
            let record = Record {
                number,
                ..Record::bare(Kind::Signal, who(&ring), ticks())
            };
            let who = record.who;
            let frame = options::shows_stacks().then(|| frames::find(&ring, who, signal.address()));
            ring.put(record, |text| {
                decode::delivered(text, &signal.info());
                frame.into_iter().for_each(|frame| frames::write(text, frame));
            });
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
        if let Outcome::Returned(result) = outcome
            && options::shows_stacks()
            && frames::changes(number, call.args())
        {
            frames::changed(number, call.args(), result);
        }
        if options::is_selected(number) {
            put_result(&ring, number, who, outcome);
        }
        if outcome == Outcome::Returned(0) && names_the_thread(number, call.args()) {
            ring.put(Record::bare(Kind::Name, who, ticks()), name_of_thread);
        }
    }
}

/// The record of a call that has been made.
fn put_result(ring: &Ring<'_>, number: u32, who: Who, outcome: Outcome) {
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
    if options::only_counts() {
        return ring.put(record, |_| {});
    }
    ring.put(record, |text| {
        // A program that has been executed knows nothing of its arguments.
        if !(result == 0 && matches!(number, EXECVE | EXECVEAT)) {
            decode::exit(text, &decoded);
            if options::shows_stacks() {
                frames::write(text, ring.frame());
            }
        }
    });
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
    ring.put(Record::bare(Kind::Begin, who, ticks()), name_of_thread);
    who
}

/// The thread's name.
fn name_of_thread(text: &mut Text<'_>) {
    if options::form() != Form::Perfetto {
        return;
    }
    let name = kernel::process::thread_name();
    let len = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
    text.escaped(name.get(..len).unwrap_or(&[]), None);
}

/// Whether a call that has been made gives the thread another name.
fn names_the_thread(number: u32, args: &[u64; 6]) -> bool {
    options::form() == Form::Perfetto
        && match i64::from(number) {
            libc::SYS_execve | libc::SYS_execveat => true,
            libc::SYS_prctl => args[0] == libc::PR_SET_NAME as u64,
            _ => false,
        }
}
