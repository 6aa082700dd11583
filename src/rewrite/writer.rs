//! Writes the steps of a plan to code that other threads may be executing.

#![allow(unsafe_code, reason = "writes to code")]

use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::abi::errno::Errno;
use crate::kernel;
use crate::rewrite::plan::{Plan, Write};
use crate::rewrite::shadow::Shadows;
use crate::rewrite::vma::Vma;

/// `MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE` and its registration
/// (`linux/membarrier.h`).
const SYNC_CORE: i32 = 1 << 5;
const REGISTER_SYNC_CORE: i32 = 1 << 6;

const PAGE: u64 = 4096;

#[unsafe(link_section = ".data")]
static CAN_SYNC: AtomicBool = AtomicBool::new(false);

/// Asks for the membarrier that the steps need; without it sites are rewritten
/// through a signal-free detour: mprotect, whose TLB flush interrupts every
/// core that runs this process.
pub(crate) fn register() {
    CAN_SYNC.store(kernel::membarrier(REGISTER_SYNC_CORE).is_ok(), Ordering::Relaxed);
}

/// Whether the process is registered.
pub(crate) fn is_registered() -> bool {
    CAN_SYNC.load(Ordering::Relaxed)
}

/// Our own memory as a file, which lets us write where nobody may (`FOLL_FORCE`
/// of the kernel's), and needs no change of protection. Only under the
/// rewriter's lock, which keeps the application from closing the descriptor.
pub(crate) struct OwnMemory {
    fd: i32,
    shadows: Shadows,
}

impl Drop for OwnMemory {
    fn drop(&mut self) {
        kernel::close(self.fd);
    }
}

impl OwnMemory {
    /// None where it is refused: no /proc, no descriptor left.
    pub(crate) fn open() -> Option<OwnMemory> {
        let fd = kernel::open(c"/proc/self/mem", libc::O_RDWR, 0).ok()?;
        let shadows = Shadows::default();
        Some(OwnMemory { fd, shadows })
    }

    /// Whether all bytes were written: a kernel may forbid it.
    pub(crate) fn write(&self, at: u64, bytes: &[u8]) -> bool {
        self.shadows.write(at, bytes) || kernel::pwrite(self.fd, bytes, at) == Ok(bytes.len())
    }

    /// Where writes go to a copy ([`crate::rewrite::shadow`]).
    pub(super) fn shadows(&self) -> &Shadows {
        &self.shadows
    }
}

/// A way to write into one mapping.
pub(crate) struct Writer<'a> {
    vma: &'a Vma,
    memory: Option<&'a OwnMemory>,
}

impl<'a> Writer<'a> {
    /// A writer for code in `vma`.
    pub(crate) fn new(vma: &'a Vma, memory: Option<&'a OwnMemory>) -> Writer<'a> {
        Writer { vma, memory }
    }

    /// Makes all writes of a plan, each visible to every core before the next.
    ///
    /// First choice is /proc/self/mem; where it is refused the pages become
    /// writable for as long as it takes.
    pub(crate) fn write(&self, plan: &Plan) -> Result<(), Errno> {
        let Some(memory) = self.memory.filter(|_| CAN_SYNC.load(Ordering::Relaxed)) else {
            return self.through_protection(plan, 0);
        };
        for (done, write) in plan.writes().iter().enumerate() {
            if !memory.write(write.at, write.bytes()) {
                return self.through_protection(plan, done);
            }
            let _ = kernel::membarrier(SYNC_CORE);
        }
        Ok(())
    }

    /// Makes all writes of a plan for a process whose only thread we are, in a
    /// signal handler: the way back to the application serialises.
    pub(crate) fn write_alone(&self, plan: &Plan) -> Result<(), Errno> {
        for (done, write) in plan.writes().iter().enumerate() {
            if !self.memory.is_some_and(|memory| memory.write(write.at, write.bytes())) {
                return self.through_protection(plan, done);
            }
        }
        Ok(())
    }

    /// Makes the writes from number `done` on.
    fn through_protection(&self, plan: &Plan, done: usize) -> Result<(), Errno> {
        let pages = || {
            plan.writes()
                .iter()
                .map(|write| (write.at & !(PAGE - 1), write.at + write.len as u64))
        };
        let start = pages().map(|(start, _)| start).min().ok_or(Errno::EINVAL)?;
        let end = pages()
            .map(|(_, end)| end)
            .max()
            .ok_or(Errno::EINVAL)?
            .next_multiple_of(PAGE);
        let protection = self.vma.protection;
        let mut before = 0;
        for (set, bit) in [
            (protection.read, libc::PROT_READ),
            (protection.write, libc::PROT_WRITE),
            (protection.execute, libc::PROT_EXEC),
        ] {
            if set {
                before |= bit;
            }
        }
        let len = (end - start) as usize;
        // SAFETY: code stays executable; the rewriter's lock is held.
        unsafe { kernel::protect(start, len, before | libc::PROT_WRITE)? };
        for write in plan.writes().iter().skip(done) {
            store(write);
            synchronise(start);
        }
        // SAFETY: this is the protection that it had.
        unsafe { kernel::protect(start, len, before) }
    }
}

/// Makes every core that runs this process fetch anew, if the kernel can.
pub(super) fn synchronise_cores() {
    let _ = kernel::membarrier(SYNC_CORE);
}

/// Stores a write: one byte, or bytes that nobody is executing.
fn store(write: &Write) {
    for (offset, byte) in write.bytes().iter().enumerate() {
        let target = (write.at + offset as u64) as *const AtomicU8;
        // SAFETY: the page is writable now; single bytes are atomic.
        unsafe { (*target).store(*byte, Ordering::Release) };
    }
}

/// Makes every core that runs this process fetch anew.
fn synchronise(page: u64) {
    if CAN_SYNC.load(Ordering::Relaxed) {
        let _ = kernel::membarrier(SYNC_CORE);
        return;
    }
    // Taking away a right that nobody uses flushes the TLB of every core by an
    // interrupt, whose return serialises.
    let scratch = page & !(PAGE - 1);
    let all = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
    // SAFETY: the page stays readable and executable throughout.
    unsafe {
        let _ = kernel::protect(scratch, PAGE as usize, libc::PROT_READ | libc::PROT_EXEC);
        let _ = kernel::protect(scratch, PAGE as usize, all);
    }
}
