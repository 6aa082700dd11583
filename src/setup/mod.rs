//! Brings the library up: configures it once, as the first process of a tree,
//! and brings up each process.

#![allow(unsafe_code, reason = "runs before main, reads the initial stack")]

#[cfg(not(any(test, feature = "std")))]
pub(crate) mod command;
pub mod config;
#[cfg(not(any(test, feature = "std")))]
mod follow;
#[cfg(not(any(test, feature = "std")))]
pub(crate) mod home;
pub(crate) mod process;
#[cfg(not(any(test, feature = "std")))]
mod supervise;

use core::fmt;
use core::sync::atomic::Ordering;

use crate::abi::errno::Errno;
use crate::abi::sigframe::AltStack;
use crate::arm::seccomp::{self, ArmError};
use crate::hook::Hook;
use crate::image::BASE;
use crate::kernel;
use crate::kernel::log;
use crate::rewrite::{rewriter, site, table, warm, writer};
use crate::setup::config::{Config, ConfigError, Level, Rewrite, Unfit};
use crate::tools;
use crate::trap::area::ThreadArea;
use crate::trap::{altstack, area, areas, clock, dispatch, entry, gs, ledger, pending, sigaction, signalfd};

/// Why we cannot work here, with the remedy (I14).
enum Reason<'a> {
    Home(Errno),
    Config(ConfigError<'a>),
    Table(Option<u64>, Errno),
    Memory(Errno),
    Signals(Errno),
    Report(Errno),
    Arm(ArmError),
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Home(errno) => write!(
                f,
                "the address {BASE:#x} cannot be mapped (errno {}); raise `ulimit -v`, or start the program again",
                errno.number()
            ),
            Reason::Config(error) => error.fmt(f),
            Reason::Table(Some(address), errno) => write!(
                f,
                "USERTRAP_TABLE={address:#x} cannot be mapped (errno {}); choose another address or unset it",
                errno.number()
            ),
            Reason::Table(None, errno) => write!(
                f,
                "no address below 2 GB is free for the table (errno {}); raise `ulimit -v`, or link the program as PIE",
                errno.number()
            ),
            Reason::Memory(errno) => {
                write!(
                    f,
                    "no memory for the thread area (errno {}); raise `ulimit -v`",
                    errno.number()
                )
            }
            Reason::Signals(errno) => write!(f, "signal handlers cannot be installed (errno {})", errno.number()),
            Reason::Report(errno) => {
                write!(
                    f,
                    "USERTRAP_OUT cannot be opened (errno {}); name a file that can be written",
                    errno.number()
                )
            }
            Reason::Arm(ArmError::Seccomp(errno)) => write!(
                f,
                "the kernel refused the seccomp filter (errno {}); it needs Linux 4.17 or later with CONFIG_SECCOMP_FILTER, and an outer sandbox that permits seccomp(2)",
                errno.number()
            ),
            Reason::Arm(ArmError::NoNewPrivs(errno)) => {
                write!(f, "no_new_privs cannot be set (errno {})", errno.number())
            }
            Reason::Arm(ArmError::Thread(thread)) => {
                write!(
                    f,
                    "thread {thread} has a seccomp filter of its own; load this library before it is made"
                )
            }
            Reason::Arm(ArmError::Gate) => write!(f, "the gate straddles a 4 GiB line; start the program again"),
        }
    }
}

/// Settings that every process of the tree is brought up with. They are part
/// of the tree file.
#[derive(Clone, Copy)]
struct Settings {
    rewrite: bool,
    table: Option<u64>,
}

static SETTINGS: spin::Mutex<Settings> = spin::Mutex::new(Settings {
    rewrite: true,
    table: None,
});

/// What a process brings with it.
pub(crate) struct Inherited {
    /// Reserved signals that the program blocks.
    pub(crate) blocked: u64,
    /// Signals that it ignores, if that is known.
    pub(crate) ignored: Option<u64>,
    /// The filter is not installed yet.
    pub(crate) arm: bool,
    /// The thread has a filter of the application's own.
    pub(crate) filtered: bool,
    /// It may have a signalfd for reserved signals.
    pub(crate) watched: bool,
    /// Threads besides this one.
    pub(crate) strangers: u32,
}

/// Configures the core: pure data, which goes into the tree file.
fn configure(process: &process::Process, config: &Config<'_>, linked: Option<&'static &'static dyn Hook>) {
    *SETTINGS.lock() = Settings {
        rewrite: config.rewrite != Rewrite::Off,
        table: config.table,
    };
    if config.tool == tools::Tool::Trace {
        tools::trace::options::configure(&config.trace, config.out.is_some());
    }
    let hook = linked.or_else(|| tools::hook(config.tool, config.format, config.stat_time));
    if config.stat_time {
        clock::start();
    }
    areas::configure(hook.map_or(0, |hook| hook.thread_words()));
    gs::configure(process.fsgsbase());
    altstack::configure();
    dispatch::configure(hook);
    let rewrite = config.rewrite != Rewrite::Off;
    sigaction::configure(rewrite);
    if rewrite {
        site::warm_up();
        warm::set_lazy(config.rewrite == Rewrite::Lazy);
        rewriter::enable(&rewriter::Targets {
            of_number: |number| {
                if entry::interest(number) == 0 {
                    entry::entry_pass()
                } else {
                    entry::entry_full()
                }
            },
            any: entry::entry_any,
        });
    }
}

/// Brings up this process, which has the configured core in it.
fn bring_up(inherited: &Inherited) -> Result<(), Reason<'static>> {
    let settings = *SETTINGS.lock();
    if settings.rewrite {
        let table = table::map(settings.table).map_err(|errno| Reason::Table(settings.table, errno))?;
        log::line(Level::Debug, format_args!("table at {table:#x}"));
        writer::register();
    }
    let executed = ledger::enter();
    let area = make_first_area(inherited).map_err(Reason::Memory)?;
    if !area.owns_gs {
        gs::take();
    }
    if let Some(number) = executed {
        dispatch::executed(area, number);
    }
    match inherited.ignored {
        Some(ignored) => sigaction::adopt_ignored(ignored),
        None => sigaction::adopt(),
    }
    .map_err(Reason::Signals)?;
    if inherited.arm {
        // One that is pending arrives here, at our handler.
        kernel::unblock(sigaction::reserved());
        let gate = entry::gate_start()..entry::gate_end();
        seccomp::install(gate).map_err(Reason::Arm)?;
    }
    rewriter::count_strangers(inherited.strangers);
    if inherited.watched {
        signalfd::watch();
    }
    log::line(
        Level::Info,
        format_args!(
            "armed; hook: {}",
            if dispatch::hook().is_some() { "yes" } else { "none" }
        ),
    );
    Ok(())
}

/// Brings up a process image that the loader has made.
#[cfg(not(any(test, feature = "std")))]
pub(crate) fn bring_up_image(inherited: &Inherited) {
    ledger::attach(crate::image::tree::image_end());
    if let Err(reason) = bring_up(inherited) {
        log::line(Level::Error, format_args!("{reason}; the program is not started"));
        kernel::exit_group(125);
    }
}

/// Gives back what [`bring_up`] has taken.
fn undo() {
    sigaction::disown();
    // SAFETY: no trampoline is reachable, and only this thread has an area.
    areas::for_each(|area| unsafe { gs::give_back(&mut *area) });
    table::unmap();
}

fn unfit(policy: Unfit, reason: &Reason<'_>) {
    match policy {
        Unfit::Run => log::line(Level::Error, format_args!("{reason}; the program runs without us")),
        Unfit::Refuse => {
            log::line(Level::Error, format_args!("{reason}; the program is not started"));
            kernel::exit_group(125);
        }
    }
}

/// The area of the first thread, with the signal state it came with.
fn make_first_area(inherited: &Inherited) -> Result<&'static mut ThreadArea, Errno> {
    // SAFETY: just allocated, ours alone; areas are never unmapped.
    let area = unsafe { &mut *areas::allocate()? };
    area.dispositions
        .store((&raw const sigaction::PROCESS).cast_mut(), Ordering::Relaxed);
    area.kind = area::Kind::Thread;
    area.begin(&pending::PROCESS);
    area.set_virtual_mask(inherited.blocked);
    area.filtered.store(inherited.filtered, Ordering::Relaxed);
    gs::install(area);
    // SAFETY: the stack is this area's.
    area.altstack = match unsafe { kernel::sigaltstack(Some(&area.signal_stack())) } {
        Ok(before) if before.size != 0 => before,
        // As the kernel has it for a thread that execve made.
        _ => AltStack {
            flags: 0,
            ..AltStack::DISABLED
        },
    };
    areas::LIVE.store(1, Ordering::Relaxed);
    areas::EVER.store(1, Ordering::Relaxed);
    Ok(area)
}
