//! One system call, as a hook sees it.

use core::hint::{black_box, cold_path};
use core::sync::atomic::AtomicU64;

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The kernel's result: a value, or −4095..=−1 for an error.
    Returned(i64),
    /// A signal came before the call was made, or made the kernel restart it:
    /// the application's handler runs, and the call is then made anew and
    /// shown to [`Hook::enter`](super::Hook::enter) again.
    Restarting,
}

/// The registers of a call: what the application passed, and what the hook
/// makes of it. It lies in the thread area, where the entry writes it.
#[derive(Debug)]
#[repr(C)]
pub struct Call<'a> {
    pub(crate) number: u64,
    pub(crate) args: [u64; 6],
    /// What the application passed; valid once `changed`.
    pub(crate) original: [u64; 6],
    pub(crate) result: i64,
    pub(crate) return_address: u64,
    pub(crate) changed: bool,
    pub(crate) words: &'a [AtomicU64],
}

/// Without vector registers, which the hook may have promised to leave alone.
fn copy(to: &mut [u64; 6], from: &[u64; 6]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = black_box(*from);
    }
}

impl<'a> Call<'a> {
    /// The call number: the low 32 bits of `rax`, which is all that the kernel
    /// looks at.
    pub fn number(&self) -> u32 {
        self.number as u32
    }

    /// The six arguments: rdi, rsi, rdx, r10, r8, r9. How many of them the call
    /// uses depends on its number.
    pub fn args(&self) -> &[u64; 6] {
        &self.args
    }

    /// Changes argument `index` (0..=5) for the kernel. The application's
    /// register keeps its value.
    pub fn set_arg(&mut self, index: usize, value: u64) {
        if !self.changed {
            copy(&mut self.original, &self.args);
            self.changed = true;
        }
        if let Some(arg) = self.args.get_mut(index) {
            *arg = value;
        }
    }

    /// The address just behind the `syscall` instruction: what the kernel would
    /// have put in `rcx`.
    pub fn return_address(&self) -> u64 {
        self.return_address
    }

    /// What the application passed in, whatever the hook made of it since.
    pub(crate) fn restore_args(&mut self) {
        if self.changed {
            cold_path();
            copy(&mut self.args, &self.original);
            self.changed = false;
        }
    }

    /// Changes the result that the application gets; for
    /// [`Hook::exit`](super::Hook::exit), without effect on a call that
    /// restarts.
    pub fn set_result(&mut self, result: i64) {
        self.result = result;
    }

    /// The result so far.
    pub(crate) fn result(&self) -> i64 {
        self.result
    }

    /// The hook's own words of this thread
    /// ([`Hook::thread_words`](super::Hook::thread_words)). Only this thread
    /// writes them; a report reads them from another.
    pub fn words(&self) -> &'a [AtomicU64] {
        self.words
    }
}
