//! What a hook library and we share: `include/usertrap.h` in Rust. The layout is
//! asserted on both sides.

use core::ffi::{c_char, c_int, c_void};
use core::mem::{offset_of, size_of};

/// `USERTRAP_ABI_VERSION`.
pub(crate) const ABI_VERSION: u32 = 1;
/// `USERTRAP_NO_VECTORS`: the functions of calls use no vector or x87 register.
pub(crate) const NO_VECTORS: u32 = 1;
/// `USERTRAP_NO_TLS`: they need no thread block.
pub(crate) const NO_TLS: u32 = 2;
/// Words of a thread's storage.
pub(crate) const STORAGE: usize = 8;

/// `enum usertrap_verdict`.
pub(crate) const PASS: c_int = 0;
/// See [`PASS`].
pub(crate) const PASS_THEN_EXIT: c_int = 1;
/// See [`PASS`].
pub(crate) const ANSWER: c_int = 2;

/// `USERTRAP_RESTARTING`, in [`Call::flags`].
pub(crate) const RESTARTING: u32 = 1;

/// `struct usertrap_call`.
#[repr(C)]
pub(crate) struct Call {
    pub(crate) number: u64,
    pub(crate) args: [u64; 6],
    pub(crate) result: i64,
    pub(crate) site: u64,
    pub(crate) stack: u64,
    pub(crate) word: u64,
    pub(crate) storage: *mut [u64; STORAGE],
    pub(crate) thread: u32,
    pub(crate) flags: u32,
}

/// `struct usertrap_services`.
#[repr(C)]
pub(crate) struct Services {
    pub(crate) abi: u32,
    pub(crate) size: u32,
    pub(crate) call: unsafe extern "C" fn(i64, u64, u64, u64, u64, u64, u64) -> i64,
    pub(crate) read: unsafe extern "C" fn(*mut c_void, u64, usize) -> c_int,
    pub(crate) write: unsafe extern "C" fn(u64, *const c_void, usize) -> c_int,
    pub(crate) log: unsafe extern "C" fn(*const c_char),
    pub(crate) locate: unsafe extern "C" fn(u64, *mut c_char, usize) -> c_int,
    pub(crate) symbol: unsafe extern "C" fn(u64, *mut c_char, usize) -> c_int,
}

/// `struct usertrap_hook`.
#[repr(C)]
pub(crate) struct Descriptor {
    pub(crate) abi: u32,
    pub(crate) flags: u32,
    pub(crate) name: *const c_char,
    pub(crate) numbers: *const u16,
    pub(crate) count: usize,
    pub(crate) init: Option<unsafe extern "C" fn(*const Services, *const c_char) -> c_int>,
    pub(crate) enter: Option<unsafe extern "C" fn(*mut Call) -> c_int>,
    pub(crate) exit: Option<unsafe extern "C" fn(*mut Call)>,
    pub(crate) exec: Option<unsafe extern "C" fn(*mut Call) -> c_int>,
    pub(crate) thread_start: Option<unsafe extern "C" fn(*mut [u64; STORAGE])>,
    pub(crate) thread_exit: Option<unsafe extern "C" fn(*mut [u64; STORAGE])>,
    pub(crate) fork_child: Option<unsafe extern "C" fn()>,
    pub(crate) fini: Option<unsafe extern "C" fn()>,
}

const _: () = {
    assert!(size_of::<Call>() == 104 && offset_of!(Call, word) == 80 && offset_of!(Call, flags) == 100);
    assert!(size_of::<Services>() == 56 && offset_of!(Services, call) == 8);
    assert!(size_of::<Descriptor>() == 96 && offset_of!(Descriptor, init) == 32 && offset_of!(Descriptor, fini) == 88);
};
