//! The kernel's ABI as data: numbers, structures, masks. No system call is
//! made here.

pub mod auxv;
pub mod elf;
pub mod errno;
pub mod seccomp;
pub mod sigaction;
pub mod sigframe;
pub mod signalfd;
