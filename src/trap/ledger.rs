//! The process and its threads in the ledger: who comes in, who leaves, and
//! where each thread's words are.

#![allow(unsafe_code, reason = "gives areas their words")]

use core::sync::atomic::{AtomicU16, AtomicU64, Ordering};

use crate::hook::Hook;
use crate::kernel::{self, log, process};
use crate::ledger::{self, Executed, Holder, Ledger, Member, NATIVE, Record, Shape};
use crate::setup::config::Level;
use crate::trap::area::{Kind, ThreadArea};
use crate::trap::areas;
use crate::trap::clock;
use crate::trap::descriptors::{self, Kept};
use crate::trap::dispatch;

/// The pid namespace of this process, as far as we know: see [`Holder`].
static NAMESPACE: AtomicU16 = AtomicU16::new(0);
/// Blocks that the process has had since before it executed this program, and
/// that no thread uses: a bit each.
static SPARE: [AtomicU64; ledger::MOST_BLOCKS / 64] = [const { AtomicU64::new(0) }; ledger::MOST_BLOCKS / 64];

/// The block that the first thread goes on with, plus 1.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Whether the hook's own words go on in a program that a thread executes.
fn goes_on() -> bool {
    let tree = dispatch::hook().and_then(|hook| hook.tree());
    tree.is_some_and(|tree| tree.goes_on)
}

fn me() -> Holder {
    Holder {
        pid: kernel::getpid(),
        namespace: NAMESPACE.load(Ordering::Relaxed),
    }
}

/// Whether a process is gone. Of one in another pid namespace we cannot know.
pub(crate) fn is_dead(holder: Holder) -> bool {
    holder.namespace == NAMESPACE.load(Ordering::Relaxed) && kernel::is_dead(holder.pid)
}

/// Makes the ledger of a tree, if the hook wants one: at `offset` of the tree
/// file, or in a file of its own (`file` is −1). Before any process has
/// [entered](enter) it.
#[cfg(not(any(test, feature = "std")))]
pub(crate) fn create(hook: &dyn Hook, file: i32, offset: u64) {
    let Some(tree) = hook.tree() else { return };
    let shape = Shape {
        words: hook.thread_words(),
        own: tree.own,
        rows: tree.rows,
        cells: tree.cells,
    };
    let made = match file {
        ..0 => process::memory_file(c"usertrap").and_then(|fd| {
            let made = ledger::create(fd, 0, shape);
            kernel::close(fd);
            made
        }),
        fd => ledger::create(fd, offset, shape),
    };
    if let Err(errno) = made {
        log::line(
            Level::Warn,
            format_args!(
                "no memory that processes can share (errno {}): each counts for itself",
                errno.number()
            ),
        );
    }
}

/// Finds the ledger in the tree file: in the image of a new program.
#[cfg(not(any(test, feature = "std")))]
pub(crate) fn attach(offset: u64) {
    if dispatch::hook().is_some_and(|hook| hook.tree().is_some()) {
        // Without one each process counts for itself.
        let _ = ledger::attach(descriptors::PROCESS.get(Kept::Tree), offset);
    }
}

/// This process comes in, as the first of the tree or after an exec; before its
/// first area, which has had `block`, less 1, before. The call by which it executed its
/// program, if it did.
pub(crate) fn enter(block: u64) -> Option<u32> {
    let ledger = ledger::ledger()?;
    let name = words_of(process::thread_name());
    let (record, holder, number) = match ledger.after_exec(kernel::getpid()) {
        Executed::Known { record, holder, number } => (Some(record), holder, Some(number)),
        Executed::New(holder) => (None, holder, Some(libc::SYS_execve as u32)),
        Executed::Unknown => (None, me(), None),
    };
    NAMESPACE.store(holder.namespace, Ordering::Relaxed);
    let Some(record) = record else {
        join(ledger, name);
        if ledger.root().is_none()
            && let Some((_, record)) = ledger::own_record()
        {
            ledger.set_root(record);
        }
        return number;
    };
    ledger.set_name(record, name);
    for block in ledger.blocks_of(record) {
        if let Some(spare) = SPARE.get(block / 64) {
            spare.fetch_or(1 << (block % 64), Ordering::Relaxed);
        }
    }
    ledger::set_own_record(Some(record));
    if goes_on() {
        NEXT.store(block, Ordering::Relaxed);
    }
    number
}

/// The first thread of a program that was executed has its area: its own words go on
/// with this one, if they begin anew.
pub(crate) fn go_on(area: &ThreadArea, word: u64) {
    if goes_on()
        && let Some(first) = area.call.words.first()
    {
        first.store(word, Ordering::Relaxed);
    }
}

fn words_of(name: [u8; 16]) -> [u64; 2] {
    let (words, _) = name.as_chunks::<8>();
    let word = |index: usize| words.get(index).map_or(0, |word| u64::from_ne_bytes(*word));
    [word(0), word(1)]
}

/// This process gets a record.
fn join(ledger: Ledger<'_>, name: [u64; 2]) {
    let parent = kernel::getppid();
    let member = Member {
        holder: me(),
        parent,
        name,
        began: clock::now_if_it_runs(),
    };
    let record = ledger.take_record(member).or_else(|| {
        ledger.scavenge(member.holder, is_dead);
        ledger.take_record(member)
    });
    match record {
        // The first of a pid namespace, or one that was put into it.
        Some(record) if parent == 0 && ledger.root().is_some() => {
            NAMESPACE.store(record as u16 + 1, Ordering::Relaxed);
            ledger.set_holder(record, me());
        }
        Some(_) => {}
        None => ledger.add_bare_process(),
    }
    ledger::set_own_record(record);
}

/// The child of a fork comes in, with its parent's memory.
pub(crate) fn forked(own: &mut ThreadArea) {
    let parent = ledger::own_record();
    ledger::next_epoch();
    let Some(ledger) = ledger::ledger() else { return };
    // Pages that were never written stay shared with the parent.
    for spare in SPARE.iter().filter(|spare| spare.load(Ordering::Relaxed) != 0) {
        spare.store(0, Ordering::Relaxed);
    }
    let name = match parent {
        Some((_, record)) => ledger.name(record),
        None => words_of(process::thread_name()),
    };
    join(ledger, name);
    // SAFETY: the area is the caller's own.
    unsafe { equip(own) };
}

/// The process is about to execute a program. One that shares its parent's
/// memory has counted for the parent, and begins a record of its own.
pub(crate) fn before_exec(area: &ThreadArea) {
    let Some((ledger, record)) = ledger::own_record() else {
        return;
    };
    let me = me();
    if area.kind == Kind::Thread {
        ledger.before_exec(record, me.pid, area.call.number());
    } else {
        ledger.before_first_exec(me);
    }
}

/// The process is about to execute a program that cannot be interposed.
pub(crate) fn before_native_exec(area: &ThreadArea) {
    if area.kind == Kind::Thread {
        end(NATIVE);
    }
}

/// It has executed neither.
pub(crate) fn after_failed_exec(area: &ThreadArea) {
    if area.kind == Kind::Thread
        && let Some((ledger, record)) = ledger::own_record()
    {
        ledger.after_failed_exec(record);
        end(0);
    }
}

/// What the words of a thread begin with that this one makes.
pub(crate) fn heir(area: &ThreadArea) -> u64 {
    let word = area.call.words.get(1).filter(|_| goes_on());
    word.map_or(0, |word| word.load(Ordering::Relaxed))
}

/// A child process with memory of its own is about to be made: who waits for the
/// tree is to wait for it, should its maker be gone before it comes in.
pub(crate) fn birth() {
    if let Some(ledger) = ledger::ledger() {
        ledger.births().fetch_add(1, Ordering::Relaxed);
    }
}

/// It has come in, or was not made.
pub(crate) fn born() {
    if let Some(ledger) = ledger::ledger() {
        ledger.births().fetch_sub(1, Ordering::Release);
    }
}

/// A thread begins: its own words may be those of another that has ended.
pub(crate) fn begin(area: &ThreadArea) {
    let tree = dispatch::hook().and_then(|hook| hook.tree());
    let Some(tree) = tree.filter(|tree| tree.goes_on) else {
        return;
    };
    for word in area.call.words.iter().take(tree.own) {
        // Untouched pages stay untouched.
        if word.load(Ordering::Relaxed) != 0 {
            word.store(0, Ordering::Relaxed);
        }
    }
    go_on(area, area.heir);
}

/// Gives an area words of this process, if it has none.
///
/// # Safety
/// The area must be the caller's alone.
pub(crate) unsafe fn equip(area: *mut ThreadArea) {
    // SAFETY: by the contract.
    let area = unsafe { &mut *area };
    let epoch = ledger::epoch();
    if area.epoch == epoch {
        return;
    }
    area.epoch = epoch;
    area.block = 0;
    if let Some((ledger, record)) = ledger::own_record() {
        let block = spare_block(ledger).or_else(|| ledger.take_block(record)).or_else(|| {
            ledger.scavenge(me(), is_dead);
            ledger.take_block(record)
        });
        if let Some(block) = block {
            let (core, words) = ledger.block(block);
            area.block = block as u32 + 1;
            area.core = core;
            area.call.words = words;
            return;
        }
        ledger.add_bare_thread();
    }
    area.use_private_words();
}

/// A block that a thread of the program before has left.
fn spare_block(ledger: Ledger<'_>) -> Option<usize> {
    if let Some(block) = NEXT.swap(0, Ordering::Relaxed).checked_sub(1)
        && let Some(spare) = SPARE.get(block as usize / 64)
        && spare.fetch_and(!(1 << (block % 64)), Ordering::Relaxed) >> (block % 64) & 1 != 0
    {
        return Some(block as usize);
    }
    let lowest = |bits: u64| Some(bits & bits.wrapping_sub(1)).filter(|_| bits != 0);
    SPARE.iter().enumerate().find_map(|(index, spare)| {
        let before = spare.fetch_update(Ordering::Relaxed, Ordering::Relaxed, lowest).ok()?;
        let block = index * 64 + before.trailing_zeros() as usize;
        ledger.begin_thread(block);
        Some(block)
    })
}

/// A thread of this process begins.
pub(crate) fn thread_began() {
    if let Some((ledger, record)) = ledger::own_record() {
        ledger.count(record, Record::Threads);
    }
}

/// The process ends with this status.
pub(crate) fn ending(status: u64) {
    // What wait(2) gives to the parent.
    end(1 + (status & 0xff));
}

fn end(word: u64) {
    if let Some((ledger, record)) = ledger::own_record() {
        let ended = if word == 0 { 0 } else { clock::now_if_it_runs() };
        ledger.field(record, Record::Ended).store(ended, Ordering::Relaxed);
        ledger.field(record, Record::End).store(word, Ordering::Relaxed);
    }
}

/// Whether this process writes the report of the tree; None if each process
/// writes its own.
pub(crate) fn reports() -> Option<bool> {
    let ledger = ledger::ledger()?;
    let record = ledger::own_record().map(|(_, record)| record);
    Some(record.is_some() && record == ledger.root() && !ledger.supervised())
}

/// Whether the caller's is the only area in use, so that nobody else counts in
/// this process's blocks.
pub(crate) fn is_alone(own: &ThreadArea) -> bool {
    let own = core::ptr::from_ref(own);
    let mut alone = true;
    areas::for_each(|area| {
        // SAFETY: areas are never unmapped.
        alone &= core::ptr::eq(area, own) || !unsafe { (*area).in_use.load(Ordering::Relaxed) };
    });
    alone
}

/// The process has made its last call but the one that ends it: gives back all
/// that it has. The caller is alone, and has blocked all signals.
pub(crate) fn leave() {
    if let Some((ledger, record)) = ledger::own_record() {
        ledger.close(record);
        ledger::set_own_record(None);
    }
}
