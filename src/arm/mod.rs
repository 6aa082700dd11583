//! The kernel's part: what turns each system call outside the gate into a
//! SIGSYS.

pub mod filter;
pub(crate) mod seccomp;
