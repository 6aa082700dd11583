//! The constructor: brings the library up, in the order of [`start`], before
//! any other constructor and before `main`.

#![allow(unsafe_code, reason = "runs before main, reads the initial stack")]

pub mod config;
mod process;

use core::fmt;
use core::sync::atomic::Ordering;

use crate::abi::errno::Errno;
use crate::abi::sigframe::AltStack;
use crate::arm::seccomp::{self, ArmError};
use crate::hook::Hook;
use crate::kernel;
use crate::kernel::log;
use crate::rewrite::{rewriter, site, table, writer};
use crate::setup::config::{Config, ConfigError, Level, Unfit};
use crate::tools;
use crate::trap::{area, clock, descriptors, dispatch, entry, sigaction};

/// Why we cannot work here, with the remedy (I14).
enum Reason<'a> {
    Config(ConfigError<'a>),
    GsInUse(u64),
    Table(Option<u64>, Errno),
    Memory(Errno),
    Signals(Errno),
    Report(Errno),
    Arm(ArmError),
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Config(error) => error.fmt(f),
            Reason::GsInUse(base) => write!(
                f,
                "GS is in use already (base {base:#x}); load this library first, and once"
            ),
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

/// Starts the library with the hook linked in, or the tool that the
/// environment names; or says why not, and runs or refuses the application.
///
/// The preloaded object does this by itself, before all other constructors. A
/// program that links the crate with the `std` feature may call it.
///
/// # Safety
/// From here on every system call of the process runs through the library, for
/// good: call it once, before other threads exist, with no signal handler that
/// depends on GS or on being found by rt_sigaction in the kernel.
pub unsafe fn start(linked: Option<&'static &'static dyn Hook>) {
    let process = process::Process::initial();
    log::configure(Level::Warn);
    let config = match Config::parse(process.environment()) {
        Ok(config) => config,
        Err(error) => {
            return unfit(config::unfit_of(process.environment()), &Reason::Config(error));
        }
    };
    log::configure(config.log);
    if let Err(reason) = bring_up(&process, &config, linked) {
        if !matches!(reason, Reason::GsInUse(_)) {
            undo();
        }
        unfit(config.unfit, &reason);
    }
}

/// Gives back what [`bring_up`] has taken.
fn undo() {
    sigaction::disown();
    // SAFETY: no trampoline is reachable, nothing of ours runs on GS.
    unsafe { area::install(core::ptr::null_mut()) };
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

fn bring_up(
    process: &process::Process,
    config: &Config<'_>,
    linked: Option<&'static &'static dyn Hook>,
) -> Result<(), Reason<'static>> {
    let gs = kernel::gs_base();
    if gs != 0 {
        return Err(Reason::GsInUse(gs));
    }
    let hook = linked.or_else(|| tools::hook(config.tool, config.format, config.stat_time));
    if config.stat_time {
        clock::start();
    }
    area::configure(hook.map_or(0, |hook| hook.thread_words()), process.fsgsbase());
    dispatch::configure(hook);
    if config.rewrite {
        let table = table::map(config.table).map_err(|errno| Reason::Table(config.table, errno))?;
        log::line(Level::Debug, format_args!("table at {table:#x}"));
        #[cfg(not(any(test, feature = "std")))]
        crate::runtime::reserve().map_err(Reason::Memory)?;
        site::warm_up();
        writer::register();
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
    if hook.is_some() {
        let out = process.variable(b"USERTRAP_OUT=").filter(|_| config.out.is_some());
        descriptors::open_report(out).map_err(Reason::Report)?;
    }
    make_first_area().map_err(Reason::Memory)?;
    sigaction::adopt(config.rewrite).map_err(Reason::Signals)?;
    // One that is pending arrives here, at our handler.
    kernel::unblock(sigaction::reserved());
    let gate = entry::gate_start()..entry::gate_end();
    seccomp::install(gate).map_err(Reason::Arm)?;
    rewriter::count_strangers(kernel::thread_count() - 1);
    log::line(
        Level::Info,
        format_args!("armed; hook: {}", if hook.is_some() { "yes" } else { "none" }),
    );
    Ok(())
}

/// The area of the thread that loads us, with the signal state it came with.
fn make_first_area() -> Result<(), Errno> {
    let area = area::allocate()?;
    let inherited = kernel::mask();
    // SAFETY: just allocated, ours alone.
    unsafe {
        (*area)
            .dispositions
            .store((&raw const sigaction::PROCESS).cast_mut(), Ordering::Relaxed);
        (*area).kind = area::Kind::Thread;
        let reserved = sigaction::reserved_if(true);
        (*area).virtual_mask = inherited & reserved;
        area::install(area);
        (*area).altstack = match kernel::sigaltstack(Some(&(*area).signal_stack())) {
            Ok(before) if before.size != 0 => before,
            // As the kernel has it for a thread that execve made.
            _ => AltStack {
                flags: 0,
                ..AltStack::DISABLED
            },
        };
    }
    area::LIVE.store(1, Ordering::Relaxed);
    area::EVER.store(1, Ordering::Relaxed);
    Ok(())
}

#[cfg(not(any(test, feature = "std")))]
mod constructor {
    use super::{Hook, start};

    type Linked = Option<&'static dyn Hook>;

    // `usertrap::hook!` puts its hook into the same section, whose ends the
    // linker names. This entry lets the section exist without one.
    #[used]
    #[unsafe(link_section = "usertrap_hooks")]
    static NONE: Linked = None;

    #[allow(improper_ctypes, reason = "defined in Rust, by `hook!`")]
    unsafe extern "C" {
        static __start_usertrap_hooks: Linked;
        static __stop_usertrap_hooks: Linked;
    }

    fn linked() -> Option<&'static &'static dyn Hook> {
        let (start, stop) = (&raw const __start_usertrap_hooks, &raw const __stop_usertrap_hooks);
        // SAFETY: the section is an array of these, from its start to its end.
        let hooks = unsafe { core::slice::from_raw_parts(start, stop.offset_from_unsigned(start)) };
        hooks.iter().flatten().next()
    }

    #[ctor::ctor(unsafe)]
    fn constructor() {
        // SAFETY: this is the process's first constructor.
        unsafe { start(linked()) };
    }
}
