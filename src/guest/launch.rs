//! Starts the guests of a process image: maps ld.so, makes it an initial stack, and
//! lets it load libc and the hooks. The application has not begun yet.

#![allow(unsafe_code, reason = "makes an initial stack and runs ld.so on it")]

use crate::abi::auxv::{AT_BASE, AT_ENTRY, AT_EXECFN, AT_PHDR, AT_PHENT, AT_PHNUM, AT_SECURE};
use crate::abi::elf::PROGRAM_HEADER_SIZE;
use crate::abi::errno::Errno;
use crate::exec::map;
use crate::guest::program::{self, HEADERS, INTERPRETER, Program};
use crate::guest::start::{first_area, give_up};
use crate::guest::{fs, libraries, space, sweep, switch};
use crate::kernel;
use crate::kernel::process::{self, Registrations};
use crate::setup::process::Process;
use crate::trap::vector;

/// `AT_RANDOM` and `AT_SYSINFO_EHDR` (`linux/auxvec.h`).
const AT_RANDOM: u64 = 25;
const AT_SYSINFO_EHDR: u64 = 33;

/// The stack on which ld.so runs, and the first thread's forks.
const STACK: usize = 1 << 20;
const PAGE: usize = 4096;

/// Variables that are meant for the application's libc alone.
const NOT_OURS: &[&[u8]] = &[b"LD_", b"GLIBC_TUNABLES=", b"MALLOC_"];

/// Loads the hooks that the settings name, if there are any; or says why it cannot,
/// and ends the process.
pub(crate) fn load(process: &Process) {
    if libraries::count() == 0 {
        return;
    }
    // SAFETY: the only thread of ours.
    let Some(area) = (unsafe { first_area().as_mut() }) else {
        return;
    };
    match prepare(process) {
        Ok((argc, entry)) => {
            let core = area.guest.core.as_ptr();
            let own = fs::base();
            let before = Registrations::get();
            vector::keep_around(&raw mut area.vector, &mut || {
                // SAFETY: made for it. It comes back in `started`.
                unsafe { switch::launch(core, argc, entry) };
            });
            area.guest.number.set(Registrations::get().number.unwrap_or(0));
            before.put_back();
            // SAFETY: the application's, as it was.
            unsafe { fs::set(own) };
        }
        Err((what, errno)) => give_up(format_args!("{what} (errno {})", errno.number())),
    }
}

type Failed = (&'static str, Errno);

/// Maps ld.so and all that it needs. Returns its initial stack and its entry.
fn prepare(process: &Process) -> Result<(u64, u64), Failed> {
    let fd = kernel::open(INTERPRETER, libc::O_RDONLY | libc::O_CLOEXEC, 0)
        .map_err(|errno| ("hooks need glibc: /lib64/ld-linux-x86-64.so.2 cannot be opened", errno))?;
    let span = process::stat(fd).map_or(0, |stat| stat.st_size as u64);
    let mapped = map::interpreter_at(fd, space::reserve(span + (1 << 20), true), |start, len, protection| {
        if protection & libc::PROT_EXEC != 0 {
            sweep::code(start, len, protection);
        }
    });
    kernel::close(fd);
    let linker = mapped.map_err(|errno| ("ld.so cannot be mapped for hooks", errno))?;
    let strings: usize = kept(process).map(|variable| variable.len() + 1).sum();
    let pointers = kept(process).count();
    let len = (size_of::<Program>() + STACK + strings + pointers * 8 + PAGE).next_multiple_of(PAGE);
    let memory = kernel::map(
        space::reserve(len as u64, false),
        len,
        libc::PROT_READ | libc::PROT_WRITE,
        libc::MAP_FIXED_NOREPLACE | libc::MAP_NORESERVE,
    )
    .map_err(|errno| ("no memory for hooks", errno))?;
    let program = memory as *mut Program;
    // SAFETY: just mapped, for good.
    unsafe { program::build(program) };
    let mut out = Below {
        top: memory + len as u64,
    };
    let name = out.bytes(b"usertrap-hooks\0");
    let [a, b] = process::random();
    let random = out.words(&[a, b]);
    let environment = out.top;
    for variable in kept(process) {
        out.bytes(b"\0");
        out.bytes(variable);
    }
    out.top &= !15;
    let overrides = [
        (AT_PHDR, program as u64),
        (AT_PHENT, PROGRAM_HEADER_SIZE as u64),
        (AT_PHNUM, HEADERS as u64),
        (AT_BASE, linker.bias),
        (AT_ENTRY, switch::started()),
        (AT_EXECFN, name),
        (AT_RANDOM, random),
        (AT_SECURE, 0),
        // No vDSO: for some clocks, on some machines for all, it makes calls, which would trap
        // where SIGSYS is blocked.
        (AT_SYSINFO_EHDR, 0),
    ];
    // From the top down: auxv, envp, argv, argc; so that rsp is a multiple of 16.
    let vector = process.auxiliary();
    if !pointers.is_multiple_of(2) {
        out.words(&[0]);
    }
    out.words(&[0, 0]);
    for entry in vector.iter().rev() {
        let value = overrides.iter().find(|(kind, _)| *kind == entry.kind);
        out.words(&[entry.kind, value.map_or(entry.value, |(_, value)| *value)]);
    }
    out.words(&[0]);
    let mut at = environment;
    for variable in kept(process) {
        at -= variable.len() as u64 + 1;
        out.words(&[at]);
    }
    out.words(&[0]);
    out.words(&[name]);
    let argc = out.words(&[1]);
    Ok((argc, linker.entry))
}

/// The environment, as far as it is the guests' too.
fn kept(process: &Process) -> impl Iterator<Item = &'static [u8]> {
    process
        .environment()
        .filter(|variable| !NOT_OURS.iter().any(|name| variable.starts_with(name)))
}

/// Memory that is filled from its end down.
struct Below {
    top: u64,
}

impl Below {
    fn bytes(&mut self, bytes: &[u8]) -> u64 {
        self.top -= bytes.len() as u64;
        // SAFETY: `prepare` has mapped enough.
        unsafe { (self.top as *mut u8).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        self.top
    }

    fn words(&mut self, words: &[u64]) -> u64 {
        self.top = self.top / 8 * 8 - size_of_val(words) as u64;
        // SAFETY: as above; aligned.
        unsafe { (self.top as *mut u64).copy_from_nonoverlapping(words.as_ptr(), words.len()) };
        self.top
    }
}
