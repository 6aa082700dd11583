//! Looks at the state that it finds against the psABI's (3.2.1, 3.2.3), and leaves none of what a function may change as
//! it was. Call 500 is answered with what was wrong in `enter`, 501 with what ever was in `exit`; all others pass.
#![no_std]
#![allow(unsafe_code, reason = "reads and spoils registers")]

use core::arch::asm;
use core::arch::x86_64::{__cpuid, __cpuid_count};
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use usertrap::hook::{Call, Hook, Outcome, Verdict};

/// What was wrong in `exit`.
static WRONG: AtomicU64 = AtomicU64::new(0);

struct State;

impl Hook for State {
    fn enter(&self, call: &mut Call<'_>) -> Verdict {
        let wrong = look();
        spoil();
        match call.number() {
            500 => Verdict::Answer(wrong as i64),
            501 => Verdict::Answer(WRONG.load(Relaxed) as i64),
            _ => Verdict::PassThenExit,
        }
    }

    fn exit(&self, _: &mut Call<'_>, _: Outcome) {
        WRONG.fetch_or(look(), Relaxed);
        spoil();
    }
}

fn look() -> u64 {
    let mut mxcsr = 0u32;
    let mut environment = [0u32; 7];
    let flags: u64;
    // SAFETY: reads state; fnstenv masks exceptions, which `spoil` does not mind.
    unsafe {
        asm!("stmxcsr [{}]", in(reg) &raw mut mxcsr, options(nostack));
        asm!("fnstenv [{}]", in(reg) &raw mut environment, options(nostack));
        asm!("pushfq", "pop {}", out(reg) flags);
    }
    let [control, status, tags, ..] = environment.map(|word| word & 0xffff);
    [
        mxcsr & !0x3f != 0x1f80,
        control != 0x37f,
        status != 0,
        tags != 0xffff,
        flags & 1 << 10 != 0, // DF
        flags & 1 << 18 != 0, // AC
        flags & 1 << 8 != 0,  // TF
    ]
    .iter()
    .enumerate()
    .fold(0, |wrong, (bit, &is_wrong)| wrong | u64::from(is_wrong) << bit)
}

fn spoil() {
    let mxcsr = 0x7fbfu32;
    let control = 0x0c7fu16;
    let zero = 0u64;
    // SAFETY: all of it is the callee's to change; the x87 stack is left empty.
    unsafe {
        asm!("ldmxcsr [{}]", in(reg) &mxcsr, options(nostack));
        asm!(
            "fninit", "fldz", "fld1", "fldpi", "fninit",
            "fldcw [{0}]",
            ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
            "movq xmm\\n, [{1}]",
            ".endr",
            in(reg) &control, in(reg) &zero, options(nostack),
        );
        if __cpuid(1).ecx >> 28 & 1 != 0 {
            asm!(
                ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
                "vcmptrueps ymm\\n, ymm\\n, ymm\\n",
                ".endr",
                options(nostack)
            );
        }
        if __cpuid_count(7, 0).ebx >> 16 & 1 != 0 {
            asm!(
                ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
                "vpternlogd zmm\\n, zmm\\n, zmm\\n, 0xff",
                ".endr",
                ".irp n, 0,1,2,3,4,5,6,7",
                "kxnorw k\\n, k\\n, k\\n",
                ".endr",
                options(nostack)
            );
        }
    }
}

usertrap::hook!(State);
