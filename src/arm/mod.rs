//! The kernel's part: what turns each system call outside the gate into a
//! SIGSYS.

pub mod filter;
#[cfg(test)]
mod interpreter;
pub mod own;
pub(crate) mod seccomp;
