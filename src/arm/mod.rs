//! The kernel's part: what turns each system call outside the gate into a
//! SIGSYS.

use crate::abi::errno::Errno;

pub mod filter;
#[cfg(test)]
mod interpreter;
pub mod own;
pub mod policy;
pub(crate) mod seccomp;
pub(crate) mod sud;

/// Why the kernel cannot be armed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ArmError {
    /// The gate straddles a 4 GiB line.
    Gate,
    /// no_new_privs cannot be set.
    NoNewPrivs(Errno),
    /// seccomp(2) refused.
    Seccomp(Errno),
    /// This thread has a filter that another one lacks.
    Thread(u64),
    /// prctl(2) refused Syscall User Dispatch.
    Dispatch(Errno),
    /// It cannot arm threads that are there already.
    Threads,
    /// It cannot tell x32 calls, which this kernel makes.
    X32,
}
