//! `USERTRAP_REWRITE=load`: sites are rewritten before their first call, when the
//! code that they are in becomes executable.
//!
//! What has not been executed has to be proved by the bytes alone (`rewrite::vet`).
//! Sites that are not, and those of code that the application makes itself, are
//! rewritten when they trap, as ever.

#![allow(unsafe_code, reason = "reads code")]

use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::image::BASE;
use crate::kernel::{self, user};
use crate::rewrite::code::Code;
use crate::rewrite::maps::Maps;
use crate::rewrite::vet::{self, Room, Verdict};
use crate::rewrite::vma::{Policy, Vma};
use crate::rewrite::writer::{OwnMemory, synchronise_cores};
use crate::rewrite::{lock, module, rewriter, table};

const PAGE: u64 = 4096;
/// Where our image lies, and what belongs to it: the code of hook libraries.
pub(super) const OURS: Range<u64> = BASE..BASE + (4 << 30);
const SYSCALL: [u8; 2] = [0x0f, 0x05];

/// Slots that sites may take before their first call; the others are for those that
/// are called.
const MOST: usize = table::SLOTS * 3 / 4;

static CHOSEN: AtomicBool = AtomicBool::new(false);

/// Settles whether sites are rewritten before their first call.
pub(crate) fn choose(load: bool) {
    CHOSEN.store(load, Ordering::Relaxed);
}

/// Whether they are.
pub(crate) fn is_chosen() -> bool {
    CHOSEN.load(Ordering::Relaxed)
}

/// Whether a mapping of this protection is looked through, if it is executable.
pub(crate) fn is_code(protection: u64) -> bool {
    let rights = protection as i32 & (libc::PROT_WRITE | libc::PROT_EXEC);
    is_chosen() && rights == libc::PROT_EXEC
}

/// Rewrites what can be proved in the code of files that is mapped in `range`. Waits
/// for the rewriter's lock.
#[inline(never)]
pub(crate) fn rewrite(range: Range<u64>) {
    if !is_chosen() || !rewriter::is_ready() {
        return;
    }
    let _guard = lock::take();
    let Some(maps) = Maps::open() else { return };
    let memory = OwnMemory::open();
    with_room(|room| {
        let mut from = range.start;
        while let Some(vma) = maps.next_executable(from).filter(|vma| vma.start < range.end) {
            from = vma.end;
            if vma.policy() == Ok(Policy::Patch) && !OURS.contains(&vma.start) {
                vet::forget(room);
                in_mapping(&vma, &range, &maps, memory.as_ref(), room);
            }
        }
    });
    synchronise_cores();
}

/// Lends room for proofs. None if there is no memory.
pub(super) fn with_room<R>(prove: impl FnOnce(&mut Room) -> R) -> Option<R> {
    let writable = libc::PROT_READ | libc::PROT_WRITE;
    let place = kernel::map(0, size_of::<Room>(), writable, 0).ok()?;
    // SAFETY: fresh pages of ours, whose zeros are valid (`vet::room`).
    let room = unsafe { &mut *(place as *mut Room) };
    let result = prove(room);
    // SAFETY: it is not used any more.
    unsafe { kernel::unmap(place, size_of::<Room>()) };
    Some(result)
}

fn in_mapping(vma: &Vma, range: &Range<u64>, maps: &Maps, memory: Option<&OwnMemory>, room: &mut Room) {
    let end = end_of_file(vma);
    // SAFETY: the mapping is readable up to there. Only the lock's holder writes code.
    let bytes = unsafe { core::slice::from_raw_parts(vma.start as *const u8, (end - vma.start) as usize) };
    let code = Code { bytes, base: vma.start };
    let functions = module::functions(vma, maps);
    let sites = vet::pairs(bytes, None).map(|at| vma.start + at as u64);
    for site in sites.filter(|site| range.contains(site)) {
        if table::used() >= MOST || !rewriter::is_ready() {
            return;
        }
        if code.array(site) != Some(SYSCALL) || rewriter::is_rewritten(site) {
            continue;
        }
        let verdict = vet::judge(room, &code, site, &table::ours(), &functions);
        if let Verdict::Site(form) = verdict {
            rewriter::rewrite_as(site, &form, vma, &code, memory);
            vet::forget(room);
        }
    }
}

/// Where a mapping of a file can no longer be read: it may be longer than the file.
pub(super) fn end_of_file(vma: &Vma) -> u64 {
    let pages = (vma.start..vma.end).step_by(PAGE as usize);
    pages.into_iter().find(|page| !user::can_read(*page)).unwrap_or(vma.end)
}
