//! The program that the guests' ld.so starts: no code, only a list of the functions
//! of libc that we need, as an ELF image in memory. ld.so fills them in and jumps to
//! the entry point that the auxiliary vector names.

#![allow(unsafe_code, reason = "lays out an ELF image")]

use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::offset_of;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use crate::abi::elf::{PF_R, PF_W, PT_DYNAMIC, PT_GNU_STACK, PT_INTERP, PT_LOAD, PT_PHDR};
use crate::guest::instead;

/// The interpreter by the psABI's supplement for x86-64 (Linux).
pub(super) const INTERPRETER: &CStr = c"/lib64/ld-linux-x86-64.so.2";

/// What ld.so finds for us, in the order of [`NAMES`].
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Functions {
    pub(super) dlopen: unsafe extern "C" fn(*const c_char, c_int) -> *mut c_void,
    pub(super) dlsym: unsafe extern "C" fn(*mut c_void, *const c_char) -> *mut c_void,
    pub(super) dlerror: unsafe extern "C" fn() -> *const c_char,
    pub(super) errno_location: unsafe extern "C" fn() -> *mut c_int,
    pub(super) fork: unsafe extern "C" fn() -> c_int,
    pub(super) fflush: unsafe extern "C" fn(*mut c_void) -> c_int,
    pub(super) malloc: unsafe extern "C" fn(usize) -> *mut c_void,
    pub(super) free: unsafe extern "C" fn(*mut c_void),
    pub(super) pthread_attr_init: unsafe extern "C" fn(*mut c_void) -> c_int,
    pub(super) pthread_attr_setstacksize: unsafe extern "C" fn(*mut c_void, usize) -> c_int,
    pub(super) pthread_attr_setdetachstate: unsafe extern "C" fn(*mut c_void, c_int) -> c_int,
}

const COUNT: usize = size_of::<Functions>() / 8;

const NAMES: [&[u8]; COUNT] = [
    b"dlopen",
    b"dlsym",
    b"dlerror",
    b"__errno_location",
    b"fork",
    b"fflush",
    b"malloc",
    b"free",
    b"pthread_attr_init",
    b"pthread_attr_setstacksize",
    b"pthread_attr_setdetachstate",
];
const LIBRARY: &[u8] = b"libc.so.6";

/// Symbols: the null one, those that ld.so finds, those that we give.
const SYMBOLS: usize = 1 + COUNT + instead::FUNCTIONS.len();
/// Enough for all names.
const STRINGS: usize = 512;
/// Entries of the dynamic section.
const DYNAMIC: usize = 10;

/// `Elf64_Phdr`.
#[repr(C)]
struct Header {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    physical: u64,
    file_size: u64,
    memory_size: u64,
    align: u64,
}

/// `Elf64_Sym`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Symbol {
    name: u32,
    info: u8,
    other: u8,
    section: u16,
    value: u64,
    size: u64,
}

/// `Elf64_Rela`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Relocation {
    offset: u64,
    info: u64,
    addend: i64,
}

/// `STB_GLOBAL << 4 | STT_NOTYPE`.
const GLOBAL: u8 = 1 << 4;
/// `STB_GLOBAL << 4 | STT_FUNC`.
const FUNCTION: u8 = 1 << 4 | 2;
/// `SHN_ABS`.
const ABSOLUTE: u16 = 0xfff1;
const R_X86_64_GLOB_DAT: u64 = 6;

/// Tags of the dynamic section (`elf.h`).
const DT_NULL: u64 = 0;
const DT_NEEDED: u64 = 1;
const DT_HASH: u64 = 4;
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;
const DT_RELA: u64 = 7;
const DT_RELASZ: u64 = 8;
const DT_RELAENT: u64 = 9;
const DT_STRSZ: u64 = 10;
const DT_SYMENT: u64 = 11;

/// The image.
#[repr(C)]
pub(super) struct Program {
    headers: [Header; HEADERS],
    dynamic: [[u64; 2]; DYNAMIC],
    symbols: [Symbol; SYMBOLS],
    relocations: [Relocation; COUNT],
    functions: [u64; COUNT],
    /// One bucket, in whose chain are the symbols that we give.
    hash: [u32; 3 + SYMBOLS],
    strings: [u8; STRINGS],
    used: u32,
    interpreter: [u8; INTERPRETER.to_bytes_with_nul().len()],
}

/// How many program headers it has.
pub(super) const HEADERS: usize = 5;

static FUNCTIONS: AtomicPtr<Functions> = AtomicPtr::new(core::ptr::null_mut());

/// A function of libc's in whose place hooks get one of ours.
pub(super) struct Behind {
    name: &'static CStr,
    found: AtomicPtr<()>,
}

pub(super) static PTHREAD_CREATE: Behind = Behind::new(c"pthread_create");
pub(super) static PTHREAD_EXIT: Behind = Behind::new(c"pthread_exit");
pub(super) static SYSCALL: Behind = Behind::new(c"syscall");

impl Behind {
    const fn new(name: &'static CStr) -> Behind {
        Behind {
            name,
            found: AtomicPtr::new(core::ptr::null_mut()),
        }
    }

    /// None: libc has no such function, or nobody has looked yet.
    pub(super) fn get(&self) -> Option<*const ()> {
        let found = self.found.load(Ordering::Relaxed);
        (!found.is_null()).then_some(found.cast_const())
    }
}

/// Looks for the functions behind ours.
pub(super) fn look_behind() {
    let functions = functions();
    // SAFETY: libc's own functions.
    let library = unsafe { (functions.dlopen)(c"libc.so.6".as_ptr(), libc::RTLD_NOW | libc::RTLD_NOLOAD) };
    for behind in [&PTHREAD_CREATE, &PTHREAD_EXIT, &SYSCALL] {
        // SAFETY: as above.
        let found = unsafe { (functions.dlsym)(library, behind.name.as_ptr()) };
        behind.found.store(found.cast(), Ordering::Relaxed);
    }
}

/// What ld.so has found.
pub(super) fn functions() -> Functions {
    // SAFETY: set before any guest runs, and filled in by ld.so before it has
    // jumped to us.
    unsafe { *FUNCTIONS.load(Ordering::Relaxed) }
}

/// A `pthread_attr_t` (56 bytes) for threads that are none.
pub(super) static ATTRIBUTES: [AtomicU64; 8] = [const { AtomicU64::new(0) }; 8];

/// Builds the image in zeroed memory at `at`.
///
/// # Safety
/// The memory must be ours, for good.
pub(super) unsafe fn build(at: *mut Program) {
    let base = at as u64;
    let place = |offset: usize| base + offset as u64;
    // SAFETY: by the contract; zero bytes are valid for all parts.
    let program = unsafe { &mut *at };
    let interpreter = INTERPRETER.to_bytes_with_nul();
    program.interpreter.copy_from_slice(interpreter);
    let header = |kind, offset: usize, size: usize, flags| Header {
        kind,
        flags,
        offset: 0,
        address: place(offset),
        physical: place(offset),
        file_size: size as u64,
        memory_size: size as u64,
        align: 8,
    };
    program.headers = [
        header(PT_PHDR, 0, HEADERS * size_of::<Header>(), PF_R),
        header(PT_INTERP, offset_of!(Program, interpreter), interpreter.len(), PF_R),
        Header {
            align: 4096,
            ..header(PT_LOAD, 0, size_of::<Program>(), PF_R | PF_W)
        },
        header(PT_DYNAMIC, offset_of!(Program, dynamic), DYNAMIC * 16, PF_R | PF_W),
        Header {
            address: 0,
            physical: 0,
            ..header(PT_GNU_STACK, 0, 0, PF_R | PF_W)
        },
    ];
    program.used = 1;
    let library = program.string(LIBRARY);
    for (index, name) in NAMES.into_iter().enumerate() {
        let name = program.string(name);
        program.symbol(1 + index, name, GLOBAL, 0, 0);
        if let Some(relocation) = program.relocations.get_mut(index) {
            *relocation = Relocation {
                offset: place(offset_of!(Program, functions) + index * 8),
                info: (index as u64 + 1) << 32 | R_X86_64_GLOB_DAT,
                addend: 0,
            };
        }
    }
    // nbucket, nchain, the bucket, then each symbol's next; 0 ends the chain.
    let first = 1 + COUNT as u32;
    for (place, value) in program.hash.iter_mut().zip([1, SYMBOLS as u32, first]) {
        *place = value;
    }
    for (index, (name, function)) in instead::FUNCTIONS.into_iter().enumerate() {
        let at = first as usize + index;
        let name = program.string(name);
        program.symbol(at, name, FUNCTION, ABSOLUTE, function as u64);
        let next = if at + 1 < SYMBOLS { at as u32 + 1 } else { 0 };
        if let Some(place) = program.hash.get_mut(3 + at) {
            *place = next;
        }
    }
    program.dynamic = [
        [DT_NEEDED, library.into()],
        [DT_HASH, place(offset_of!(Program, hash))],
        [DT_STRTAB, place(offset_of!(Program, strings))],
        [DT_STRSZ, program.used.into()],
        [DT_SYMTAB, place(offset_of!(Program, symbols))],
        [DT_SYMENT, size_of::<Symbol>() as u64],
        [DT_RELA, place(offset_of!(Program, relocations))],
        [DT_RELASZ, (COUNT * size_of::<Relocation>()) as u64],
        [DT_RELAENT, size_of::<Relocation>() as u64],
        [DT_NULL, 0],
    ];
    FUNCTIONS.store(
        place(offset_of!(Program, functions)) as *mut Functions,
        Ordering::Relaxed,
    );
}

impl Program {
    /// Adds to the string table.
    fn string(&mut self, text: &[u8]) -> u32 {
        let at = self.used;
        if let Some(place) = self.strings.get_mut(at as usize..at as usize + text.len()) {
            place.copy_from_slice(text);
        }
        self.used += text.len() as u32 + 1;
        at
    }

    fn symbol(&mut self, index: usize, name: u32, info: u8, section: u16, value: u64) {
        if let Some(symbol) = self.symbols.get_mut(index) {
            *symbol = Symbol {
                name,
                info,
                other: 0,
                section,
                value,
                size: 0,
            };
        }
    }
}

const _: () = {
    let mut len = 2 + LIBRARY.len();
    let mut index = 0;
    while index < COUNT {
        len += NAMES[index].len() + 1;
        index += 1;
    }
    index = 0;
    while index < instead::FUNCTIONS.len() {
        len += instead::FUNCTIONS[index].0.len() + 1;
        index += 1;
    }
    assert!(len <= STRINGS);
};
