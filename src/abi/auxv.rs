//! The auxiliary vector (`linux/auxvec.h`).

/// One entry, `Elf64_auxv_t`.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Auxiliary {
    /// `a_type`: one of the `AT` constants.
    pub kind: u64,
    /// `a_val`.
    pub value: u64,
}

/// End of the vector.
pub const AT_NULL: u64 = 0;
/// An entry that says nothing.
pub const AT_IGNORE: u64 = 1;
/// Address of the program headers.
pub const AT_PHDR: u64 = 3;
/// Size of a program header.
pub const AT_PHENT: u64 = 4;
/// Number of program headers.
pub const AT_PHNUM: u64 = 5;
/// Where the interpreter was loaded; 0 if there is none.
pub const AT_BASE: u64 = 7;
/// The program's entry point.
pub const AT_ENTRY: u64 = 9;
/// Address of the vDSO's ELF header.
pub const AT_SYSINFO_EHDR: u64 = 33;
/// The real user.
pub const AT_UID: u64 = 11;
/// Whether ld.so is to trust neither the environment nor the caller.
pub const AT_SECURE: u64 = 23;
/// Address of the file name that was executed.
pub const AT_EXECFN: u64 = 31;

/// Gives the entry of a kind its value; the kernel has made it.
pub fn set(vector: &mut [Auxiliary], kind: u64, value: u64) {
    if let Some(entry) = vector.iter_mut().find(|entry| entry.kind == kind) {
        entry.value = value;
    }
}

/// Lets the entry of a kind say nothing.
pub fn remove(vector: &mut [Auxiliary], kind: u64) {
    if let Some(entry) = vector.iter_mut().find(|entry| entry.kind == kind) {
        *entry = Auxiliary {
            kind: AT_IGNORE,
            value: 0,
        };
    }
}

/// The value of a kind.
pub fn get(vector: &[Auxiliary], kind: u64) -> Option<u64> {
    vector.iter().find(|entry| entry.kind == kind).map(|entry| entry.value)
}
