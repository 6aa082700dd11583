//! Where a thread is that stands in bytes of ours: in a site that is being
//! rewritten, in padding, in a trampoline.

use core::sync::atomic::Ordering;

use crate::kernel;
use crate::rewrite::plan::INVALID;
use crate::rewrite::registry::{self, Entry, State};
use crate::rewrite::rewriter::{NEAR, head_of, pad_jumps, slot_of, unpack};
use crate::rewrite::table;
use crate::rewrite::trampoline::wide_number;

/// Where a thread goes on that met an invalid opcode of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Resume {
    /// At the start of a trampoline.
    Trampoline(u64),
    /// In the entry: the call is to be made, with rax as it is.
    Call {
        /// Behind the site.
        return_address: u64,
    },
    /// Where it is: the opcode is gone by now.
    Again,
}

/// `jmp *disp32`, without the displacement.
const LONG_JUMP: [u8; 3] = [0xff, 0x24, 0x25];

/// A SIGILL at `rip`: None if it is the application's own.
pub(crate) fn invalid_opcode(rip: u64) -> Option<Resume> {
    let at_head = [5, 7]
        .into_iter()
        .find_map(|length| registry::find(rip.wrapping_add(length)).filter(|entry| head_of(entry) == Some(length)));
    let at_site = registry::find(rip);
    let mut found = [0];
    if at_head.or(at_site).is_none() || kernel::copy_in(&mut found, rip).is_err() {
        return None;
    }
    if found == [INVALID] {
        if let Some(entry) = at_head.filter(|entry| entry.state() != State::Seen) {
            return Some(Resume::Trampoline(slot_of(entry).trampoline));
        }
        let return_address = rip.wrapping_add(2);
        return at_site
            .filter(|entry| entry.state() != State::Seen)
            .map(|_| Resume::Call { return_address });
    }
    // Changed between the exception and here: to the end of a rewrite, or back
    // to the original.
    let ours = |entry: &Entry, original: u8, jump: u8| {
        entry.slot.load(Ordering::Relaxed) != 0 && (found == [jump] || found == [original])
    };
    let gone = at_head.is_some_and(|entry| ours(entry, head_byte(entry), 0xff))
        || at_site.is_some_and(|entry| ours(entry, 0x0f, 0xeb));
    gone.then_some(Resume::Again)
}

/// Whether the jump to its trampoline stands in front of the `syscall` at `site`.
pub(crate) fn is_rewritten(site: u64) -> bool {
    let mut found = [0; LONG_JUMP.len()];
    registry::find(site)
        .filter(|entry| entry.state() == State::Rewritten)
        .and_then(head_of)
        .is_some_and(|length| kernel::copy_in(&mut found, site.wrapping_sub(length)).is_ok())
        && found == LONG_JUMP
}

/// The first byte of the instruction that a long jump replaces.
fn head_byte(entry: &Entry) -> u8 {
    let [first, ..] = unpack(entry.original.load(Ordering::Relaxed));
    let [wide, ..] = wide_number(0);
    if head_of(entry) == Some(7) { wide } else { first }
}

/// The application's place for a place in a trampoline, or in padding.
pub(crate) fn site_position(rip: u64) -> Option<u64> {
    table::site_position(rip).or_else(|| padding_position(rip))
}

/// The site whose jump to its trampoline lies at `rip`, in padding.
pub(crate) fn padding_position(rip: u64) -> Option<u64> {
    let mut sites = (0..table::used()).map(|slot| table::return_address(slot).wrapping_sub(2));
    sites.find(|site| {
        site.abs_diff(rip) < NEAR
            && registry::find(*site)
                .is_some_and(|entry| entry.pad.load(Ordering::Relaxed) == rip && pad_jumps(rip, slot_of(entry)))
    })
}
