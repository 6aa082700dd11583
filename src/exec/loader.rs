//! The start of a new image: the kernel has executed the tree file in place of
//! the target, and we make of the fresh process what it would have made.
//!
//! Every system call is the gate's, so the filter, which is there already, lets
//! them through. Until [`bring_up`](crate::setup::bring_up) there is no handler
//! and no thread area; all signals are blocked.

#![allow(unsafe_code, reason = "makes a process image")]

use core::arch::global_asm;
use core::cell::UnsafeCell;
use core::ffi::CStr;
use core::mem::offset_of;

use crate::abi::auxv::{self, AT_BASE, AT_ENTRY, AT_EXECFN, AT_PHDR, AT_PHENT, AT_PHNUM, AT_SECURE, AT_UID};
use crate::abi::errno::Errno;
use crate::exec::identity;
use crate::exec::map;
use crate::exec::message::{self, Message};
use crate::exec::place::{self, Randomness};
use crate::exec::stack::Stack;
use crate::exec::vdso::{self, Vdso};
use crate::guest;
use crate::hook::Call;
use crate::kernel;
use crate::kernel::log;
use crate::kernel::process::{self, MemoryMap};
use crate::rewrite::load;
use crate::setup::process::Process;
use crate::setup::{self, Inherited};
use crate::trap::area::ThreadArea;
use crate::trap::descriptors::{self, Kept};
use crate::trap::{disarmed, filters, gs, sigaction};

const STACK_SIZE: usize = 64 * 1024;

/// Where the loader runs, so that the target finds nothing of ours on its own
/// stack.
#[repr(C, align(4096))]
struct BootStack(UnsafeCell<[u8; STACK_SIZE]>);

// SAFETY: one thread uses it, once.
unsafe impl Sync for BootStack {}

static BOOT_STACK: BootStack = BootStack(UnsafeCell::new([0; STACK_SIZE]));

global_asm!(
    ".text",
    // As the kernel starts a program: rsp = argc, all registers zero.
    ".globl usertrap_loader",
    ".hidden usertrap_loader",
    ".cfi_startproc",
    ".cfi_undefined rip",   // the first frame
    "usertrap_loader:",
    "mov rdi, rsp",
    "lea rsp, [rip + {BOOT_STACK} + {STACK_SIZE}]",
    "call {start}",
    "ud2",
    ".cfi_endproc",
    // rdi = the target's rsp, rsi = its entry point, rdx = its signal mask. It
    // gets what the kernel would give it: zero registers, flags with nothing but
    // IF set. The mask is set as if by a call of its own, so that what is
    // pending arrives as in its code: a tracer, which stops it here after its
    // exec, finds its stack.
    ".globl usertrap_enter",
    ".hidden usertrap_enter",
    ".cfi_startproc",
    ".cfi_undefined rip",
    "usertrap_enter:",
    "push 0x202",
    "popfq",
    "mov rbx, rsi",
    "mov rsp, rdi",
    "mov rsi, rdx",
    "mov edi, {SIG_SETMASK}",
    "mov edx, 0",
    "mov r10d, 8",
    "mov eax, {SYS_RT_SIGPROCMASK}",
    "lea rcx, [rip + usertrap_enter_unmasked]",
    "mov gs:[{GS_RET}], rcx",
    "jmp usertrap_gate_enter",
    "usertrap_enter_unmasked:",
    "mov gs:[{GS_RET}], rbx",
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
    "pxor xmm\\n, xmm\\n",
    ".endr",
    // mov, because xor would change the flags
    ".irp r, eax,ebx,ecx,edx,esi,edi,ebp,r8d,r9d,r10d,r11d,r12d,r13d,r14d,r15d",
    "mov \\r, 0",
    ".endr",
    "jmp qword ptr gs:[{GS_RET}]",
    ".cfi_endproc",
    BOOT_STACK = sym BOOT_STACK,
    STACK_SIZE = const STACK_SIZE,
    start = sym start,
    GS_RET = const gs::BIAS + offset_of!(ThreadArea, call) + offset_of!(Call<'static>, return_address),
    SIG_SETMASK = const libc::SIG_SETMASK,
    SYS_RT_SIGPROCMASK = const libc::SYS_rt_sigprocmask,
);

unsafe extern "C" {
    static usertrap_loader: u8;
    fn usertrap_enter(rsp: u64, entry: u64, mask: &u64) -> !;
}

/// The entry point of the tree file.
pub(crate) fn entry() -> u64 {
    (&raw const usertrap_loader) as u64
}

unsafe extern "C" fn start(stack: *mut u64) -> ! {
    log::attach();
    // SAFETY: the kernel's initial stack, which nobody else uses yet.
    let mut stack = unsafe { Stack::at(stack) };
    let text = stack.last_variable().unwrap_or_default();
    let Some(message) = Message::decode(text.to_bytes()) else {
        log::fatal("this image is no program of its own; start programs with the usertrap command");
    };
    match load(&mut stack, text.as_ptr().cast_mut().cast(), &message) {
        Ok(entry) => {
            let inherited = Inherited {
                blocked: message.blocked,
                ignored: Some(message.ignored),
                arm: message.flags & message::ARM != 0,
                filtered: message.flags & message::FILTERED != 0,
                backed: message.flags & message::BACKED != 0,
                watched: message.flags & message::WATCHED != 0,
                strangers: 0,
                block: message.block,
                word: message.word,
            };
            if inherited.arm {
                filters::note_outer();
            } else {
                filters::inherit_outer(message.flags & message::OUTER != 0);
            }
            setup::bring_up_image(&inherited);
            // SAFETY: complete now.
            guest::load(&unsafe { Process::at(stack.start() as *const usize) });
            // By then it is known which calls are hooked.
            load::rewrite(0..u64::MAX);
            disarmed::begin();
            let mask = message.mask & !sigaction::reserved();
            // SAFETY: the area is there, the target mapped, its stack made.
            unsafe { usertrap_enter(stack.start(), entry, &mask) }
        }
        // Behind its point of no return the kernel kills.
        Err(_) => process::die_of(libc::SIGSEGV),
    }
}

/// Makes the process the target's. Returns where it starts.
fn load(stack: &mut Stack, text: *mut u8, message: &Message) -> Result<u64, Errno> {
    descriptors::inherit(Kept::Tree, message.tree);
    descriptors::inherit(Kept::Report, message.report);
    for fd in [message.tree, message.report] {
        if fd >= 0 {
            kernel::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC as u64)?;
        }
    }
    let random = Randomness::observe(stack);
    let path = stack.put_path(text, message::LEN);
    name_thread(path, message);
    let vdso = if random.of_addresses() {
        None
    } else {
        Vdso::set_aside(stack.auxiliary())
    };
    let target = map::target(message.target, message.interpreter >= 0, &random)?;
    let mut entry = target.entry;
    let mut base = 0;
    if message.interpreter >= 0 {
        let interpreter = map::interpreter(message.interpreter)?;
        entry = interpreter.entry;
        base = interpreter.bias;
        kernel::close(message.interpreter);
    }
    identity::set(message.target);
    let user = auxv::get(stack.auxiliary(), AT_UID);
    let secure = is_secure(message.target, user);
    kernel::close(message.target);
    if let Some(vdso) = vdso {
        vdso.put_back(stack.auxiliary());
    }

    stack.drop_last_variable();
    let [headers, header_size, header_count] = target.headers;
    let vector = stack.auxiliary();
    for (kind, value) in [
        (AT_PHDR, headers),
        (AT_PHENT, header_size),
        (AT_PHNUM, header_count),
        (AT_BASE, base),
        (AT_ENTRY, target.entry),
        (AT_EXECFN, path.as_ptr() as u64),
    ] {
        auxv::set(vector, kind, value);
    }
    if secure {
        auxv::set(vector, AT_SECURE, 1);
    }
    vdso::hide(vector);
    if target.stack_executable {
        place::make_stack_executable(stack)?;
    }
    let brk = place::heap(&target, &random);
    let vector = stack.auxiliary();
    let (auxv, auxv_size) = (vector.as_ptr() as u64, size_of_val(vector) as u32);
    let [arg_start, arg_end, env_end] = stack.strings(text as u64);
    let map = MemoryMap {
        start_code: target.code[0],
        end_code: target.code[1],
        start_data: target.data[0],
        end_data: target.data[1],
        start_brk: brk,
        brk,
        start_stack: stack.start(),
        arg_start,
        arg_end,
        env_start: arg_end,
        env_end,
        auxv,
        auxv_size,
        exe_fd: -1,
    };
    // Without CONFIG_CHECKPOINT_RESTORE /proc goes on showing ours, and the
    // heap begins behind us.
    let _ = process::set_memory_map(&map);
    Ok(entry)
}

/// Whether the kernel would tell a program that it has privileges: where they are lost,
/// too (`cap_bprm_creds_from_file` of `security/commoncap.c`).
fn is_secure(file: i32, user: Option<u64>) -> bool {
    user.is_some_and(|user| user != 0)
        && process::has_effective_capabilities(file)
        && process::mount_flags(file).is_ok_and(|flags| flags & process::NOSUID == 0)
}

/// The thread's name is the last component of the path, or, for a program that
/// was executed by its descriptor alone and on kernels that say so (6.14), the
/// file's name: the kernel has then named us after the tree file.
fn name_thread(path: &CStr, message: &Message) {
    let by_descriptor = message.flags & message::BY_DESCRIPTOR != 0;
    let mut bytes = [0; 16];
    let name = if by_descriptor && process::thread_name().starts_with(b"memfd:usertrap") {
        for (place, word) in bytes.chunks_exact_mut(8).zip(message.name) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        &bytes
    } else {
        let path = path.to_bytes();
        path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)
    };
    process::set_thread_name(name);
}
