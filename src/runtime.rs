//! What std and libc would bring: memory functions, an allocator, a panic
//! handler. The preloaded object brings its own, so that nothing of the
//! application's libraries runs in the core.

#![allow(unsafe_code, reason = "the language's own runtime")]

use core::alloc::{GlobalAlloc, Layout};
use core::arch::global_asm;
use core::panic::PanicInfo;

use crate::abi::errno::Errno;
use crate::kernel;
use crate::kernel::log;
use crate::setup::config::Level;

// The application's memcpy may use AVX-512 and would spoil state that the entry
// does not keep. Hidden, so that the application does not get these.
global_asm!(
    ".text",
    ".hidden memcpy",
    ".globl memcpy",
    "memcpy:",
    "mov rax, rdi",
    "mov rcx, rdx",
    "rep movsb",
    "ret",
    ".hidden memmove",
    ".globl memmove",
    "memmove:",
    "mov rax, rdi",
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
    ".hidden memset",
    ".globl memset",
    "memset:",
    "mov r8, rdi",
    "mov eax, esi",
    "mov rcx, rdx",
    "rep stosb",
    "mov rax, r8",
    "ret",
    ".hidden memcmp",
    ".globl memcmp",
    ".hidden bcmp",
    ".globl bcmp",
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
    // Named by the unwind tables of the precompiled core library; nothing here
    // unwinds.
    ".hidden rust_eh_personality",
    ".globl rust_eh_personality",
    "rust_eh_personality:",
    "ud2",
    ".hidden strlen",
    ".globl strlen",
    "strlen:",
    "xor eax, eax",
    "2:",
    "cmp byte ptr [rdi + rax], 0",
    "je 3f",
    "inc rax",
    "jmp 2b",
    "3:",
    "ret",
);

/// Memory that is never freed: the instruction decoder's tables, made once
/// before the arm. The core itself allocates nothing.
struct Bump(spin::Mutex<Chunk>);

struct Chunk {
    next: usize,
    end: usize,
}

/// The tables take 370 KB.
const CHUNK: usize = 512 << 10;

fn map(len: usize) -> Result<Chunk, Errno> {
    let base = kernel::map(0, len, libc::PROT_READ | libc::PROT_WRITE, 0)? as usize;
    Ok(Chunk {
        next: base,
        end: base + len,
    })
}

/// Maps the memory for the tables beforehand, where a lack of it can be said
/// politely.
pub(crate) fn reserve() -> Result<(), Errno> {
    *ALLOCATOR.0.lock() = map(CHUNK)?;
    Ok(())
}

// SAFETY: hands out disjoint, aligned parts of mappings of our own.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let mut chunk = self.0.lock();
        let fits = |chunk: &Chunk| {
            let start = chunk.next.next_multiple_of(layout.align());
            let end = start.checked_add(layout.size())?;
            (end <= chunk.end).then_some((start, end))
        };
        if fits(&chunk).is_none() {
            match map(CHUNK.max(layout.size().next_multiple_of(4096))) {
                Ok(new) => *chunk = new,
                Err(_) => return core::ptr::null_mut(),
            }
        }
        match fits(&chunk) {
            Some((start, end)) => {
                chunk.next = end;
                start as *mut u8
            }
            None => core::ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Bump = Bump(spin::Mutex::new(Chunk { next: 0, end: 0 }));

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    log::line(Level::Error, format_args!("broken invariant: {info}"));
    kernel::exit_group(134);
}
