//! The kernel's ABI as data: numbers, structures, masks. No system call is
//! made here.

pub mod elf;
pub mod errno;
pub mod seccomp;
pub mod sigaction;
pub mod sigframe;
