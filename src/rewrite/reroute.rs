//! Lets the calls of rewritten sites be looked at that go to the kernel by their
//! number alone: their trampolines lead to `entry_pass`, which stores rcx by GS.
//! The first byte of that instruction is GS's prefix. Made the opcode of a short
//! jump it goes, by the next byte, to where the number's interest is looked up.
//!
//! One byte changes: every thread executes the one or the other.

#![allow(unsafe_code, reason = "reads our own code")]

use crate::kernel;
use crate::rewrite::writer::{OwnMemory, synchronise_cores};
use crate::rewrite::{lock, table};

/// `mov %rcx,%gs:disp32` begins so.
const STORE: [u8; 2] = [0x65, 0x48];
/// `jmp rel8`.
const SHORT_JUMP: u8 = 0xeb;

/// Changes the byte at `entry`, from where a jump to `target` is as far as the
/// second byte says. Waits for the rewriter's lock.
pub(crate) fn passed_calls(entry: u64, target: u64) {
    let [prefix, distance] = STORE;
    // SAFETY: code of our own, at least two bytes.
    let found = unsafe { (entry as *const [u8; 2]).read_volatile() };
    if found != [prefix, distance] || target != entry + 2 + u64::from(distance) {
        return;
    }
    let _guard = lock::take();
    let written = OwnMemory::open().is_some_and(|memory| memory.write(entry, &[SHORT_JUMP]));
    if !written && table::swap_page(entry, &[SHORT_JUMP]).is_err() {
        kernel::log::fatal("no memory to change the gate");
    }
    synchronise_cores();
}
