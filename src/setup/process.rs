//! What the kernel put on the initial stack: argc, argv, envp, auxv
//! (`psABI` 3.4.1). The dynamic linker keeps its address in
//! `__libc_stack_end`; libc's own `environ` is not set yet when the first
//! constructor runs.

#![allow(unsafe_code, reason = "walks the initial stack")]

use core::ffi::{CStr, c_char};

use crate::abi::auxv::{self, AT_NULL, Auxiliary};

unsafe extern "C" {
    static __libc_stack_end: *const usize;
}

/// The initial stack, for an object that the dynamic linker has loaded.
#[cfg(not(any(test, feature = "std")))]
pub(crate) fn stack_end() -> *const usize {
    // SAFETY: the dynamic linker has set it before it runs constructors.
    unsafe { __libc_stack_end }
}

/// Where the dynamic linker keeps the initial stack's address; 0 if none has
/// relocated us.
#[cfg(not(any(test, feature = "std")))]
pub(crate) fn stack_end_slot() -> u64 {
    (&raw const __libc_stack_end) as u64
}

/// The initial stack of this process.
pub(crate) struct Process {
    argc: usize,
    argv: *const *const c_char,
    environment: *const *const c_char,
}

/// `AT_HWCAP2` and its bit for the fsgsbase instructions
/// (`arch/x86/include/uapi/asm/hwcap2.h`).
const AT_HWCAP2: u64 = 26;
const HWCAP2_FSGSBASE: u64 = 1 << 1;
/// `AT_MINSIGSTKSZ` of `asm/auxvec.h`.
const AT_MINSIGSTKSZ: u64 = 51;

impl Process {
    /// # Safety
    /// `stack` must be an initial stack, as the kernel makes it: argc lies
    /// there, then argv with a null at its end, then envp, then auxv.
    pub(crate) unsafe fn at(stack: *const usize) -> Process {
        // SAFETY: by the contract.
        unsafe {
            Process {
                argc: *stack,
                argv: stack.add(1).cast(),
                environment: stack.add(1 + *stack + 1).cast(),
            }
        }
    }

    /// The arguments: how many, and where their array is.
    pub(crate) fn arguments(&self) -> (usize, *const *const c_char) {
        (self.argc, self.argv)
    }

    /// Where the environment's array is.
    pub(crate) fn environment_array(&self) -> *const *const c_char {
        self.environment
    }

    fn variables(&self) -> impl Iterator<Item = &'static CStr> + Clone + use<> {
        let mut next = self.environment;
        core::iter::from_fn(move || {
            // SAFETY: a null pointer ends the strings, which live as long as
            // the process.
            unsafe {
                let variable = *next;
                if variable.is_null() {
                    return None;
                }
                next = next.add(1);
                Some(CStr::from_ptr(variable))
            }
        })
    }

    /// The `NAME=value` strings that the process was started with.
    pub(crate) fn environment(&self) -> impl Iterator<Item = &'static [u8]> + Clone + use<> {
        self.variables().map(CStr::to_bytes)
    }

    /// The value of the first variable that starts with `prefix`, `NAME=`.
    pub(crate) fn variable(&self, prefix: &[u8]) -> Option<&'static CStr> {
        self.variables().find_map(|variable| {
            variable.to_bytes().starts_with(prefix).then(|| {
                // SAFETY: the rest of a C string is one.
                unsafe { CStr::from_ptr(variable.as_ptr().add(prefix.len())) }
            })
        })
    }

    /// The auxiliary vector, without its end.
    pub(crate) fn auxiliary(&self) -> &'static [Auxiliary] {
        // SAFETY: auxv, ended by AT_NULL, follows the null at envp's end.
        unsafe {
            let first = self.environment.add(self.variables().count() + 1).cast::<Auxiliary>();
            let mut count = 0;
            while (*first.add(count)).kind != AT_NULL {
                count += 1;
            }
            core::slice::from_raw_parts(first, count)
        }
    }

    /// Whether wrgsbase and rdgsbase may be used.
    pub(crate) fn fsgsbase(&self) -> bool {
        auxv::get(self.auxiliary(), AT_HWCAP2).is_some_and(|bits| bits & HWCAP2_FSGSBASE != 0)
    }

    /// AT_MINSIGSTKSZ: bytes of the largest signal frame.
    pub(crate) fn largest_frame(&self) -> u64 {
        auxv::get(self.auxiliary(), AT_MINSIGSTKSZ).unwrap_or(0)
    }
}
