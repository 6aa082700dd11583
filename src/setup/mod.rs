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

use core::ffi::CStr;
use core::fmt;
use core::sync::atomic::Ordering;

use crate::abi::errno::Errno;
use crate::abi::sigframe::AltStack;
use crate::arm::{ArmError, seccomp, sud};
use crate::exec::vdso;
use crate::guest;
use crate::hook::Hook;
use crate::image::BASE;
use crate::kernel;
use crate::kernel::log;
use crate::rewrite::{load, rewriter, site, table, vetted, warm, writer};
use crate::setup::config::{Arm, Config, ConfigError, Level, Rewrite, Unfit};
use crate::tools;
use crate::trap::area::ThreadArea;
use crate::trap::{
    altstack, area, areas, armed, clock, dispatch, entry, filters, gs, known, ledger, pending, sigaction, signalfd,
    tiles,
};

/// Why we cannot work here, with the remedy (I14).
enum Reason<'a> {
    Home(Errno),
    Config(ConfigError<'a>),
    Table(Option<u64>, Errno),
    Memory(Errno),
    Signals(Errno),
    Report(Errno),
    Hook(Errno),
    /// Threads that exist already cannot be shown to hook libraries.
    Threads,
    Arm(ArmError),
    /// The policy cannot be read, or there is none.
    PolicyFile(Option<(&'static CStr, Errno)>),
    Policy(tools::policy::parse::Error<'a>),
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
            Reason::PolicyFile(None) => {
                f.write_str("policy: there is none; name a file, or set USERTRAP_POLICY to one")
            }
            Reason::PolicyFile(Some((path, errno))) => write!(
                f,
                "policy: {} cannot be read: {}; name a file of at most {LONGEST_POLICY} bytes that can",
                path.to_bytes().escape_ascii(),
                tools::error_text(*errno),
            ),
            Reason::Policy(error) => write!(f, "policy: {error}"),
            Reason::Report(errno) => {
                write!(
                    f,
                    "USERTRAP_OUT cannot be opened (errno {}); name a file that can be written",
                    errno.number()
                )
            }
            Reason::Threads => f.write_str(
                "hook libraries must be there before the program has several threads; load us by LD_PRELOAD or the usertrap command",
            ),
            Reason::Hook(errno) => {
                write!(
                    f,
                    "the directory that the hooks' paths are from cannot be told (errno {}); name them by absolute paths",
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
            Reason::Arm(ArmError::Dispatch(errno)) => write!(
                f,
                "the kernel refused Syscall User Dispatch (errno {}); it needs Linux 5.11 or later, and an outer sandbox that permits prctl(2): use USERTRAP_ARM=seccomp",
                errno.number()
            ),
            Reason::Arm(ArmError::Threads) => f.write_str(
                "Syscall User Dispatch arms no threads that are there already; load us by LD_PRELOAD or the usertrap command, or use USERTRAP_ARM=seccomp",
            ),
            Reason::Arm(ArmError::X32) => f.write_str(
                "Syscall User Dispatch cannot tell x32 calls, which this kernel makes; use USERTRAP_ARM=seccomp, or boot with syscall.x32=n",
            ),
            Reason::Arm(ArmError::Gate) => write!(f, "the gate straddles a 4 GiB line; start the program again"),
        }
    }
}

/// Bytes of a policy.
const LONGEST_POLICY: usize = 64 << 10;

/// Reads the policy, and keeps it in the configured core.
#[cfg(not(any(test, feature = "std")))]
#[inline(never)]
fn read_policy(path: Option<&'static CStr>, explain: bool) -> Result<(), Reason<'static>> {
    let path = path.ok_or(Reason::PolicyFile(None))?;
    let unread = |errno| Reason::PolicyFile(Some((path, errno)));
    let fd = kernel::open(path, libc::O_RDONLY | libc::O_CLOEXEC, 0).map_err(unread)?;
    let memory = kernel::map(0, LONGEST_POLICY, libc::PROT_READ | libc::PROT_WRITE, 0).map_err(unread)?;
    // SAFETY: just mapped, zeroed, of that size, and never unmapped: an error names its words.
    let text = unsafe { core::slice::from_raw_parts_mut(memory as *mut u8, LONGEST_POLICY) };
    let mut len = 0;
    loop {
        let room = text.get_mut(len..).unwrap_or_default();
        match kernel::read(fd, room).map_err(unread)? {
            0 if room.is_empty() => return Err(unread(Errno::EFBIG)),
            0 => break,
            more => len += more,
        }
    }
    kernel::close(fd);
    let text = text.get(..len).unwrap_or_default();
    tools::policy::configure(tools::policy::parse::policy(text).map_err(Reason::Policy)?);
    if explain {
        tools::policy::explain();
    }
    Ok(())
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
    /// It has our filter beside Syscall User Dispatch.
    pub(crate) backed: bool,
    /// It may have a signalfd for reserved signals.
    pub(crate) watched: bool,
    /// Threads besides this one.
    pub(crate) strangers: u32,
    /// What goes on of the hook's words: the ledger's block, plus 1, and the first word.
    pub(crate) block: u64,
    pub(crate) word: u64,
}

/// Chooses the arm, and looks whether it can be had. What the filter cannot do it
/// says when it is installed.
#[cfg(not(any(test, feature = "std")))]
fn choose_arm(config: &Config<'_>) -> Result<(), ArmError> {
    let sud = match config.arm {
        Arm::Seccomp => false,
        Arm::Sud | Arm::Vetted => {
            may_use_sud()?;
            true
        }
        // What a policy forbids only a filter can forbid in the kernel.
        Arm::Auto => config.tool != tools::Tool::Policy && seccomp::probe().is_err() && may_use_sud().is_ok(),
    };
    sud::choose(sud);
    if config.arm == Arm::Vetted {
        vetted::choose();
    }
    Ok(())
}

#[cfg(not(any(test, feature = "std")))]
fn may_use_sud() -> Result<(), ArmError> {
    sud::probe().map_err(ArmError::Dispatch)?;
    if kernel::thread_count() > 1 {
        return Err(ArmError::Threads);
    }
    // SAFETY: so it is.
    if unsafe { sud::runs_x32(filters::is_outer()) } {
        return Err(ArmError::X32);
    }
    Ok(())
}

/// Configures the core: pure data, which goes into the tree file.
fn configure(process: &process::Process, config: &Config<'_>, linked: Option<&'static &'static dyn Hook>) {
    *SETTINGS.lock() = Settings {
        rewrite: config.rewrite != Rewrite::Off,
        table: config.table,
    };
    if config.tool == tools::Tool::Trace {
        tools::trace::options::configure(&config.trace, config.format, config.out.is_some());
    }
    if config.tool == tools::Tool::Inject {
        let seed = config.inject_seed.unwrap_or_else(|| kernel::process::random()[0]);
        tools::inject::plan::configure(config.inject.unwrap_or_default(), seed);
    }
    let hook = linked.or_else(|| tools::hook(config.tool, config.format, config.stat_time));
    let hook = if guest::libraries::count() > 0 {
        Some(guest::beside::with(hook))
    } else {
        hook
    };
    if config.stat_time {
        clock::start();
        tools::timeline::begin();
    }
    areas::configure(hook.map_or(0, |hook| hook.thread_words()));
    gs::configure(process.fsgsbase());
    altstack::configure();
    tiles::configure(process.largest_frame());
    vdso::configure(config.hide_vdso);
    load::choose(config.rewrite == Rewrite::Load);
    dispatch::configure(hook);
    if config.answer_identity {
        known::switch_on();
    }
    let rewrite = config.rewrite != Rewrite::Off;
    sigaction::configure(rewrite);
    if rewrite || guest::libraries::count() > 0 {
        site::warm_up();
    }
    if rewrite {
        warm::set_lazy(config.rewrite == Rewrite::Lazy);
        rewriter::enable(&rewriter::Targets {
            of_number: |number| {
                if entry::interest(number) == 0 {
                    entry::entry_pass()
                } else {
                    known::entry_of(number).unwrap_or_else(entry::entry_full)
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
    let executed = ledger::enter(inherited.block);
    let area = make_first_area(inherited).map_err(Reason::Memory)?;
    if !area.owns_gs {
        gs::take();
    }
    if let Some(number) = executed {
        ledger::go_on(area, inherited.word);
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
    }
    arm(inherited, area).map_err(Reason::Arm)?;
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

/// Lets the kernel turn calls into traps. A filter that a process has stays with it
/// over an exec.
fn arm(inherited: &Inherited, area: &ThreadArea) -> Result<(), ArmError> {
    let policy = tools::policy::for_kernel().filter(|_| inherited.arm);
    let (gate, guests) = (entry::gate_start()..entry::gate_end(), guest::space::code());
    if sud::is_chosen() {
        armed::thread().or_else(|errno| {
            if inherited.backed {
                Ok(())
            } else {
                Err(ArmError::Dispatch(errno))
            }
        })?;
        if policy.is_some() {
            // Beside a policy: so no program is started without us, and it is kept.
            seccomp::install(gate, guests.clone())?;
            area.backed.store(true, Ordering::Relaxed);
        }
    } else if inherited.arm {
        seccomp::install(gate, guests.clone())?;
    }
    if let Some(policy) = policy {
        let own = entry::gate_own_start()..entry::gate_end();
        seccomp::install_policy(policy, own, guests)?;
    }
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
    area.backed.store(inherited.backed, Ordering::Relaxed);
    known::learn(area);
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
