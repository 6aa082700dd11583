//! The start of the first process of a tree: at [`BASE`], where the bootstrap
//! has put us.

#![allow(unsafe_code, reason = "runs before main, reads the initial stack")]

use core::cell::Cell;

use super::config::{self, Config, Level, Unfit};
use super::process::{self, Process};
use super::{Inherited, Reason, bring_up, choose_arm, command, configure, follow, read_policy, supervise, undo, unfit};
use crate::abi::errno::Errno;
use crate::guest::{self, libraries};
use crate::hook::Hook;
use crate::image::{Start, forget_start, tree};
use crate::kernel;
use crate::kernel::log;
use crate::kernel::process::with_large_files;
use crate::rewrite::load;
use crate::tools::Tool;
use crate::trap::descriptors::{self, Kept};
use crate::trap::{disarmed, dispatch, filters, ledger, sigaction};

/// The type of [`at_home`], by which the bootstrap calls its copy.
pub(crate) type AtHome = unsafe extern "C" fn(*const usize, Start, i64) -> bool;

/// Starts the library with the hook linked in, or the tool that the settings
/// name; or says why not, and runs or refuses the application. Returns whether
/// this copy of the object is in use now.
///
/// `moved` is how the bootstrap fared: −errno, or whether the object needs
/// nothing but itself, and new programs can start with it.
///
/// # Safety
/// `stack` is the process's initial one; called once, before other threads
/// exist.
pub(crate) unsafe extern "C" fn at_home(stack: *const usize, start: Start, moved: i64) -> bool {
    // SAFETY: by the contract.
    let process = unsafe { Process::at(stack) };
    log::configure(Level::Warn);
    let settings = command::settings(&process, start);
    let config = match Config::parse(settings.clone()) {
        Ok(config) => config,
        Err(error) => {
            let asked = start == Start::Command && error.is_of_trace();
            let how = if asked {
                Unfit::Refuse
            } else {
                config::unfit_of(settings)
            };
            unfit(how, &Reason::Config(error));
            return command::run_natively(&process, start);
        }
    };
    log::configure(config.log);
    let started = Cell::new(false);
    let outcome = Errno::from_result(moved).map_or(Ok(()), |errno| Err(Reason::Home(errno)));
    let outcome = outcome.and_then(|()| begin(&process, &config, start, moved != 0, &started));
    let Err(reason) = outcome else { return true };
    if started.get() {
        undo();
    }
    // A program that is to keep a policy does not run without one.
    let policy = config.tool == Tool::Policy;
    unfit(if policy { Unfit::Refuse } else { config.unfit }, &reason);
    command::run_natively(&process, start)
}

/// Notes the hook libraries. Apart from its caller, like what reads policies: the stack
/// may be small, and buffers are pages of it.
#[inline(never)]
fn name_hooks(hooks: &[u8]) -> Result<(), Errno> {
    let mut directory = [0; libraries::ROOM];
    let len = kernel::process::working_directory(&mut directory)?;
    if libraries::configure(hooks, directory.get(..len).unwrap_or(&[])) {
        Ok(())
    } else {
        Err(Errno::ENAMETOOLONG)
    }
}

fn begin(
    process: &Process,
    config: &Config<'_>,
    start: Start,
    alone: bool,
    started: &Cell<bool>,
) -> Result<(), Reason<'static>> {
    filters::note_outer();
    if let Some(hook) = config.hook {
        if kernel::thread_count() > 1 {
            return Err(Reason::Threads);
        }
        name_hooks(hook).map_err(Reason::Hook)?;
    }
    if config.tool == Tool::Policy {
        let file = command::variable(process, start, b"USERTRAP_POLICY=").filter(|_| config.policy.is_some());
        read_policy(file, config.policy_explain)?;
    }
    choose_arm(config).map_err(Reason::Arm)?;
    configure(process, config, linked());
    let mut made = 0..0;
    if !alone {
        log::line(
            Level::Warn,
            format_args!("this hook needs other libraries: new programs cannot be started with it"),
        );
    } else {
        match with_large_files(tree::create) {
            Ok(in_file) => made = in_file,
            Err(errno) => log::line(
                Level::Warn,
                format_args!(
                    "no file in memory can be executed (errno {}): new programs cannot be started; see vm.memfd_noexec and `ulimit -f`",
                    errno.number()
                ),
            ),
        }
    }
    if dispatch::hook().is_some() {
        let out = command::variable(process, start, b"USERTRAP_OUT=").filter(|_| config.out.is_some());
        descriptors::open_report(out).map_err(Reason::Report)?;
    }
    let watch = if config.supervise && start == Start::Command && descriptors::PROCESS.get(Kept::Tree) >= 0 {
        supervise::watch().ok()
    } else {
        None
    };
    if let Some(hook) = dispatch::hook() {
        with_large_files(|| ledger::create(hook, descriptors::PROCESS.get(Kept::Tree), tree::image_end()));
    }
    match watch {
        Some(watch) => supervise::split(watch),
        None => follow::start(),
    }
    if start == Start::Command {
        command::run(process);
    }
    tree::share(&made);
    started.set(true);
    bring_up(&Inherited {
        blocked: kernel::mask() & sigaction::reserved(),
        ignored: None,
        arm: true,
        filtered: false,
        backed: false,
        watched: false,
        strangers: kernel::thread_count() - 1,
        block: 0,
        word: 0,
    })?;
    guest::load(process);
    // By then it is known which calls are hooked.
    load::rewrite(0..u64::MAX);
    disarmed::begin();
    forget_start();
    Ok(())
}

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
    unsafe { crate::image::preloaded(process::stack_end()) };
}
