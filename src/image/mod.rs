//! Our own image: one object that is preloaded, executed by the command, and
//! executed in place of every program of the tree.
//!
//! ```text
//! libusertrap.so, wherever ld.so or the kernel put it
//!     │ bootstrap: copy to BASE, relocate, unless a core lives there already
//!     ▼
//! the core at BASE ── configures itself: settings, tables; pure data
//!     │ tree: writes itself, as it is now, into a file in memory
//!     ▼
//! tree file: an executable for BASE, with its settings in it
//!     │ execve of the application: executed in place of the program
//!     ▼
//! the core at BASE, in the new process image
//! ```
//!
//! The address is fixed because the seccomp filter, which survives execve,
//! allows calls from one range of addresses only, the gate's.

#[cfg(not(any(test, feature = "std")))]
mod bootstrap;
#[cfg(not(any(test, feature = "std")))]
pub(crate) mod tree;

/// Where the core runs, in every process.
///
/// Far from all that the kernel and programs choose for themselves: above the
/// highest address of a PIE with the default 28 bits of randomness (0x5555…
/// plus 1 TiB), below mmap's, and within what ThreadSanitizer (0x5500_…
/// to 0x5a00_…) and MemorySanitizer (0x5100_… to 0x6000_…) hold for
/// application memory.
pub(crate) const BASE: u64 = 0x5800_0000_0000;

/// What links to the tree file in /proc say: its name (`tree::NAME`), and that
/// it is in no directory.
pub(crate) const TREE_LINK: &[u8] = b"/memfd:usertrap (deleted)";

#[cfg(not(any(test, feature = "std")))]
/// Stands in the padding of the ELF header at [`BASE`] of a core that is up.
const MARK: [u8; 7] = *b"usrtrap";

#[cfg(not(any(test, feature = "std")))]
/// Where in `e_ident` the mark stands (`EI_PAD`).
const MARK_AT: usize = 9;

#[cfg(not(any(test, feature = "std")))]
pub(crate) use bootstrap::{Start, forget_start, preloaded};
