//! `struct sigaction` as the kernel takes it.

/// `struct sigaction` of `rt_sigaction` (`include/linux/signal_types.h`; on
/// x86-64 the restorer comes before the mask).
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct KernelSigaction {
    /// Address of the handler, or 0 (default), or 1 (ignore).
    pub handler: u64,
    /// `SA_*`.
    pub flags: u64,
    /// Address that the handler returns to.
    pub restorer: u64,
    /// Signals blocked while the handler runs.
    pub mask: u64,
}

/// `SIG_DFL`.
pub const SIG_DFL: u64 = 0;
/// `SIG_IGN`.
pub const SIG_IGN: u64 = 1;
/// `SA_RESTORER`, which libc does not export.
pub const SA_RESTORER: u64 = 0x0400_0000;
/// Size of the kernel's `sigset_t`, the last argument of the `rt_` calls.
pub const SIGSET_SIZE: u64 = 8;
/// Signals are 1..=64.
pub const NSIG: usize = 64;

const _: () = assert!(core::mem::size_of::<KernelSigaction>() == 32);
