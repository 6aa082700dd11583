//! From a trap to a rewritten site: look up, prove, make the trampoline, write.
//!
//! All changes are made under one lock ([`lock`]). The signal handler only tries
//! it: who does not get it lets the site trap once more.

#![allow(unsafe_code, reason = "reads code")]

use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use once_cell::race::OnceRef;

use crate::abi::errno::Errno;
use crate::hook::Summary;
use crate::kernel;
use crate::kernel::log;
use crate::rewrite::decide::{AROUND, decide};
use crate::rewrite::maps::{self, Maps};
use crate::rewrite::padding::Pad;
use crate::rewrite::plan::{self, Plan, leaves_syscall, plan, plan_alone, unplan};
use crate::rewrite::refusal::Refusal;
use crate::rewrite::registry::{self, Entry, State};
use crate::rewrite::site::{Code, Form, Place};
use crate::rewrite::span::{MAX_HEAD, Span};
use crate::rewrite::trampoline::{Jump, Slot, keeps_syscall, long_jump, near_jump, short_jump, trampoline};
use crate::rewrite::vma::{Backing, Policy, Vma};
use crate::rewrite::writer::{OwnMemory, Writer};
use crate::rewrite::{lock, module, table, vetted, warm};
use crate::setup::config::Level;
use crate::trap::{areas, disarmed};

/// Traps after which code that the application made itself is rewritten.
const HOT: u32 = 4096;
/// More than the distance between a site and its padding.
pub(super) const NEAR: u64 = 256;

#[unsafe(link_section = ".data")]
static ENABLED: AtomicBool = AtomicBool::new(false);

/// Nothing is rewritten any more ([`restore_all`]).
#[unsafe(link_section = ".data")]
static STOPPED: AtomicBool = AtomicBool::new(false);

/// Where the trampolines jump to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Targets {
    /// For a number: the entry that serves it.
    pub(crate) of_number: fn(u32) -> u64,
    /// For sites whose number is in rax.
    pub(crate) any: fn() -> u64,
}

/// Threads that existed before us and have no area yet: a rewritten site would
/// lead them into the entry without one. Until each has trapped once, nothing
/// is rewritten. Unknown at first.
static STRANGERS: AtomicI32 = AtomicI32::new(UNKNOWN);
const UNKNOWN: i32 = 1 << 24;

/// The process is armed, and had `count` other threads then.
pub(crate) fn count_strangers(count: u32) {
    STRANGERS.fetch_add(count as i32 - UNKNOWN, Ordering::Relaxed);
}

/// One of them has got its area, and is counted among the threads.
pub(crate) fn stranger_adopted() {
    STRANGERS.fetch_sub(1, Ordering::Release);
}

#[unsafe(link_section = ".data")]
static TARGETS: OnceRef<'static, Targets> = OnceRef::new();

/// Lets sites be rewritten from now on.
pub(crate) fn enable(targets: &'static Targets) {
    let _ = TARGETS.set(targets);
    ENABLED.store(true, Ordering::Relaxed);
}

/// Whether sites can be rewritten now.
pub(super) fn is_ready() -> bool {
    ENABLED.load(Ordering::Relaxed) && STRANGERS.load(Ordering::Acquire) <= 0 && !STOPPED.load(Ordering::Relaxed)
}

/// Whether the site has been rewritten, and still has its jump.
pub(super) fn is_rewritten(site: u64) -> bool {
    registry::find(site).is_some_and(|entry| entry.state() == State::Rewritten && !is_stale(entry))
}

/// Rewrites a site that has not been executed, in a form that has been proved. False if
/// that cannot be. Under the lock.
pub(super) fn rewrite_as(site: u64, form: &Form, vma: &Vma, code: &Code<'_>, memory: Option<&OwnMemory>) -> bool {
    let Some(entry) = registry::insert(site) else {
        return false;
    };
    let written = write_form(entry, site, form, vma, code, memory);
    if let Err(reason) = written {
        entry.refuse(reason);
    }
    written.is_ok()
}

/// Called for each trap at the `syscall` at `site` with this `rax`, from the
/// signal handler: rewrites the site if that can be done now.
pub(crate) fn consider(site: u64, rax: u64) {
    if !ENABLED.load(Ordering::Relaxed) || STRANGERS.load(Ordering::Acquire) > 0 {
        return;
    }
    if !warm::is_due(site) {
        return;
    }
    let known = registry::find(site);
    if let Some(entry) = known {
        match entry.state() {
            State::Changing => return,
            State::Rewritten if !is_stale(entry) => return,
            State::Rewritten => entry.hits.store(0, Ordering::Relaxed),
            State::Seen => {}
        }
        let hits = entry.hits.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let due = match entry.reason() {
            // Now and then again, since another thread may have the lock.
            Refusal::SelfMade => hits >= HOT && hits.is_multiple_of(HOT / 16),
            Refusal::Contended => true,
            // A failed proof is for now: a later call may come with the right
            // number, or from other code.
            _ => hits.is_power_of_two(),
        };
        if !due {
            return;
        }
    }
    let Some(_guard) = lock::take_if_free() else { return };
    if STOPPED.load(Ordering::Relaxed) {
        return;
    }
    let Some(entry) = known.or_else(|| registry::insert(site)) else {
        return;
    };
    // Another thread, with the same trap, may have had the lock in between.
    let done = match entry.state() {
        State::Seen => false,
        State::Rewritten => !is_stale(entry),
        State::Changing => true,
    };
    if done {
        return;
    }
    if let Err(reason) = rewrite(entry, site, rax) {
        entry.refuse(reason);
        log::line(
            Level::Debug,
            format_args!("site {site:#x}, number {}: {}", rax as u32, reason.name()),
        );
    }
}

/// Whether a rewritten site has other bytes by now: the application has put
/// new code there.
pub(super) fn is_stale(entry: &Entry) -> bool {
    let slot = slot_of(entry);
    let site = entry.address();
    match form_of(entry) {
        Form::Invalid => !holds(site, Some([plan::INVALID])),
        Form::Short { pad } => !pad_jumps(pad.at, slot) || !holds(site, short_jump(site, pad.at)),
        Form::Span { span } => {
            let mut found = [0; MAX_HEAD];
            let head = site.wrapping_sub(span.head.into());
            let jump = span.jump(slot.address);
            let (Some((jump, length)), Some(found)) = (jump, found.get_mut(..span.patched.into())) else {
                return true;
            };
            let length = length.min(found.len());
            kernel::copy_in(found, head).is_err() || found.get(..length) != jump.get(..length)
        }
        form => !holds(
            site.wrapping_sub(form.head().unwrap_or(0)),
            Some(long_jump(slot.address)),
        ),
    }
}

/// The slot of a site that has one.
pub(super) fn slot_of(entry: &Entry) -> Slot {
    let index = entry.slot.load(Ordering::Relaxed).wrapping_sub(1) as usize;
    table::slot(index, &form_of(entry))
}

/// Whether a jump to the slot's trampoline lies at `pad`.
pub(super) fn pad_jumps(pad: u64, slot: Slot) -> bool {
    holds(pad, near_jump(pad, slot.trampoline)) || holds(pad, Some(long_jump(slot.address)))
}

/// Whether these bytes lie at `address`.
fn holds<const N: usize>(address: u64, bytes: Option<[u8; N]>) -> bool {
    let mut found = [0; N];
    kernel::copy_in(&mut found, address).is_ok() && bytes == Some(found)
}

fn rewrite(entry: &Entry, site: u64, rax: u64) -> Result<(), Refusal> {
    let maps = Maps::open().ok_or(Refusal::Unmapped)?;
    let vma = module::mapping(&maps, site).ok_or(Refusal::Unmapped)?;
    let policy = vma.policy()?;
    if policy == Policy::PatchWhenHot && entry.hits.load(Ordering::Relaxed) < HOT {
        return Err(Refusal::SelfMade);
    }
    let code = code_around(&vma, site);
    let functions = module::functions(&vma, &maps);
    if vma.backing == Backing::Vdso && functions.at(site).is_none() {
        return Err(Refusal::KernelMade);
    }
    let mut decided = decide(&Place::new(&code, site, rax, &table::ours()), |address| {
        functions.at(address)
    });
    if decided.is_err()
        && functions.are_unknown()
        && let Some(window) = module::window(&vma, &maps, site)
    {
        decided = decide(&Place::new(&code, site, rax, &table::ours()), |address| {
            window.at(address)
        });
    }
    drop(maps);
    let form = decided?;
    if policy == Policy::PatchWhenHot && matches!(form, Form::Short { .. }) {
        // Its padding would keep a jump when the code gets its bytes back.
        return Err(Refusal::SelfMade);
    }
    write_form(entry, site, &form, &vma, &code, OwnMemory::open().as_ref())
}

/// Writes the jump of a form that has been proved.
fn write_form(
    entry: &Entry,
    site: u64,
    form: &Form,
    vma: &Vma,
    code: &Code<'_>,
    memory: Option<&OwnMemory>,
) -> Result<(), Refusal> {
    let slot = slot_for(entry, site, form, memory)?;
    let original: [u8; 7] = site
        .checked_sub(5)
        .and_then(|head| code.array(head))
        .ok_or(Refusal::Boundary)?;
    let alone = areas::is_alone();
    let plan = if alone { plan_alone } else { plan };
    let place = table::slot(slot, form);
    if vetted::is_chosen() && head_keeps_syscall(form, place) {
        // It would stay where it is, in the jump.
        return Err(Refusal::TableFull);
    }
    let plan = plan(form, site, place, &original).ok_or(Refusal::TableFull)?;
    let pad = if let Form::Short { pad } = *form { pad.at } else { 0 };
    entry.pad.store(pad, Ordering::Relaxed);
    if let Form::Span { span } = form {
        entry.set_span_bytes(&span.bytes).ok_or(Refusal::TableFull)?;
    }
    entry.original.store(pack(&original), Ordering::Relaxed);
    entry.set_state(State::Changing);
    let writer = Writer::new(vma, memory);
    let write = |plan: &Plan| {
        if alone {
            writer.write_alone(plan)
        } else {
            writer.write(plan)
        }
    };
    let seal = plan::seal(site).filter(|_| is_sealed(form));
    let written = write(&plan).and_then(|()| seal.map_or(Ok(()), |seal| write(&seal)));
    match written {
        Ok(()) => {
            entry.hits.store(0, Ordering::Relaxed);
            entry.set_state(State::Rewritten);
            Ok(())
        }
        Err(_) => Err(Refusal::Unwritable),
    }
}

/// The slot whose trampoline serves this form of this site: the one it had, if
/// the form is the same and its code as well, else a new one.
fn slot_for(entry: &Entry, site: u64, form: &Form, memory: Option<&OwnMemory>) -> Result<usize, Refusal> {
    let targets = TARGETS.get().ok_or(Refusal::TableFull)?;
    let target = match form {
        Form::Number { nr } | Form::Wide { nr } => (targets.of_number)(*nr),
        Form::Replay { .. } | Form::Span { .. } | Form::Short { .. } | Form::Invalid => (targets.any)(),
    };
    let return_address = site.wrapping_add(2);
    let make = |slot| trampoline(form, table::trampoline_address(slot), return_address, target);
    let key = form_key(form);
    let had = entry
        .slot
        .load(Ordering::Relaxed)
        .checked_sub(1)
        .map(|slot| slot as usize);
    if let Some(slot) = had.filter(|_| entry.form.load(Ordering::Relaxed) == key)
        && make(slot).is_some_and(|made| made.bytes == *table::trampoline_of(slot))
    {
        return Ok(slot);
    }
    let slot = table::next_slot(form).ok_or(Refusal::TableFull)?;
    let made = make(slot).ok_or(Refusal::TableFull)?;
    table::install(slot, form, &made, return_address, memory).map_err(|_| Refusal::TableFull)?;
    entry.form.store(key, Ordering::Relaxed);
    entry.slot.store(slot as u32 + 1, Ordering::Relaxed);
    Ok(slot)
}

/// In a form's key: the number was loaded by `mov $nr,%rax`.
const WIDE: u64 = 1 << 61;
/// It is a span, and the key says where it begins, what is overwritten, where
/// instructions began and how long the jump is.
const SPAN: u64 = 1 << 60;

/// It has no jump.
const NO_JUMP: u64 = 1 << 59;

/// As much of a rewritten site's form as undoing it needs.
pub(super) fn form_of(entry: &Entry) -> Form {
    let key = entry.form.load(Ordering::Relaxed);
    match entry.pad.load(Ordering::Relaxed) {
        0 if key & SPAN != 0 => {
            let [head, patched, starts, prefixed, ..] = key.to_le_bytes();
            let bytes = entry.span_bytes();
            Form::Span {
                span: Span {
                    head,
                    patched,
                    starts,
                    prefixed: prefixed != 0,
                    bytes,
                },
            }
        }
        0 if key == NO_JUMP => Form::Invalid,
        0 if key >> 62 == 1 && key & WIDE != 0 => Form::Wide { nr: key as u32 },
        // Which of the two five-byte forms it was makes no difference.
        0 => Form::Number { nr: key as u32 },
        // Nor what the padding holds, which is left alone.
        at => Form::Short {
            pad: Pad {
                at,
                len: 0,
                jump: Jump::Long,
            },
        },
    }
}

/// What tells the trampolines of one site apart.
fn form_key(form: &Form) -> u64 {
    match form {
        Form::Number { nr } => u64::from(*nr) | 1 << 62,
        Form::Wide { nr } => u64::from(*nr) | WIDE | 1 << 62,
        Form::Replay { insn: [a, b, c, d, e] } => u64::from_le_bytes([*a, *b, *c, *d, *e, 0, 0, 0]) | 2 << 62,
        Form::Span { span } => {
            let prefixed = span.prefixed.into();
            u64::from_le_bytes([span.head, span.patched, span.starts, prefixed, 0, 0, 0, 0]) | SPAN
        }
        Form::Short { .. } => 3 << 62,
        Form::Invalid => NO_JUMP,
    }
}

fn pack(bytes: &[u8; 7]) -> u64 {
    let [a, b, c, d, e, f, g] = *bytes;
    u64::from_le_bytes([a, b, c, d, e, f, g, 0])
}

pub(super) fn unpack(word: u64) -> [u8; 7] {
    let [a, b, c, d, e, f, g, _] = word.to_le_bytes();
    [a, b, c, d, e, f, g]
}

/// The bytes around a site that its proof may look at, inside its mapping.
fn code_around<'a>(vma: &Vma, site: u64) -> Code<'a> {
    let start = site.saturating_sub(AROUND).max(vma.start);
    let end = site.saturating_add(AROUND).min(vma.end);
    // SAFETY: the range lies in one readable mapping. The prover reads from the
    // function that the CPU has just executed and its neighbours, which are in
    // the file as far as they are mapped. Only the lock's holder writes code.
    let bytes = unsafe { core::slice::from_raw_parts(start as *const u8, (end - start) as usize) };
    Code { bytes, base: start }
}

/// Puts the original bytes back at all rewritten sites in or near `range`, and
/// then, while nothing can be rewritten, runs `then`. None, and `then` is not
/// run, if nothing is ever rewritten.
///
/// The lock is taken even when no site is near: another thread may be about to
/// rewrite one, and has asked the kernel already what the mapping is.
pub(crate) fn restore_range<R>(range: Range<u64>, then: impl FnOnce() -> R) -> Option<R> {
    if !ENABLED.load(Ordering::Relaxed) {
        return None;
    }
    // The padding of a short jump may be in the range when its site is not.
    let near = range.start.saturating_sub(NEAR)..range.end.saturating_add(NEAR);
    let _guard = lock::take();
    rewritten()
        .filter(|entry| near.contains(&entry.address()))
        .for_each(|entry| {
            let _ = restore(entry, Refusal::Writable);
        });
    Some(then())
}

/// Puts the original bytes back at all rewritten sites, for good: from now on
/// nothing is rewritten, and every call takes the trap. Padding that holds a
/// jump keeps it, and trampolines stay: a thread may be there, and goes on.
///
/// Returns how many sites could not be restored: their memory cannot be written.
pub(crate) fn restore_all() -> usize {
    let _guard = lock::take();
    STOPPED.store(true, Ordering::Relaxed);
    rewritten()
        .filter(|entry| restore(entry, Refusal::Stopped).is_err())
        .count()
}

/// The sites that are rewritten now; under the lock.
fn rewritten() -> impl Iterator<Item = &'static Entry> {
    (0..table::used())
        .map(|slot| table::return_address(slot).wrapping_sub(2))
        .filter_map(registry::find)
        .filter(|entry| entry.state() == State::Rewritten)
}

fn restore(entry: &Entry, reason: Refusal) -> Result<(), Errno> {
    if is_stale(entry) {
        entry.refuse(Refusal::Contended);
        return Ok(());
    }
    let site = entry.address();
    let vma = maps::find(site).ok_or(Errno::EFAULT)?;
    let slot = slot_of(entry);
    let form = form_of(entry);
    let original = unpack(entry.original.load(Ordering::Relaxed));
    let plan = unplan(&form, site, slot, &original).ok_or(Errno::EFAULT)?;
    entry.set_state(State::Changing);
    let memory = OwnMemory::open();
    let writer = Writer::new(&vma, memory.as_ref());
    // Where nothing else traps a call that has its bytes back.
    disarmed::end();
    let unseal = plan::unseal(site).filter(|_| is_sealed(&form));
    let written = unseal
        .map_or(Ok(()), |unseal| writer.write(&unseal))
        .and_then(|()| writer.write(&plan));
    entry.refuse(reason);
    written
}

/// Whether the `syscall` of a site in this form is made an invalid opcode.
fn is_sealed(form: &Form) -> bool {
    vetted::is_chosen() && leaves_syscall(form)
}

/// Whether the jump has the `syscall` for its last two bytes, or the first of them for its
/// last one.
fn head_keeps_syscall(form: &Form, slot: Slot) -> bool {
    match form {
        Form::Number { .. } | Form::Replay { .. } => keeps_syscall(slot.address),
        Form::Span { span } => span.needs_syscall(),
        Form::Wide { .. } | Form::Short { .. } | Form::Invalid => false,
    }
}

/// Adds the sites to a report.
pub(crate) fn summarize(summary: &mut Summary) {
    for entry in registry::iter() {
        match entry.state() {
            State::Rewritten | State::Changing => summary.rewritten += 1,
            State::Seen => {
                if let Some(count) = summary.refused.get_mut(entry.reason() as usize) {
                    *count += 1;
                }
            }
        }
    }
}
