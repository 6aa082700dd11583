//! The kernel takes the filter, and gives the verdicts that the unit tests'
//! interpreter gives.
#![allow(unsafe_code, reason = "arms child processes and makes calls from code of its own")]

use core::arch::asm;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use usertrap::abi::seccomp::{
    AUDIT_ARCH_I386, AUDIT_ARCH_X86_64, Program, SECCOMP_FILTER_FLAG_SPEC_ALLOW, SECCOMP_SET_MODE_FILTER, SYS_SECCOMP,
};
use usertrap::arm::filter::{self, TRAP_DATA};

/// `syscall; ret` as the gate; the same and `int $0x80; ret` behind it.
const CODE: [u8; 9] = [0x0f, 0x05, 0xc3, 0x0f, 0x05, 0xc3, 0xcd, 0x80, 0xc3];
const GATE: usize = 0;
const OUTSIDE: usize = 3;
const INT80: usize = 6;

const GETPID: u32 = libc::SYS_getpid as u32;
const X32: u32 = 0x4000_0000;
const UNARMED: u64 = 255;

/// How a child's call ended, as its exit status.
const ENOSYS: i32 = 10;
const PASSED: i32 = 11;
const TRAPPED_X86_64: i32 = 12;
const TRAPPED_I386: i32 = 13;

/// Where the child's code is.
static PAGE: AtomicUsize = AtomicUsize::new(0);

/// Runs the code at `offset` of the page.
fn call(offset: usize, number: u32, arg: u64) -> i64 {
    let result;
    // SAFETY: the code changes what a system call does, and returns.
    unsafe {
        asm!("call {address}", address = in(reg) PAGE.load(Relaxed) + offset,
             inlateout("rax") u64::from(number) => result, in("rdi") arg, out("rcx") _, out("r11") _);
    }
    result
}

/// Ends the child, through the gate.
fn end(status: u64) {
    call(GATE, libc::SYS_exit_group as u32, status);
}

/// Ends the child as the trap says; a return would be trapped as well.
extern "C" fn on_sigsys(_: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: of a SIGSYS the siginfo is si_signo, si_errno, si_code, padding,
    // si_call_addr (64 bits), si_syscall, si_arch.
    let [errno, code, address, arch] = unsafe {
        let words = info.cast::<u32>();
        [1, 2, 4, 7].map(|index| words.add(index).read())
    };
    let behind = |offset: usize| (PAGE.load(Relaxed) + offset + 2) as u32;
    if errno != TRAP_DATA || code != SYS_SECCOMP as u32 {
        end(1);
    }
    match arch {
        AUDIT_ARCH_X86_64 if address == behind(OUTSIDE) => end(TRAPPED_X86_64 as u64),
        AUDIT_ARCH_I386 if address == behind(INT80) => end(TRAPPED_I386 as u64),
        _ => end(2),
    }
}

/// Arms a child, which then calls `number` from `offset`; its exit status.
fn status_of(offset: usize, number: u32) -> Option<i32> {
    // SAFETY: a fresh page, filled before it is made executable.
    unsafe {
        let anonymous = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let page = libc::mmap(
            core::ptr::null_mut(),
            4096,
            libc::PROT_READ | libc::PROT_WRITE,
            anonymous,
            -1,
            0,
        );
        assert_ne!(page, libc::MAP_FAILED);
        page.cast::<[u8; CODE.len()]>().write(CODE);
        assert_eq!(libc::mprotect(page, 4096, libc::PROT_READ | libc::PROT_EXEC), 0);
        PAGE.store(page as usize, Relaxed);
    }
    let start = (PAGE.load(Relaxed) + GATE) as u64;
    let instructions = filter::program(start..start + 2, None).unwrap();
    let program = Program {
        len: instructions.len() as u16,
        filter: instructions.as_ptr(),
    };

    // SAFETY: the child makes system calls only, and ends itself.
    match unsafe { libc::fork() } {
        0 => {
            // SAFETY: all arguments live through the calls.
            let armed = unsafe {
                let mut action: libc::sigaction = core::mem::zeroed();
                action.sa_sigaction = on_sigsys as *const () as usize;
                action.sa_flags = libc::SA_SIGINFO;
                libc::sigaction(libc::SIGSYS, &raw const action, core::ptr::null_mut()) == 0
                    && libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                    && libc::syscall(
                        libc::SYS_seccomp,
                        SECCOMP_SET_MODE_FILTER,
                        SECCOMP_FILTER_FLAG_SPEC_ALLOW,
                        &raw const program,
                    ) == 0
            };
            if !armed {
                end(UNARMED);
            }
            match call(offset, number, 0) {
                result if result == -i64::from(libc::ENOSYS) => end(ENOSYS as u64),
                result if result > 0 => end(PASSED as u64),
                _ => end(3),
            }
            unreachable!()
        }
        child => {
            let mut status = 0;
            // SAFETY: waits for our child.
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status))
        }
    }
}

// One test: `PAGE` is the process's.
#[test]
fn the_kernel_gives_the_filters_verdicts() {
    for (offset, number, expected) in [
        (GATE, GETPID, PASSED),
        (GATE, X32 | GETPID, ENOSYS),
        (GATE, u32::MAX, ENOSYS),
        (GATE, 600, ENOSYS),
        (OUTSIDE, GETPID, TRAPPED_X86_64),
        (OUTSIDE, X32 | GETPID, TRAPPED_X86_64),
        (OUTSIDE, u32::MAX, TRAPPED_X86_64),
        (OUTSIDE, 600, TRAPPED_X86_64),
        (INT80, 20, TRAPPED_I386),
    ] {
        assert_eq!(
            status_of(offset, number),
            Some(expected),
            "number {number:#x} at offset {offset}"
        );
    }
}
