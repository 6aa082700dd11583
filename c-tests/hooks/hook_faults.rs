//! Faults on demand: call 500 with the kind of fault, in `enter`; 501 in `exit`; after 502 with a number and a kind
//! the next call of that number faults in `exit`.
#![no_std]
#![allow(unsafe_code, reason = "faults on purpose")]

use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use usertrap::hook::{Call, Hook, Outcome, VectorUse, Verdict};
use usertrap::kernel;

const SIGUSR1: u64 = 10;
const SIGSEGV: u64 = 11;
const SYS_GETPID: i64 = 39;
const SYS_GETTID: i64 = 186;
const SYS_TGKILL: i64 = 234;

/// The number and kind of the armed fault.
static ARMED: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];

struct Faults;

impl Hook for Faults {
    fn name(&self) -> &'static str {
        "faults"
    }

    fn vector_use(&self) -> VectorUse {
        VectorUse::None
    }

    fn enter(&self, call: &mut Call<'_>) -> Verdict {
        let [kind, address, ..] = *call.args();
        match call.number() {
            500 => {
                fault(kind, address);
                Verdict::Answer(7)
            }
            502 => {
                ARMED[1].store(address, Relaxed);
                ARMED[0].store(kind, Relaxed);
                Verdict::Answer(0)
            }
            501 => Verdict::PassThenExit,
            number if u64::from(number) == ARMED[0].load(Relaxed) => Verdict::PassThenExit,
            _ => Verdict::Pass,
        }
    }

    fn exit(&self, call: &mut Call<'_>, _: Outcome) {
        let [kind, address, ..] = *call.args();
        match call.number() {
            501 => fault(kind, address),
            _ => fault(ARMED[1].load(Relaxed), 0),
        }
    }

    fn forked(&self) {
        if ARMED[0].load(Relaxed) == 1 {
            fault(ARMED[1].load(Relaxed), 0);
        }
    }
}

fn fault(kind: u64, address: u64) {
    // SAFETY: each of these faults, or sends a signal.
    unsafe {
        match kind {
            0 => asm!("mov byte ptr [{}], 1", in(reg) 16u64),
            1 => asm!("mov {0}, [{0}]", inout(reg) 0x8000_0000_0000_0000u64 => _),
            2 => asm!("ud2"),
            3 => asm!("div {0:e}", in(reg) 0u32, inout("eax") 1u32 => _, inout("edx") 0u32 => _),
            4 => asm!("mov {0}, [{0}]", inout(reg) address => _),
            5 => {
                core::hint::black_box(deep(0));
            }
            6 => asm!("call {}", in(reg) 0x18u64),
            // Signals that come while the hook runs, and then a fault, or none.
            7 => {
                send(SIGUSR1);
                fault(0, 0);
            }
            8 => {
                send(SIGUSR1);
                send(SIGSEGV);
                send(SIGUSR1);
                send(SIGSEGV);
            }
            9 => send(SIGSEGV),
            10 => {
                send(SIGSEGV);
                fault(2, 0);
            }
            _ => {}
        }
    }
}

fn deep(depth: u64) -> u64 {
    let room = core::hint::black_box([depth; 32]);
    if depth == u64::MAX {
        0
    } else {
        deep(depth + 1) + room[3]
    }
}

fn send(signal: u64) {
    // SAFETY: sends a signal to this thread.
    unsafe {
        let pid = kernel::call(SYS_GETPID, [0; 6]) as u64;
        let tid = kernel::call(SYS_GETTID, [0; 6]) as u64;
        kernel::call(SYS_TGKILL, [pid, tid, signal, 0, 0, 0]);
    }
}

usertrap::hook!(Faults);
