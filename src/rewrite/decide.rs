//! What becomes of a site: the first form that can be proved and whose bytes lie
//! on one page. Pure, so that a tool says of a file what the library would do.

use super::eh_frame::Function;
use super::plan::plan_alone;
use super::refusal::Refusal;
use super::site::{Form, Place, prove_among, prove_span};
use super::trampoline::{Ours, Slot};

const PAGE: u64 = 4096;

/// Code on each side of a site that a proof gets to see.
pub const AROUND: u64 = 64 << 10;

/// How the `syscall` at a place is rewritten, or why it is not.
///
/// # Errors
/// The reason to leave it as it is.
pub fn decide(place: &Place<'_>, functions: impl Fn(u64) -> Option<Function>) -> Result<Form, Refusal> {
    let Place { code, site, ours, .. } = *place;
    let original = site.checked_sub(5).and_then(|head| code.array(head));
    let original = original.ok_or(Refusal::Boundary)?;
    let form = prove_among(place, &functions)?;
    if is_on_one_page(&form, site, ours, &original) {
        return Ok(form);
    }
    // A jump further before the site may lie on the page before.
    prove_span(code, site, ours, &functions)
        .map(|span| Form::Span { span })
        .filter(|form| is_on_one_page(form, site, ours, &original))
        .ok_or(Refusal::PageEnd)
}

/// Whether all that is written lies on one page: of two the application could
/// unmap, drop or protect one, and be left with half a jump.
fn is_on_one_page(form: &Form, site: u64, ours: &Ours, original: &[u8; 7]) -> bool {
    let slot = Slot {
        address: ours.table_of(form),
        trampoline: ours.trampolines,
    };
    let Some(plan) = plan_alone(form, site, slot, original) else {
        // For want of a slot in reach, which is told otherwise.
        return true;
    };
    let mut pages = plan.writes().iter().flat_map(|write| {
        let last = (write.len as u64).saturating_sub(1);
        [write.at, write.at.saturating_add(last)]
    });
    let first = pages.next().map(|at| at / PAGE);
    pages.all(|at| Some(at / PAGE) == first)
}
