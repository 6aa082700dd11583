//! Executable memory in which no call can be made but by a jump of ours or an invalid
//! opcode: what a process needs that runs without the kernel's arm.
//!
//! Every pair of bytes that could be a call is judged (`rewrite::vet`). Sites are
//! rewritten, and where that leaves the `syscall` in place it is sealed
//! (`plan::seal`). One pair of which nobody knows what it is, and the memory is
//! refused.
//!
//! Pages of files are made private first, so that a file that changes later does not
//! change the code.

#![allow(unsafe_code, reason = "reads code")]

use core::fmt;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::image::BASE;
use crate::kernel;
use crate::rewrite::code::{self, Code};
use crate::rewrite::load::{self, OURS};
use crate::rewrite::maps::Maps;
use crate::rewrite::module::{self, Functions};
use crate::rewrite::plan::INVALID;
use crate::rewrite::refusal::Refusal;
use crate::rewrite::shadow::Cast;
use crate::rewrite::site::Form;
use crate::rewrite::vet::{self, Doubt, PAIRS, Room, Verdict};
use crate::rewrite::vma::{Backing, Vma};
use crate::rewrite::writer::{OwnMemory, synchronise_cores};
use crate::rewrite::{lock, rewriter, table};
use crate::trap::{areas, entry};

/// The tree's processes are to run without the arm where they can; part of the tree file.
static CHOSEN: AtomicBool = AtomicBool::new(false);

/// Decides for it.
pub(crate) fn choose() {
    CHOSEN.store(true, Ordering::Relaxed);
    code::expect_seals();
}

/// Whether it is decided.
pub(crate) fn is_chosen() -> bool {
    CHOSEN.load(Ordering::Relaxed)
}

/// Why code may not run without the arm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reason {
    /// Of the pair at this address it is not proved what it is.
    Unproven(u64, Doubt),
    /// The mapping there is writable.
    Writable(u64),
    /// A write to a file or by another process would reach it.
    Shared(u64),
    /// It cannot be read.
    Unreadable(u64),
    /// It is longer than its file, which may grow.
    Longer(u64),
    /// A call in code that the application has made itself.
    SelfMade(u64),
    /// A call could not be made ours: no slot, no memory, no way to write.
    Unsealed(u64),
    /// Nothing is rewritten, or what is mapped cannot be told.
    Unfit,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Unproven(at, doubt) => write!(f, "the bytes at {at:#x} may be a call ({})", doubt.name()),
            Reason::Writable(at) => write!(f, "the code at {at:#x} is writable"),
            Reason::Shared(at) => write!(f, "the code at {at:#x} is shared"),
            Reason::Unreadable(at) => write!(f, "the code at {at:#x} cannot be read"),
            Reason::Longer(at) => write!(f, "the code at {at:#x} is longer than its file"),
            Reason::SelfMade(at) => write!(f, "the program has made the code at {at:#x} itself"),
            Reason::Unsealed(at) => write!(f, "the call at {at:#x} cannot be rewritten"),
            Reason::Unfit => f.write_str("its code cannot be rewritten"),
        }
    }
}

/// What of a range is vetted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Which {
    /// What can be executed.
    Executable,
    /// All of it: it is about to be executable.
    All,
}

/// Makes sure that in `range` no call can be made unseen. Waits for the rewriter's
/// lock.
///
/// # Errors
/// Why not. Sites that were rewritten before that was found stay so.
#[inline(never)]
pub(crate) fn seal(range: Range<u64>, which: Which) -> Result<(), Reason> {
    if !rewriter::is_ready() {
        return Err(Reason::Unfit);
    }
    let _guard = lock::take();
    let (maps, memory) = Maps::open().zip(OwnMemory::open()).ok_or(Reason::Unfit)?;
    // Nobody runs code of the application's meanwhile.
    let alone = areas::is_alone();
    // SAFETY: our own code.
    let trampolines = alone
        .then(|| unsafe { Cast::over(&memory, table::trampolines()) })
        .flatten();
    let work = Work {
        maps: &maps,
        memory: &memory,
        range: range.clone(),
        alone,
    };
    let sealed = load::with_room(|room| {
        let mut from = range.start;
        let next = |from| match which {
            Which::Executable => maps.next_executable(from),
            Which::All => maps.next(from),
        };
        while let Some(vma) = next(from).filter(|vma| vma.start < range.end) {
            from = vma.end;
            vet::forget(room);
            work.mapping(&vma, room)?;
        }
        Ok(())
    });
    if trampolines.is_some_and(|trampolines| !trampolines.finish(false)) {
        kernel::log::fatal("trampolines cannot be written: use USERTRAP_ARM=sud");
    }
    synchronise_cores();
    sealed.unwrap_or(Err(Reason::Unfit))
}

/// Whether anything in `range` can be executed. True where that cannot be told.
pub(crate) fn is_executable(range: &Range<u64>) -> bool {
    Maps::open().is_none_or(|maps| {
        let first = maps.next_executable(range.start);
        first.is_some_and(|vma| vma.start < range.end)
    })
}

/// Whether all that is mapped in `range` can be executed, and none of it written.
pub(crate) fn is_constant_code(range: &Range<u64>) -> bool {
    let Some(maps) = Maps::open() else { return false };
    let mut from = range.start;
    while from < range.end {
        let Some(vma) = maps.find_nameless(from).or_else(|| maps.find(from)) else {
            return false;
        };
        if !vma.protection.execute || vma.protection.write || vma.shared {
            return false;
        }
        from = vma.end;
    }
    true
}

/// Whether a range meets what is not vetted, since it is ours.
pub(crate) fn is_beside_us(range: &Range<u64>) -> bool {
    range.start < OURS.end && OURS.start < range.end
}

/// Addresses of the kernel's: the vsyscall page, whose calls the kernel makes itself.
const KERNEL: u64 = 1 << 63;

/// More bytes than are written over before a site, and looked at.
const NEAR: u64 = 64;

struct Work<'a> {
    maps: &'a Maps,
    memory: &'a OwnMemory,
    range: Range<u64>,
    /// There are no other threads.
    alone: bool,
}

impl Work<'_> {
    fn mapping(&self, vma: &Vma, room: &mut Room) -> Result<(), Reason> {
        if OURS.contains(&vma.start) || vma.start >= KERNEL {
            return Ok(());
        }
        let (start, end) = (vma.start.max(self.range.start), vma.end.min(self.range.end));
        match vma {
            Vma { protection, .. } if protection.write => return Err(Reason::Writable(start)),
            Vma { shared: true, .. } => return Err(Reason::Shared(start)),
            Vma { protection, .. } if !protection.read => return Err(Reason::Unreadable(start)),
            // Natively a private page shows what another mapping of it writes, until it is written itself.
            Vma {
                backing: Backing::Memfd,
                ..
            } => return Err(Reason::Shared(start)),
            _ => {}
        }
        let is_file = vma.backing == Backing::File;
        if is_file && load::end_of_file(vma) < end {
            return Err(Reason::Longer(start));
        }
        self.borders(start, end)?;
        let is_whole = (start, end) == (vma.start, vma.end) && vma.backing != Backing::Anonymous;
        // SAFETY: readable up to its end.
        let cast = (self.alone && is_whole)
            .then(|| unsafe { Cast::over(self.memory, start..end) })
            .flatten();
        if is_file && cast.is_none() {
            self.make_private(start, end)?;
        }
        let vetted = self.pairs(vma, start..end, cast.as_ref(), room);
        let written = cast.is_none_or(|cast| cast.finish(is_file && vetted.is_ok()));
        vetted.and(if written { Ok(()) } else { Err(Reason::Unsealed(start)) })
    }

    /// Vets all pairs of a part of a mapping, which is written by way of `cast`.
    fn pairs(&self, vma: &Vma, range: Range<u64>, cast: Option<&Cast<'_>>, room: &mut Room) -> Result<(), Reason> {
        let functions = module::functions(vma, self.maps);
        let base = module::base(vma, self.maps);
        let length = (range.end - range.start) as usize;
        // SAFETY: readable, and below the end of its file. Only the lock's holder writes code.
        let bytes = unsafe { core::slice::from_raw_parts(range.start as *const u8, length) };
        let mut last = 0;
        for pair in vet::pairs(bytes, None).map(|at| range.start + at as u64) {
            let bytes = cast.map_or_else(
                // SAFETY: as above, all of the mapping.
                || unsafe { core::slice::from_raw_parts(vma.start as *const u8, (vma.end - vma.start) as usize) },
                Cast::bytes,
            );
            let code = Code { bytes, base: vma.start };
            // What has been rewritten near it is decoded anew.
            if pair - last < NEAR {
                vet::forget(room);
            }
            last = pair;
            if is_copy_of_gate(base, &code, pair) {
                // Nobody runs that one.
                if !self.memory.write(pair, &[INVALID]) {
                    return Err(Reason::Unsealed(pair));
                }
                continue;
            }
            self.pair(pair, vma, &code, &functions, room)?;
        }
        Ok(())
    }

    /// The neighbours' bytes make no pairs with ours.
    fn borders(&self, start: u64, end: u64) -> Result<(), Reason> {
        let byte = |at: u64| -> Option<u8> {
            let is_inside = (start..end).contains(&at);
            let is_code = is_inside || self.maps.find(at).is_some_and(|vma| vma.protection.execute);
            let mut byte = [0];
            let is_read = kernel::copy_in(&mut byte, at).is_ok();
            // What cannot be read may be anything: `05` makes a pair behind `0f`.
            is_code.then(|| if is_read { byte[0] } else { 0x05 })
        };
        for at in [start, end].into_iter().filter_map(|border| border.checked_sub(1)) {
            let pair = byte(at).zip(at.checked_add(1).and_then(byte));
            if pair.is_some_and(|(first, second)| PAIRS.contains(&[first, second])) {
                return Err(Reason::Unproven(at, Doubt::NoFunction));
            }
        }
        Ok(())
    }

    /// Gives each page a copy of its own, by writing what it holds.
    fn make_private(&self, start: u64, end: u64) -> Result<(), Reason> {
        // SAFETY: readable, and below the end of its file.
        let bytes = unsafe { core::slice::from_raw_parts(start as *const u8, (end - start) as usize) };
        if self.memory.write(start, bytes) {
            Ok(())
        } else {
            Err(Reason::Unsealed(start))
        }
    }

    fn pair(
        &self,
        pair: u64,
        vma: &Vma,
        code: &Code<'_>,
        functions: &Functions,
        room: &mut Room,
    ) -> Result<(), Reason> {
        if !matches!(vma.backing, Backing::File | Backing::Vdso) {
            return Err(Reason::SelfMade(pair));
        }
        let form = match vet::judge(room, code, pair, &table::ours(), functions) {
            Verdict::Inside => return Ok(()),
            Verdict::Unproven(doubt) => return Err(Reason::Unproven(pair, doubt)),
            Verdict::Site(form) => form,
            Verdict::Trap(Refusal::Unmapped) => return Err(Reason::Unsealed(pair)),
            Verdict::Trap(_) => Form::Invalid,
        };
        for form in [form, Form::Invalid] {
            if rewriter::rewrite_as(pair, &form, vma, code, Some(self.memory)) {
                return Ok(());
            }
        }
        Err(Reason::Unsealed(pair))
    }
}

/// Whether the pair lies in the gate of this library where it is mapped as any other: as
/// `LD_PRELOAD` has it. It is the one at our address that runs, whose first byte may have
/// been changed (`rewrite::reroute`).
fn is_copy_of_gate(base: Option<u64>, code: &Code<'_>, pair: u64) -> bool {
    let gate = entry::gate_start()..entry::gate_end();
    let Some(base) = base else { return false };
    let copy = base.wrapping_add(gate.start - BASE)..base.wrapping_add(gate.end - BASE);
    let length = (copy.end - copy.start) as usize;
    // SAFETY: our own code.
    let own = unsafe { core::slice::from_raw_parts(gate.start as *const u8, length) };
    let differs = |(found, own): (&u8, &u8)| found != own && *found != INVALID;
    copy.contains(&pair)
        && code
            .slice(copy.start, length)
            .is_some_and(|found| !found.iter().zip(own).skip(1).any(differs))
}
