//! Guests: hooks in shared libraries, with a libc of their own.
//!
//! A hook that may call any function of libc must not use the application's: the
//! application may hold its locks, or not have it at all. So each process image of
//! a tree gets a second, complete set of libraries beside the application's: an
//! ld.so that we start as the kernel would, in the way of a program that is nothing
//! but a table of the functions that we need. Programs without a libc have it too.
//!
//! ```text
//! BASE                 the core and the gate
//!   + 256 MB … 1.75 GB guests' code: ld.so, libc, the hooks and what they need
//! BASE + 1 TB …        their memory: stacks, heaps
//! ```
//!
//! - **Calls**: the filter lets the code's range through, so a guest's calls take no
//!   trap and no hook sees them (`arm::filter`). Those that would change what is the
//!   application's (the heap, places of mappings, threads, signals, exec) are
//!   rewritten when ld.so maps the code (`sweep`), and come to `calls`.
//! - **Threads**: FS leads to the guests' thread block while a hook runs, unless its
//!   code is seen to need none (`footprint`). The block belongs to the thread area. The
//!   guests' own pthread_create makes it, with all that a thread has at its start, but
//!   no kernel thread: where it calls clone we go on as its child for a while
//!   (`threads`).
//! - **Forks** go through the guests' own fork, so that no lock of theirs is left
//!   taken in the child, and atfork handlers run.
//!
//! Signals are held back while a guest runs, as in any hook.

pub(crate) mod beside;
mod calls;
pub(crate) mod descriptor;
mod footprint;
mod fs;
pub(crate) mod helpers;
mod hook;
mod instead;
#[cfg(not(any(test, feature = "std")))]
mod launch;
pub(crate) mod libraries;
mod program;
mod services;
pub(crate) mod space;
mod start;
mod sweep;
mod switch;
mod symbols;
pub(crate) mod threads;
mod visit;

pub(crate) use hook::HOOK;
#[cfg(not(any(test, feature = "std")))]
pub(crate) use launch::load;
pub(crate) use services::place;
pub(crate) use switch::entry;
