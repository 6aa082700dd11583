//! One signal, as a hook sees it.

use core::sync::atomic::AtomicU64;

use crate::abi::sigframe::SigInfo;

/// A signal that the application is about to get.
#[derive(Debug)]
pub struct Signal<'a> {
    pub(crate) info: &'a SigInfo,
    pub(crate) address: u64,
    pub(crate) words: &'a [AtomicU64],
}

impl<'a> Signal<'a> {
    /// Its number.
    pub fn number(&self) -> i32 {
        self.info.signo
    }

    /// Its `siginfo_t`, as the handler gets it.
    pub fn info(&self) -> [u8; 128] {
        self.info.to_bytes()
    }

    /// The address of the application's that it interrupts.
    pub fn address(&self) -> u64 {
        self.address
    }

    /// The hook's own words of this thread, as in [`Call::words`](super::Call::words).
    pub fn words(&self) -> &'a [AtomicU64] {
        self.words
    }
}
