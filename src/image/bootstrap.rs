//! From where the object was put to [`BASE`].
//!
//! This runs in the first copy, which does nothing else: its system calls are
//! made before the arm, or trap to the core that is up already.

#![allow(unsafe_code, reason = "copies and relocates the object")]

use core::arch::{asm, global_asm};
use core::mem::size_of;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::abi::elf::{PF_W, PF_X, PT_DYNAMIC, PT_GNU_RELRO, PT_LOAD};
use crate::abi::errno::Errno;
use crate::image::{BASE, MARK, MARK_AT};
use crate::kernel::{self, pages, user};
use crate::setup::process::Process;
use crate::setup::{self, process};
use crate::trap::areas;

/// How the object came to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(crate) enum Start {
    /// As the first constructor of a program.
    Preloaded,
    /// As a program: `libusertrap.so [NAME=value…] -- path argv0 args…`.
    Command,
}

unsafe extern "C" {
    /// The object's own ELF header; the linker defines it.
    static __ehdr_start: u8;
}

/// `Elf64_Phdr` (`elf.h`), as it lies in the object.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct ProgramHeader {
    pub(super) kind: u32,
    pub(super) flags: u32,
    pub(super) offset: u64,
    pub(super) address: u64,
    pub(super) physical: u64,
    pub(super) file_size: u64,
    pub(super) memory_size: u64,
    pub(super) align: u64,
}

impl ProgramHeader {
    pub(super) const EMPTY: ProgramHeader = ProgramHeader {
        kind: 0,
        flags: 0,
        offset: 0,
        address: 0,
        physical: 0,
        file_size: 0,
        memory_size: 0,
        align: 0,
    };
}

/// `Elf64_Rela`.
#[repr(C)]
struct Relocation {
    offset: u64,
    info: u64,
    addend: i64,
}

const DT_RELA: u64 = 7;
const DT_RELASZ: u64 = 8;
const R_X86_64_RELATIVE: u64 = 8;
pub(super) const PAGE: u64 = 4096;

// The kernel has put us anywhere, and nobody has relocated us. rsp = argc.
// Until the relocations are applied, only addresses relative to rip are right.
global_asm!(
    ".text",
    ".globl usertrap_start",
    ".hidden usertrap_start",
    ".cfi_startproc",
    ".cfi_undefined rip",   // the first frame
    "usertrap_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "and rsp, -16",
    ".hidden _DYNAMIC",
    "lea rax, [rip + _DYNAMIC]",
    "lea rdx, [rip + __ehdr_start]",
    "xor esi, esi",                 // DT_RELA's value
    "xor ecx, ecx",                 // DT_RELASZ's
    "2:",
    "mov r8, [rax]",
    "test r8, r8",
    "jz 4f",
    "cmp r8, {DT_RELA}",
    "cmove rsi, [rax + 8]",
    "cmp r8, {DT_RELASZ}",
    "cmove rcx, [rax + 8]",
    "add rax, 16",
    "jmp 2b",
    "4:",
    "add rsi, rdx",
    "add rcx, rsi",
    "5:",
    "cmp rsi, rcx",
    "jae 6f",
    "cmp dword ptr [rsi + 8], {RELATIVE}",
    "jne 7f",
    "mov rax, [rsi]",
    "mov r8, [rsi + 16]",
    "add r8, rdx",
    "mov [rdx + rax], r8",
    "7:",
    "add rsi, 24",
    "jmp 5b",
    "6:",
    "call {executed}",
    "ud2",
    ".cfi_endproc",
    DT_RELA = const DT_RELA,
    DT_RELASZ = const DT_RELASZ,
    RELATIVE = const R_X86_64_RELATIVE,
    executed = sym executed,
);

fn own_base() -> u64 {
    (&raw const __ehdr_start) as u64
}

pub(super) fn headers() -> &'static [ProgramHeader] {
    const PHOFF: usize = 32;
    const PHNUM: usize = 56;
    let base = &raw const __ehdr_start;
    // SAFETY: the object's own headers, as the linker made them, mapped with
    // its first segment for good.
    unsafe {
        let table = base.add(base.add(PHOFF).cast::<u64>().read() as usize);
        let count = base.add(PHNUM).cast::<u16>().read();
        core::slice::from_raw_parts(table.cast(), count.into())
    }
}

/// The pages of a segment, relative to the object.
pub(super) fn pages_of(segment: &ProgramHeader) -> (u64, u64) {
    let start = segment.address & !(PAGE - 1);
    (start, (segment.address + segment.memory_size).next_multiple_of(PAGE))
}

/// Whether a segment is only written to by relocations.
pub(super) fn is_read_only(segment: &ProgramHeader) -> bool {
    headers()
        .iter()
        .any(|header| header.kind == PT_GNU_RELRO && header.address == segment.address)
}

/// Whether a core lives at [`BASE`]. If so the call that finds out is the
/// application's, on which a filter of its own decides: GS tells without one.
fn is_up(stack: *const usize) -> bool {
    // SAFETY: the process's initial stack.
    if unsafe { Process::at(stack) }.fsgsbase() && areas::is_near(gs_base()) {
        return true;
    }
    let mut head = [0; MARK_AT + MARK.len()];
    user::copy_in(&mut head, BASE).is_ok() && head.ends_with(&MARK)
}

fn gs_base() -> u64 {
    let base;
    // SAFETY: the kernel has enabled the instruction (AT_HWCAP2).
    unsafe { asm!("rdgsbase {}", out(reg) base, options(nomem, nostack, preserves_flags)) };
    base
}

/// The first constructor of a preloaded program.
///
/// # Safety
/// Once per process, before other threads exist; `stack` is the process's
/// initial one.
pub(crate) unsafe fn preloaded(stack: *const usize) {
    // A core that came with the program serves it already.
    if !is_up(stack) {
        // SAFETY: by the contract.
        unsafe { start_at_home(stack, Start::Preloaded) };
    }
}

unsafe extern "C" fn executed(stack: *const usize) -> ! {
    if is_up(stack) {
        // SAFETY: the kernel's initial stack.
        unsafe { setup::command::run_inside(stack) };
    }
    // SAFETY: as above; the process has just begun.
    unsafe { start_at_home(stack, Start::Command) };
    kernel::exit_group(125);
}

unsafe fn start_at_home(stack: *const usize, start: Start) {
    let base = own_base();
    let home = setup::home::at_home as *const () as u64 - base + BASE;
    let span = headers()
        .iter()
        .filter(|header| header.kind == PT_LOAD)
        .map(|header| pages_of(header).1)
        .max()
        .unwrap_or(0);
    let moved = move_home(base, span);
    // SAFETY: the function's copy, relocated; it has this very signature. If
    // the copy could not be made, the function runs where it is, to say so.
    let at_home: setup::home::AtHome = unsafe {
        core::mem::transmute(match moved {
            Ok(_) => home as *const (),
            Err(_) => setup::home::at_home as *const (),
        })
    };
    // SAFETY: by the contract.
    let stays = unsafe { at_home(stack, start, moved.map_or_else(Errno::to_result, i64::from)) };
    if !stays && moved.is_ok() {
        // SAFETY: nothing of the copy is in use any more.
        unsafe { kernel::unmap(BASE, span as usize) };
    }
}

/// Where the object was put; 0 in processes that begin at [`BASE`]. Among the data,
/// of which there is a page anyway.
#[unsafe(link_section = ".data")]
pub(super) static ORIGIN: AtomicU64 = AtomicU64::new(0);

/// Whether what nobody writes to is mapped from the object's file at [`BASE`] too.
#[unsafe(link_section = ".data")]
static SHARED: AtomicBool = AtomicBool::new(false);

/// Lets go of the pages that only the start has used: they are the file's.
pub(crate) fn forget_start() {
    if !SHARED.load(Ordering::Relaxed) {
        return;
    }
    for segment in headers().iter().filter(|header| is_constant(header)) {
        let (start, end) = pages_of(segment);
        let start = start.max(PAGE);
        // SAFETY: mapped from the file by `share`, never written to.
        unsafe { pages::drop_clean(BASE + start, (end - start) as usize) };
    }
}

fn is_constant(segment: &ProgramHeader) -> bool {
    segment.kind == PT_LOAD && segment.flags & PF_W == 0
}

/// Maps the part of the object that nobody writes to at [`BASE`] as well, from its
/// file. Its first page stays as it is there: we write to it.
fn share(base: u64, segment: &ProgramHeader) -> bool {
    let (start, end) = pages_of(segment);
    let start = start.max(PAGE);
    // SAFETY: the object's own segment, as it was mapped from its file, and fresh
    // memory of ours.
    is_constant(segment) && unsafe { pages::double(base + start, BASE + start, (end - start) as usize).is_ok() }
}

/// Puts the object to [`BASE`]. True if it needs nothing but itself there:
/// no symbol of another object.
fn move_home(base: u64, span: u64) -> Result<bool, Errno> {
    let writable = libc::PROT_READ | libc::PROT_WRITE;
    let got = kernel::map(BASE, span as usize, writable, libc::MAP_FIXED_NOREPLACE)?;
    if got != BASE {
        // A kernel before 4.17 takes the address for a hint.
        // SAFETY: just mapped, nobody knows of it.
        unsafe { kernel::unmap(got, span as usize) };
        return Err(Errno::EEXIST);
    }
    let loads = || headers().iter().filter(|header| header.kind == PT_LOAD);
    ORIGIN.store(base, Ordering::Relaxed);
    let mut shared = true;
    for segment in loads() {
        let end = segment.address + segment.file_size;
        let end = if share(base, segment) {
            end.min(PAGE)
        } else {
            shared &= !is_constant(segment);
            // It lies among the data, which come last.
            SHARED.store(shared, Ordering::Relaxed);
            end
        };
        // SAFETY: from the object's own segment into fresh memory of ours.
        unsafe {
            core::ptr::copy_nonoverlapping(
                (base + segment.address) as *const u8,
                (BASE + segment.address) as *mut u8,
                end.saturating_sub(segment.address) as usize,
            );
        }
    }
    let alone = relocate(base);
    // SAFETY: the header's copy, still writable.
    unsafe { ((BASE + MARK_AT as u64) as *mut [u8; MARK.len()]).write(MARK) };
    let mut next = 0;
    for segment in loads() {
        let (start, end) = pages_of(segment);
        if next < start {
            // SAFETY: a hole between two segments.
            unsafe { kernel::unmap(BASE + next, (start - next) as usize) };
        }
        next = end;
        let protection = match segment.flags {
            flags if flags & PF_X != 0 => libc::PROT_READ | libc::PROT_EXEC,
            flags if flags & PF_W != 0 && !is_read_only(segment) => writable,
            _ => libc::PROT_READ,
        };
        // SAFETY: the copy's own pages, which are complete.
        unsafe { kernel::protect(BASE + start, (end - start) as usize, protection)? };
    }
    Ok(alone)
}

/// Relocates the copy for [`BASE`]. What refers to other objects keeps what
/// the dynamic linker found.
fn relocate(base: u64) -> bool {
    let Some(dynamic) = headers().iter().find(|header| header.kind == PT_DYNAMIC) else {
        return true;
    };
    let (mut table, mut size) = (0, 0);
    let entries = dynamic.memory_size as usize / size_of::<[u64; 2]>();
    for index in 0..entries {
        // SAFETY: the dynamic section is an array of pairs.
        match unsafe { ((base + dynamic.address) as *const [u64; 2]).add(index).read() } {
            [0, _] => break,
            // ld.so may have made an address of the offset.
            [DT_RELA, value] => table = if value < base { base + value } else { value },
            [DT_RELASZ, value] => size = value as usize,
            _ => {}
        }
    }
    let mut alone = true;
    for index in 0..size / size_of::<Relocation>() {
        // SAFETY: the relocation table, in a segment that is mapped for good;
        // its targets lie in writable segments, whose copies are writable now.
        unsafe {
            let entry = &*(table as *const Relocation).add(index);
            if entry.info & 0xffff_ffff == R_X86_64_RELATIVE {
                ((BASE + entry.offset) as *mut u64).write(BASE.wrapping_add_signed(entry.addend));
            } else {
                let value = ((base + entry.offset) as *const u64).read();
                alone &= value == process::stack_end_slot();
            }
        }
    }
    alone
}
