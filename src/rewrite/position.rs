//! Where a thread is that stands in bytes of ours: in a site that is being
//! rewritten, in padding, in a trampoline.

use core::sync::atomic::Ordering;

use crate::kernel;
use crate::rewrite::plan::INVALID;
use crate::rewrite::registry::{self, Entry, State};
use crate::rewrite::rewriter::{NEAR, form_of, is_stale, pad_jumps, slot_of, unpack};
use crate::rewrite::site::Form;
use crate::rewrite::span::{MAX_HEAD, REX_W};
use crate::rewrite::table;
use crate::rewrite::trampoline::wide_number;

/// Where a thread goes on that met an invalid opcode of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Resume {
    /// In a trampoline, at an instruction of the site's.
    Trampoline(u64),
    /// In the entry: the call is to be made, with rax as it is.
    Call {
        /// Behind the site.
        return_address: u64,
    },
    /// Where it is: the opcode is gone by now.
    Again,
}

/// `jmp *disp32` begins so.
const JUMP_OPCODE: u8 = 0xff;

/// A SIGILL at `rip`: None if it is the application's own.
pub(crate) fn invalid_opcode(rip: u64) -> Option<Resume> {
    let before = (1..=MAX_HEAD as u64).find_map(|distance| {
        let entry = registry::find(rip.wrapping_add(distance))?;
        Before::of(entry, distance).map(|place| (entry, place))
    });
    let at_site = registry::find(rip);
    let mut found = [0];
    let endings = registry::endings();
    if before.is_none() && at_site.is_none() || kernel::copy_in(&mut found, rip).is_err() {
        return None;
    }
    let [opcode] = found;
    let stops = |place: &Before| opcode == INVALID || place.offset != 0 && opcode == place.jump;
    if opcode == INVALID || before.as_ref().is_some_and(|(_, place)| stops(place)) {
        if let Some((entry, place)) = before.filter(|(entry, _)| entry.state() != State::Seen) {
            return Some(Resume::Trampoline(slot_of(entry).trampoline + place.offset));
        }
        if at_site.is_some_and(|entry| entry.state() != State::Seen) {
            let return_address = rip.wrapping_add(2);
            return Some(Resume::Call { return_address });
        }
        // The change to which the byte belonged may have ended before the state
        // was looked at.
        return (registry::endings() != endings).then_some(Resume::Again);
    }
    // Changed between the exception and here: to the end of a rewrite, or back
    // to the original.
    let ours = |entry: &Entry, original: u8, jump: u8| {
        entry.slot.load(Ordering::Relaxed) != 0 && (found == [jump] || found == [original])
    };
    let gone = before.is_some_and(|(entry, place)| ours(entry, place.original, place.jump))
        || at_site.is_some_and(|entry| ours(entry, 0x0f, 0xeb));
    gone.then_some(Resume::Again)
}

/// Where an instruction began that the jump in front of a site replaces.
struct Before {
    /// From the start of the jump, and of the trampoline.
    offset: u64,
    /// The byte that was there.
    original: u8,
    /// The byte that is there in the end.
    jump: u8,
}

impl Before {
    /// The one that began `distance` bytes before the site.
    fn of(entry: &Entry, distance: u64) -> Option<Before> {
        let form = form_of(entry);
        let offset = form.head()?.checked_sub(distance)?;
        let [first, ..] = unpack(entry.original.load(Ordering::Relaxed));
        let [wide, ..] = wide_number(0);
        let (original, jump) = match form {
            Form::Span { span } if offset == 0 => {
                let [first, ..] = span.bytes;
                (first, if span.prefixed { REX_W } else { JUMP_OPCODE })
            }
            Form::Span { span } => {
                let at = span.inner().find(|at| *at as u64 == offset)?;
                let (jump, _) = span.jump(slot_of(entry).address)?;
                (*span.bytes.get(at)?, *jump.get(at)?)
            }
            Form::Wide { .. } if offset == 0 => (wide, JUMP_OPCODE),
            Form::Number { .. } | Form::Replay { .. } if offset == 0 => (first, JUMP_OPCODE),
            _ => return None,
        };
        Some(Before { offset, original, jump })
    }
}

/// Whether the jump to its trampoline stands in front of the `syscall` at `site`.
pub(crate) fn is_rewritten(site: u64) -> bool {
    registry::find(site).is_some_and(|entry| {
        let has_jump = form_of(entry).head().is_some();
        entry.state() == State::Rewritten && has_jump && !is_stale(entry)
    })
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
