//! What std and libc would bring: memory functions, an allocator, a panic
//! handler. The preloaded object brings its own, so that nothing of the
//! application's libraries runs in the core.

#![allow(unsafe_code, reason = "the language's own runtime")]

use core::alloc::{GlobalAlloc, Layout};
use core::arch::global_asm;
use core::cell::UnsafeCell;
use core::ops::Range;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::kernel;
use crate::kernel::log;
use crate::setup::config::Level;

// The application's memcpy may use AVX-512 and would spoil state that the entry
// does not keep. Hidden, so that the application does not get these.
global_asm!(
    ".text",
    ".hidden memcpy",
    ".globl memcpy",
    ".cfi_startproc",
    "memcpy:",
    "mov rax, rdi",
    "cmp rdx, 32",
    "jbe usertrap_move_few",
    "mov rcx, rdx",
    "rep movsb",
    "ret",
    // At most 32 bytes, for which `rep` takes long to begin: all are loaded before
    // any is stored, so they may overlap. rax = rdi.
    "usertrap_move_few:",
    "cmp edx, 16",
    "jbe 2f",
    "mov rcx, [rsi]",
    "mov r8, [rsi + 8]",
    "mov r9, [rsi + rdx - 16]",
    "mov rsi, [rsi + rdx - 8]",
    "mov [rdi], rcx",
    "mov [rdi + 8], r8",
    "mov [rdi + rdx - 16], r9",
    "mov [rdi + rdx - 8], rsi",
    "ret",
    "2:",
    "cmp edx, 8",
    "jb 3f",
    "mov rcx, [rsi]",
    "mov rsi, [rsi + rdx - 8]",
    "mov [rdi], rcx",
    "mov [rdi + rdx - 8], rsi",
    "ret",
    "3:",
    "cmp edx, 4",
    "jb 4f",
    "mov ecx, [rsi]",
    "mov esi, [rsi + rdx - 4]",
    "mov [rdi], ecx",
    "mov [rdi + rdx - 4], esi",
    "ret",
    "4:",
    "test edx, edx",
    "je 5f",
    "mov r8d, edx",
    "shr r8d, 1", // the first, the middle and the last: up to three
    "movzx ecx, byte ptr [rsi]",
    "movzx r9d, byte ptr [rsi + r8]",
    "movzx esi, byte ptr [rsi + rdx - 1]",
    "mov [rdi], cl",
    "mov [rdi + r8], r9b",
    "mov [rdi + rdx - 1], sil",
    "5:",
    "ret",
    ".cfi_endproc",
    ".hidden memmove",
    ".globl memmove",
    ".cfi_startproc",
    "memmove:",
    "mov rax, rdi",
    "cmp rdx, 32",
    "jbe usertrap_move_few",
    "mov rcx, rdx",
    "sub rdi, rsi",
    "cmp rdi, rdx", // unsigned: also when the target lies below
    "mov rdi, rax",
    "jb 2f",
    "rep movsb",
    "ret",
    "2:", // the target starts inside the source: backwards
    "lea rdi, [rdi + rdx - 1]",
    "lea rsi, [rsi + rdx - 1]",
    "std",
    "rep movsb",
    "cld",
    "ret",
    ".cfi_endproc",
    ".hidden memset",
    ".globl memset",
    ".cfi_startproc",
    "memset:",
    "mov r8, rdi",
    "mov eax, esi",
    "mov rcx, rdx",
    "rep stosb",
    "mov rax, r8",
    "ret",
    ".cfi_endproc",
    ".hidden memcmp",
    ".globl memcmp",
    ".hidden bcmp",
    ".globl bcmp",
    ".cfi_startproc",
    "memcmp:",
    "bcmp:",
    "xor ecx, ecx",
    "2:",
    "cmp rcx, rdx",
    "je 3f",
    "movzx eax, byte ptr [rdi + rcx]",
    "movzx r8d, byte ptr [rsi + rcx]",
    "inc rcx",
    "sub eax, r8d",
    "je 2b",
    "ret",
    "3:",
    "xor eax, eax",
    "ret",
    ".cfi_endproc",
    // Named by the unwind tables and landing pads of the precompiled libraries;
    // nothing here unwinds.
    ".hidden rust_eh_personality",
    ".globl rust_eh_personality",
    ".hidden _Unwind_Resume",
    ".globl _Unwind_Resume",
    ".cfi_startproc",
    "rust_eh_personality:",
    "_Unwind_Resume:",
    "ud2",
    ".cfi_endproc",
    ".hidden strlen",
    ".globl strlen",
    ".cfi_startproc",
    "strlen:",
    "xor eax, eax",
    "2:",
    "cmp byte ptr [rdi + rax], 0",
    "je 3f",
    "inc rax",
    "jmp 2b",
    "3:",
    "ret",
    ".cfi_endproc",
);

/// Memory that is never freed: the instruction decoder's tables, made once
/// when the core is configured. They are part of the image, so that the tree
/// file has them. The core itself allocates nothing. What the follower of a tree
/// keeps, in a process of its own, goes on behind that in chunks from the kernel.
struct Bump {
    used: AtomicUsize,
    memory: UnsafeCell<[u8; SIZE]>,
    /// What is left of the last chunk: from here to there.
    chunk: spin::Mutex<(usize, usize)>,
}

/// Bytes of a chunk at least.
const CHUNK: usize = 1 << 20;

/// The tables take 370 KB.
const SIZE: usize = 448 << 10;

// SAFETY: `used` hands out each byte once.
unsafe impl Sync for Bump {}

impl Bump {
    /// Memory that is no part of the image.
    #[cold]
    fn behind(&self, layout: Layout) -> Option<*mut u8> {
        let mut chunk = self.chunk.lock();
        let start = chunk.0.next_multiple_of(layout.align());
        if start + layout.size() <= chunk.1 {
            chunk.0 = start + layout.size();
            return Some(start as *mut u8);
        }
        let len = layout.size().checked_next_multiple_of(CHUNK)?;
        let start = kernel::map(0, len, libc::PROT_READ | libc::PROT_WRITE, 0).ok()? as usize;
        // What is left of one that was larger than this is kept.
        if len - layout.size() > chunk.1 - chunk.0 {
            *chunk = (start + layout.size(), start + len);
        }
        Some(start as *mut u8)
    }
}

// SAFETY: hands out disjoint, aligned parts of memory of our own.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let base = self.memory.get() as usize;
        let place = |used: usize| {
            let start = (base + used).next_multiple_of(layout.align()) - base;
            (start, start.saturating_add(layout.size()))
        };
        let took = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            let (_, end) = place(used);
            (end <= SIZE).then_some(end)
        });
        match took {
            Ok(used) => (base + place(used).0) as *mut u8,
            Err(_) => self.behind(layout).unwrap_or(core::ptr::null_mut()),
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Bump = Bump {
    used: AtomicUsize::new(0),
    memory: UnsafeCell::new([0; SIZE]),
    chunk: spin::Mutex::new((0, 0)),
};

/// The addresses of what has been allocated in the image.
pub(crate) fn made() -> Range<u64> {
    let start = ALLOCATOR.memory.get() as u64;
    start..start + ALLOCATOR.used.load(Ordering::Relaxed) as u64
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    log::line(Level::Error, format_args!("broken invariant: {info}"));
    kernel::exit_group(134);
}
