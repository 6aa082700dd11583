//! Golden pairs: the bytes of a site and what is known of it, and the form,
//! the patched bytes and the trampoline that come of them. Refusals too.
#![cfg(feature = "std")]

use usertrap::rewrite::code::Code;
use usertrap::rewrite::eh_frame::Function;
use usertrap::rewrite::padding::Pad;
use usertrap::rewrite::plan::{Plan, plan, unplan};
use usertrap::rewrite::refusal::Refusal;
use usertrap::rewrite::site::{Form, prove, prove_among};
use usertrap::rewrite::trampoline::{
    Jump, Ours, SIZE, Slot, keeps_syscall, long_jump, near_jump, near_target, number, short_jump, slot_of, trampoline,
};

const BASE: u64 = 0x7f00_1234_5000;
const RET: &[u8] = &[0xc3];
const SYSCALL: &[u8] = &[0x0f, 0x05];
/// `push %rbp; mov %rsp,%rbp`
const OPENING: &[u8] = &[0x55, 0x48, 0x89, 0xe5];
const MOV_GETPID: &[u8] = &[0xb8, 39, 0, 0, 0];
/// `mov $15,%rax`
const MOV_RAX_15: &[u8] = &[0x48, 0xc7, 0xc0, 15, 0, 0, 0];
/// `mov %r11,8(%rsp)`: before glibc's one site for cancellable calls.
const MOV_R11: &[u8] = &[0x4c, 0x89, 0x5c, 0x24, 0x08];
/// `mov %edi,%eax`
const MOV_EDI_EAX: &[u8] = &[0x89, 0xf8];
/// `movl $16,-0x48(%rsp)`: ends like `mov $16,%eax`.
const MOVL_16: &[u8] = &[0xc7, 0x44, 0x24, 0xb8, 16, 0, 0, 0];
/// `nopw 0(%rax,%rax,1)`
const NOP9: &[u8] = &[0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0];
/// `nopl 0(%rax,%rax,1)`
const NOP5: &[u8] = &[0x0f, 0x1f, 0x44, 0, 0];
/// `cs nopw 0(%rax,%rax,1)`
const NOP10: &[u8] = &[0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0];
/// A slot of the preferred table and one of a fallback table.
const PREFERRED: u32 = 0x050f_1238;
const FALLBACK: u32 = 0x4106_1238;
/// Where their trampolines lie in the tests of near jumps.
const TRAMPOLINE: u64 = NEAR.trampolines + 32 * 0x247;
/// The preferred table, with trampolines in reach and out of it.
const NEAR: Ours = Ours {
    table: 0x050f_0000,
    trampolines: BASE + 0x1000_0000,
    slots: 8192,
};
const FAR: Ours = Ours {
    trampolines: BASE + 0x10_0000_0000,
    ..NEAR
};

fn slot(address: u32) -> Slot {
    Slot {
        address,
        trampoline: TRAMPOLINE,
    }
}

/// The form with a long jump in this padding.
fn long(at: u64, len: usize) -> Form {
    let jump = Jump::Long;
    Form::Short {
        pad: Pad { at, len, jump },
    }
}

/// The form with a near jump in this padding.
fn near(at: u64, len: usize) -> Form {
    let jump = Jump::Near;
    Form::Short {
        pad: Pad { at, len, jump },
    }
}

/// Code made of parts, with its first `syscall` as the site.
struct Text {
    bytes: Vec<u8>,
    site: u64,
}

impl Text {
    fn new(parts: &[&[u8]]) -> Text {
        let before: usize = parts
            .iter()
            .take_while(|part| **part != SYSCALL)
            .map(|part| part.len())
            .sum();
        Text {
            bytes: parts.concat(),
            site: BASE + before as u64,
        }
    }

    fn code(&self) -> Code<'_> {
        Code {
            bytes: &self.bytes,
            base: BASE,
        }
    }

    fn end(&self) -> u64 {
        BASE + self.bytes.len() as u64
    }

    /// All of it is one function.
    fn prove(&self, rax: u64) -> Result<Form, Refusal> {
        prove(&self.code(), self.site, rax, Some(Function::alone(BASE, self.end())))
    }

    /// The first `length` bytes are a function, the rest is a gap.
    fn prove_with_gap(&self, length: usize, rax: u64) -> Result<Form, Refusal> {
        self.prove_with_gap_among(length, rax, &FAR)
    }

    /// The same, with trampolines somewhere else.
    fn prove_with_gap_among(&self, length: usize, rax: u64, ours: &Ours) -> Result<Form, Refusal> {
        let function = Function {
            next: self.end(),
            ..Function::alone(BASE, BASE + length as u64)
        };
        prove_among(&self.code(), self.site, rax, ours, |address| {
            function.contains(address).then_some(function)
        })
    }

    /// All of it is one function without exception handlers.
    fn prove_without_handlers(&self, rax: u64) -> Result<Form, Refusal> {
        self.prove_without_handlers_among(rax, &FAR)
    }

    /// The same, with trampolines somewhere else.
    fn prove_without_handlers_among(&self, rax: u64, ours: &Ours) -> Result<Form, Refusal> {
        let function = Function {
            handlers: false,
            ..Function::alone(BASE, self.end())
        };
        prove_among(&self.code(), self.site, rax, ours, |_| Some(function))
    }

    /// Nothing is known but the bytes.
    fn prove_in_the_open(&self, rax: u64) -> Result<Form, Refusal> {
        prove(&self.code(), self.site, rax, None)
    }

    /// The bytes after the plan.
    fn after(&self, plan: &Plan) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for write in plan.writes() {
            let at = (write.at - BASE) as usize;
            bytes[at..at + write.len].copy_from_slice(write.bytes());
        }
        bytes
    }

    fn original(&self) -> [u8; 7] {
        self.code().array(self.site - 5).unwrap()
    }

    /// Rewrites and restores, and gives the bytes in between.
    fn rewritten(&self, form: &Form, address: u32) -> Vec<u8> {
        let slot = slot(address);
        let there = plan(form, self.site, slot, &self.original()).expect("a slot for this form");
        let patched = self.after(&there);
        let back = unplan(form, self.site, slot, &self.original()).expect("a way back");
        let text = Text {
            bytes: patched.clone(),
            site: self.site,
        };
        let mut restored = text.after(&back);
        if let Form::Short { pad } = form {
            // The padding keeps the jump: see `unplan`.
            let at = (pad.at - BASE) as usize;
            restored[at..at + pad.len].copy_from_slice(&self.bytes[at..at + pad.len]);
        }
        assert_eq!(restored, self.bytes, "the way back restores every byte");
        patched
    }
}

#[test]
fn a_number_site_becomes_a_jump_in_front_of_an_untouched_syscall() {
    let text = Text::new(&[OPENING, MOV_GETPID, SYSCALL, RET]);
    let form = text.prove(39).unwrap();
    assert_eq!(form, Form::Number { nr: 39 });
    let patched = text.rewritten(&form, PREFERRED);
    let golden: &[&[u8]] = &[OPENING, &[0xff, 0x24, 0x25, 0x38, 0x12], SYSCALL, RET];
    assert_eq!(patched, golden.concat());
}

#[test]
fn in_the_fallback_table_the_syscall_becomes_an_invalid_opcode() {
    let text = Text::new(&[OPENING, MOV_GETPID, SYSCALL, RET]);
    let form = text.prove(39).unwrap();
    let patched = text.rewritten(&form, FALLBACK);
    let golden: &[&[u8]] = &[OPENING, &[0xff, 0x24, 0x25, 0x38, 0x12, 0x06, 0x41], RET];
    assert_eq!(patched, golden.concat());
}

#[test]
fn a_number_site_at_the_start_of_its_function_is_proved() {
    let text = Text::new(&[MOV_GETPID, SYSCALL, RET]);
    assert_eq!(text.prove(39), Ok(Form::Number { nr: 39 }));
}

#[test]
fn a_five_byte_instruction_is_replayed() {
    let text = Text::new(&[OPENING, MOV_R11, SYSCALL, RET]);
    let form = text.prove(39).unwrap();
    assert_eq!(
        form,
        Form::Replay {
            insn: [0x4c, 0x89, 0x5c, 0x24, 0x08]
        }
    );
    let patched = text.rewritten(&form, PREFERRED);
    let golden: &[&[u8]] = &[OPENING, &[0xff, 0x24, 0x25, 0x38, 0x12], SYSCALL, RET];
    assert_eq!(patched, golden.concat());
}

#[test]
fn instructions_that_know_where_they_are_are_not_replayed() {
    for insn in [
        [0xe8, 0, 0, 0, 0],             // call
        [0xe9, 0, 0, 0, 0],             // jmp
        [0x65, 0x48, 0x8b, 0x04, 0x24], // mov %gs:(%rsp),%rax
        [0x67, 0x8e, 0x6c, 0x24, 0x08], // mov 8(%esp),%gs
        [0x66, 0x0f, 0xb5, 0x04, 0x24], // lgs (%rsp),%ax
        [0xf3, 0x48, 0x0f, 0xae, 0xd8], // wrgsbase %rax
        [0xf3, 0x48, 0x0f, 0x1e, 0xc8], // rdsspq %rax
        [0x0f, 0x1f, 0x44, 0x00, 0x00], // nopl: reserved for probes
        [0xf0, 0x83, 0x04, 0x24, 0x00], // lock addl $0,(%rsp)
        [0x3e, 0x3e, 0x0f, 0x01, 0xd0], // xgetbv
        [0x3e, 0xdd, 0x44, 0x24, 0x08], // fldl 8(%rsp)
        [0x3e, 0x3e, 0x3e, 0xcd, 0x80], // int $0x80
        [0x3e, 0x3e, 0x3e, 0x0f, 0x05], // syscall
        [0x2e, 0x0f, 0xc7, 0x34, 0x24], // vmptrld (%rsp)
    ] {
        let text = Text::new(&[OPENING, &insn, SYSCALL, RET]);
        assert_eq!(text.prove(39), Err(Refusal::NoRoom), "{insn:x?}");
    }
}

#[test]
fn instructions_that_do_the_same_anywhere_are_replayed() {
    for insn in [
        [0x48, 0x8b, 0x44, 0x24, 0x08], // mov 8(%rsp),%rax
        [0x64, 0x48, 0x8b, 0x04, 0x24], // mov %fs:(%rsp),%rax
        [0xbf, 1, 0, 0, 0],             // mov $1,%edi
        [0x25, 0xff, 0, 0, 0],          // and $0xff,%eax
        [0x68, 1, 0, 0, 0],             // push $1
        [0x48, 0x0f, 0x44, 0x04, 0x24], // cmove (%rsp),%rax
        [0x48, 0x8d, 0x74, 0x24, 0x10], // lea 16(%rsp),%rsi
        [0xc4, 0xe2, 0x79, 0x00, 0xc1], // vpshufb %xmm1,%xmm0,%xmm0
        [0xf3, 0x48, 0x0f, 0xb8, 0xc1], // popcnt %rcx,%rax
    ] {
        let text = Text::new(&[OPENING, &insn, SYSCALL, RET]);
        assert_eq!(text.prove(39), Ok(Form::Replay { insn }), "{insn:x?}");
    }
}

#[test]
fn a_site_without_a_number_jumps_into_the_gap_behind_its_function() {
    let text = Text::new(&[OPENING, MOV_EDI_EAX, SYSCALL, RET, NOP9]);
    let form = text.prove_with_gap(9, 39).unwrap();
    assert_eq!(form, long(BASE + 9, 9));
    let patched = text.rewritten(&form, FALLBACK);
    let golden: &[&[u8]] = &[
        OPENING,
        MOV_EDI_EAX,
        &[0xeb, 0x01],
        RET,
        &[0xff, 0x24, 0x25, 0x38, 0x12, 0x06, 0x41, 0xcc, 0xcc],
    ];
    assert_eq!(patched, golden.concat());
}

#[test]
fn the_rest_of_a_used_gap_is_used() {
    let text = Text::new(&[OPENING, MOV_EDI_EAX, SYSCALL, RET, &long_jump(PREFERRED), &[0xcc; 9]]);
    assert_eq!(text.prove_with_gap(9, 39), Ok(long(BASE + 16, 7)));
    let text = Text::new(&[OPENING, MOV_EDI_EAX, SYSCALL, RET, &long_jump(PREFERRED), &[0xcc; 6]]);
    assert_eq!(text.prove_with_gap(9, 39), Err(Refusal::NoRoom));
    // A jump through something else than one of our slots is code.
    let foreign = long_jump(PREFERRED + 4);
    let text = Text::new(&[OPENING, MOV_EDI_EAX, SYSCALL, RET, &foreign, &[0xcc; 9]]);
    assert_eq!(text.prove_with_gap(9, 39), Err(Refusal::NoRoom));
}

#[test]
fn in_reach_of_the_trampolines_five_bytes_of_padding_are_enough() {
    let text = Text::new(&[OPENING, MOV_EDI_EAX, SYSCALL, RET, NOP5]);
    assert_eq!(text.prove_with_gap(9, 39), Err(Refusal::NoRoom));
    let form = text.prove_with_gap_among(9, 39, &NEAR).unwrap();
    assert_eq!(form, near(BASE + 9, 5));
    let patched = text.rewritten(&form, FALLBACK);
    let golden: &[&[u8]] = &[
        OPENING,
        MOV_EDI_EAX,
        &[0xeb, 0x01],
        RET,
        &[0xe9, 0xd2, 0x48, 0x00, 0x10], // jmp NEAR.trampolines + 0x48e0
    ];
    assert_eq!(patched, golden.concat());
    // Four are not.
    let text = Text::new(&[OPENING, MOV_EDI_EAX, SYSCALL, RET, &[0xcc; 4]]);
    assert_eq!(text.prove_with_gap_among(9, 39, &NEAR), Err(Refusal::NoRoom));
}

#[test]
fn two_near_jumps_share_a_long_no_op() {
    let parts: &[&[u8]] = &[OPENING, MOV_EDI_EAX, SYSCALL, MOV_EDI_EAX, SYSCALL, RET, NOP10];
    let text = Text::new(parts);
    let length = 13;
    let form = text.prove_with_gap_among(length, 39, &NEAR).unwrap();
    assert_eq!(form, near(BASE + 13, 10));
    let first = text.after(&plan(&form, text.site, slot(PREFERRED), &text.original()).unwrap());
    assert_eq!(first[18..], [0xcc; 5], "what is left of the no-op stays padding");
    let text = Text {
        bytes: first,
        site: text.site + 4,
    };
    let form = text.prove_with_gap_among(length, 39, &NEAR).unwrap();
    assert_eq!(form, near(BASE + 18, 5));
    let second = text.after(&plan(&form, text.site, slot(PREFERRED + 8), &text.original()).unwrap());
    assert_eq!(second[..10], text.bytes[..10], "the first site is left alone");
    assert_eq!(second[13..18], text.bytes[13..18], "and so is its jump");
    // A third finds nothing left.
    let full = Text {
        bytes: [&[0xf8, 0x0f, 0x05], &second[..]].concat(),
        site: BASE + 1,
    };
    assert_eq!(full.prove_with_gap_among(length + 3, 39, &NEAR), Err(Refusal::NoRoom));
}

#[test]
fn a_near_jump_to_anything_but_a_trampoline_is_code() {
    let at = BASE + 9;
    for (target, ours) in [
        (TRAMPOLINE, true),
        (NEAR.trampolines, true),
        (NEAR.trampolines + 8191 * 32, true),
        (NEAR.trampolines + 8192 * 32, false),
        (NEAR.trampolines - 32, false),
        (TRAMPOLINE + 1, false),
    ] {
        let jump = near_jump(at, target).unwrap();
        let text = Text::new(&[OPENING, MOV_EDI_EAX, SYSCALL, RET, &jump, &[0xcc; 5]]);
        let want = if ours {
            Ok(near(at + 5, 5))
        } else {
            Err(Refusal::NoRoom)
        };
        assert_eq!(text.prove_with_gap_among(9, 39, &NEAR), want, "{target:#x}");
    }
}

#[test]
fn the_tightest_padding_is_taken() {
    // Ten bytes behind the first function, five behind the second.
    let parts: &[&[u8]] = &[MOV_EDI_EAX, SYSCALL, RET, NOP10, &[0xf8], RET, NOP5];
    let text = Text::new(parts);
    let first = Function {
        next: BASE + 15,
        ..Function::alone(BASE, BASE + 5)
    };
    let second = Function {
        prev_start: BASE,
        next: text.end(),
        ..Function::alone(BASE + 15, BASE + 17)
    };
    let functions = |address| [first, second].into_iter().find(|one| one.contains(address));
    let result = prove_among(&text.code(), text.site, 39, &NEAR, functions);
    assert_eq!(result, Ok(near(BASE + 17, 5)));
    let result = prove_among(&text.code(), text.site, 39, &FAR, functions);
    assert_eq!(result, Ok(long(BASE + 5, 10)));
}

#[test]
fn a_gap_that_may_be_live_is_not_used() {
    // A function that goes on behind its end, into alignment and the next.
    let text = Text::new(&[OPENING, MOV_EDI_EAX, SYSCALL, MOV_EDI_EAX, NOP9]);
    assert_eq!(text.prove_with_gap(10, 39), Err(Refusal::NoRoom));
    // Something that no FDE covers, with no-ops at its entry.
    let text = Text::new(&[OPENING, MOV_EDI_EAX, SYSCALL, RET, NOP9, RET]);
    assert_eq!(text.prove_with_gap(9, 39), Err(Refusal::NoRoom));
    // Zeros may be data.
    let text = Text::new(&[OPENING, MOV_EDI_EAX, SYSCALL, RET, &[0; 16]]);
    assert_eq!(text.prove_with_gap(9, 39), Err(Refusal::NoRoom));
    // Not a gap at all: the next function starts at once.
    let text = Text::new(&[OPENING, MOV_EDI_EAX, SYSCALL, RET, NOP9]);
    let next_at_once = Function::alone(BASE, BASE + 9);
    assert_eq!(
        prove(&text.code(), text.site, 39, Some(next_at_once)),
        Err(Refusal::NoRoom)
    );
    // Six bytes are too few.
    let text = Text::new(&[OPENING, MOV_EDI_EAX, SYSCALL, RET, &[0xcc; 6]]);
    assert_eq!(text.prove_with_gap(9, 39), Err(Refusal::NoRoom));
    // Behind `ud2`, which a handler may step over.
    let text = Text::new(&[MOV_EDI_EAX, SYSCALL, &[0x0f, 0x0b], NOP9]);
    assert_eq!(text.prove_with_gap(6, 39), Err(Refusal::NoRoom));
}

#[test]
fn a_gap_out_of_reach_is_not_used() {
    for (distance, reached) in [(126usize, true), (127, true), (128, false)] {
        let fill = vec![0x90; distance - 1];
        let text = Text::new(&[MOV_EDI_EAX, SYSCALL, &fill, RET, &[0xcc; 16]]);
        let result = text.prove_with_gap(4 + distance, 39);
        assert_eq!(result.is_ok(), reached, "{distance}: {result:?}");
    }
}

#[test]
fn the_gap_before_a_function_is_found_through_its_neighbour() {
    let parts: &[&[u8]] = &[OPENING, RET, &[0xcc; 11], MOV_EDI_EAX, SYSCALL, RET];
    let text = Text::new(parts);
    let first = Function {
        next: BASE + 16,
        ..Function::alone(BASE, BASE + 5)
    };
    let second = Function {
        prev_start: BASE,
        ..Function::alone(BASE + 16, text.end())
    };
    let functions = |address| [first, second].into_iter().find(|one| one.contains(address));
    let result = prove_among(&text.code(), text.site, 39, &FAR, functions);
    assert_eq!(result, Ok(long(BASE + 5, 7)));
}

/// A function with no-ops at 10..24, behind a `ret` and up to an aligned
/// address, and a branch at 7 to `target`.
fn with_alignment(target: u8) -> Text {
    Text::new(&[
        MOV_EDI_EAX,
        SYSCALL,
        &[0x48, 0x85, 0xc0],       // test %rax,%rax
        &[0x78, target - 9],       // js target
        RET,                       // 9
        NOP9,                      // 10
        &[0x0f, 0x1f, 0x44, 0, 0], // 19
        &[0xf7, 0xd8],             // 24: neg %eax
        RET,
    ])
}

#[test]
fn alignment_inside_a_function_is_used_when_no_branch_goes_there() {
    let past = with_alignment(24);
    assert_eq!(past.prove_without_handlers(39), Ok(long(BASE + 10, 9)));
    // The branch goes to the no-ops themselves.
    let into = with_alignment(19);
    assert_eq!(into.prove_without_handlers(39), Err(Refusal::NoRoom));
    // Exception handlers, which the unwinder enters, are not known.
    assert_eq!(past.prove(39), Err(Refusal::NoRoom));
    // The branch leaves the function: another part of it may come back.
    let out = with_alignment(100);
    assert_eq!(out.prove_without_handlers(39), Err(Refusal::NoRoom));
}

#[test]
fn alignment_is_used_where_the_function_ends_in_a_call() {
    let parts: &[&[u8]] = &[MOV_EDI_EAX, SYSCALL, RET, NOP9, &[0x90, 0x90], &[0xe8, 0, 0, 0, 0]];
    let text = Text::new(parts);
    assert_eq!(text.prove_without_handlers(39), Ok(long(BASE + 5, 9)));
    // Cut off, it may be anything.
    let parts: &[&[u8]] = &[MOV_EDI_EAX, SYSCALL, RET, NOP9, &[0x90, 0x90], &[0xe8, 0, 0, 0]];
    assert_eq!(Text::new(parts).prove_without_handlers(39), Err(Refusal::NoRoom));
}

#[test]
fn alignment_that_holds_a_jump_of_ours_already_is_used_further() {
    // The first takes what it needs of nine bytes, the second the rest and five.
    for (ours, rest) in [(&NEAR, near(BASE + 15, 9)), (&FAR, long(BASE + 17, 7))] {
        let text = with_alignment(24);
        let form = text.prove_without_handlers_among(39, ours).unwrap();
        let patched = text.after(&plan(&form, text.site, slot(PREFERRED), &[0, 0, 0, 0, 0, 0x0f, 0x05]).unwrap());
        let second = Text {
            // `neg %eax` gives way to another site.
            bytes: [&patched[..24], SYSCALL, RET].concat(),
            site: BASE + 24,
        };
        let result = second.prove_without_handlers_among(39, ours);
        assert_eq!(result, Ok(rest));
        // Without knowing which jumps are ours nothing is known of them.
        assert_eq!(
            second.prove_without_handlers_among(39, &Ours::NONE),
            Err(Refusal::NoRoom)
        );
    }
}

#[test]
fn without_a_function_int3s_behind_the_code_are_room() {
    let text = Text::new(&[MOV_EDI_EAX, SYSCALL, RET, &[0xcc; 8]]);
    assert_eq!(text.prove_in_the_open(39), Ok(long(BASE + 5, 7)));
    let live = Text::new(&[MOV_EDI_EAX, SYSCALL, &[0xcc; 8]]);
    assert_eq!(live.prove_in_the_open(39), Err(Refusal::Boundary));
    let few = Text::new(&[MOV_EDI_EAX, SYSCALL, RET, &[0xcc; 6], RET]);
    assert_eq!(few.prove_in_the_open(39), Err(Refusal::Boundary));
}

/// More code before a site than the vote looks at.
fn plain_code() -> Vec<u8> {
    [OPENING, &[0x8b, 0x45, 0xf8], &[0x48, 0x83, 0xec, 0x20], &[0x31, 0xff]]
        .concat()
        .repeat(12)
}

#[test]
fn without_a_function_many_starts_that_agree_prove_the_boundary() {
    let text = Text::new(&[&plain_code(), MOV_GETPID, SYSCALL, RET]);
    assert_eq!(text.prove_in_the_open(39), Ok(Form::Number { nr: 39 }));
    let text = Text::new(&[&plain_code(), MOV_R11, SYSCALL, RET]);
    assert!(matches!(text.prove_in_the_open(39), Ok(Form::Replay { .. })));
}

// Refusals, one test each, and what must never be taken for a site.

#[test]
fn refusal_signal_return_by_number_and_by_bytes() {
    let by_number = Text::new(&[OPENING, MOV_EDI_EAX, SYSCALL, RET, NOP9]);
    for rax in [15, 0xffff_ffff_0000_000f] {
        assert_eq!(by_number.prove_in_the_open(rax), Err(Refusal::SignalReturn));
    }
    let musl = Text::new(&[&[0xb8, 15, 0, 0, 0], SYSCALL]);
    assert_eq!(musl.prove_in_the_open(39), Err(Refusal::SignalReturn));
    let glibc = Text::new(&[&[0x90], MOV_RAX_15, SYSCALL]);
    assert_eq!(glibc.prove_in_the_open(39), Err(Refusal::SignalReturn));
}

#[test]
fn a_signal_return_with_unwind_information_is_rewritten() {
    let glibc = Text::new(&[&[0x90], MOV_RAX_15, SYSCALL]);
    assert_eq!(glibc.prove(15), Ok(Form::Wide { nr: 15 }));
    let musl = Text::new(&[&[0xb8, 15, 0, 0, 0], SYSCALL]);
    assert_eq!(musl.prove(15), Ok(Form::Number { nr: 15 }));
}

#[test]
fn a_wide_number_is_replaced_whole_and_keeps_its_syscall() {
    let text = Text::new(&[OPENING, MOV_RAX_15, SYSCALL, RET]);
    let form = text.prove(15).unwrap();
    assert_eq!(form, Form::Wide { nr: 15 });
    for slot in [PREFERRED, FALLBACK] {
        let patched = text.rewritten(&form, slot);
        assert_eq!(patched[..4], *OPENING);
        assert_eq!(patched[4..11], long_jump(slot));
        assert_eq!(patched[11..], [0x0f, 0x05, 0xc3]);
    }
    let made = trampoline(&form, TRAMPOLINE, text.site + 2, TRAMPOLINE + 0x1000).unwrap();
    assert_eq!(made.prologue, 7);
    assert!(made.bytes.starts_with(MOV_RAX_15));
    assert_eq!(text.prove(16), Err(Refusal::NumberMismatch));
    let negative = Text::new(&[OPENING, &[0x48, 0xc7, 0xc0, 15, 0, 0, 0x80], SYSCALL, RET]);
    assert_eq!(negative.prove(15), Err(Refusal::NoRoom));
}

#[test]
fn a_wide_number_that_a_branch_enters_is_left_alone() {
    for distance in 1u8..=6 {
        // `jmp` to `distance` bytes before the site, from right before the instruction.
        let text = Text::new(&[OPENING, &[0xeb, 7 - distance], MOV_RAX_15, SYSCALL, RET]);
        assert_eq!(text.prove(15), Err(Refusal::NoRoom), "{distance}");
    }
    for target in [0u8, 7] {
        let text = Text::new(&[OPENING, &[0xeb, target], MOV_RAX_15, SYSCALL, RET]);
        assert_eq!(text.prove(15), Ok(Form::Wide { nr: 15 }), "{target}");
    }
}

#[test]
fn refusal_number_mismatch_when_rax_is_not_what_the_bytes_load() {
    let text = Text::new(&[OPENING, MOV_GETPID, SYSCALL, RET]);
    for rax in [0, 38, 40, u64::MAX, 0x1_0000_0027] {
        assert_eq!(text.prove(rax), Err(Refusal::NumberMismatch), "{rax:#x}");
    }
}

#[test]
fn refusal_boundary_when_the_decode_does_not_come_to_the_site() {
    // Data at the start of the function: `movabs` swallows the site.
    let text = Text::new(&[&[0x48, 0xb9, 0, 0], MOV_GETPID, SYSCALL, RET]);
    assert_eq!(text.prove(39), Err(Refusal::Boundary));
    // An invalid opcode.
    let text = Text::new(&[&[0x06], MOV_GETPID, SYSCALL, RET]);
    assert_eq!(text.prove(39), Err(Refusal::Boundary));
}

#[test]
fn refusal_boundary_when_a_branch_enters_the_instruction() {
    // jmp to the third byte of the mov, which is four bytes before the end.
    let text = Text::new(&[&[0xeb, 0x02], MOV_GETPID, SYSCALL, RET]);
    assert_eq!(text.prove(39), Err(Refusal::Boundary));
    // A branch to the syscall itself is met by the syscall that stays there.
    let text = Text::new(&[&[0xeb, 0x05], MOV_GETPID, SYSCALL, RET]);
    assert_eq!(text.prove(39), Ok(Form::Number { nr: 39 }));
}

#[test]
fn refusal_boundary_without_a_function_and_with_too_little_code() {
    let text = Text::new(&[MOV_GETPID, SYSCALL, RET]);
    assert_eq!(text.prove_in_the_open(39), Err(Refusal::Boundary));
}

#[test]
fn refusal_boundary_when_there_is_no_syscall() {
    let text = Text::new(&[MOV_GETPID, &[0xcd, 0x80], RET]);
    assert_eq!(prove(&text.code(), BASE + 5, 39, None), Err(Refusal::Boundary));
}

#[test]
fn refusal_no_room_without_padding_or_a_five_byte_instruction() {
    let text = Text::new(&[OPENING, MOV_EDI_EAX, SYSCALL, RET]);
    assert_eq!(text.prove(39), Err(Refusal::NoRoom));
    // In the open the code before it decodes well, but holds no form either.
    let text = Text::new(&[&plain_code(), MOV_EDI_EAX, SYSCALL, RET]);
    assert_eq!(text.prove_in_the_open(39), Err(Refusal::NoRoom));
}

#[test]
fn the_tail_of_a_store_is_never_taken_for_a_load_of_the_number() {
    let start = Text::new(&[MOVL_16, SYSCALL, RET]);
    let later = Text::new(&[OPENING, MOVL_16, SYSCALL, RET]);
    let far = Text::new(&[&plain_code(), MOVL_16, SYSCALL, RET]);
    for text in [&start, &later, &far] {
        assert_eq!(text.prove(16), Err(Refusal::NoRoom));
        assert!(text.prove_in_the_open(16).is_err());
    }
    // Cut anywhere, as the first instruction of what can be seen.
    for cut in 0..far.bytes.len() - 10 {
        let code = Code {
            bytes: &far.bytes[cut..],
            base: BASE + cut as u64,
        };
        assert!(prove(&code, far.site, 16, None).is_err(), "cut at {cut}");
    }
}

#[test]
fn data_that_looks_like_a_site_is_not_one() {
    // A jump over a table that holds the bytes of a site.
    let table = [MOV_GETPID, SYSCALL].concat();
    let text = Text::new(&[&plain_code(), &[0xeb, 0x08], &[0x48], &table, RET]);
    let site = BASE + (plain_code().len() + 3 + 5) as u64;
    // `48 b8 …` is a movabs, which swallows the look-alike.
    let function = Some(Function::alone(BASE, text.end()));
    assert_eq!(prove(&text.code(), site, 39, function), Err(Refusal::Boundary));
}

#[test]
fn forms_hold_at_both_ends_of_the_address_space() {
    let bytes = [MOV_GETPID, SYSCALL].concat();
    for base in [0, u64::MAX - 6] {
        let code = Code { bytes: &bytes, base };
        let _ = prove(&code, base.wrapping_add(5), 39, None);
        let function = Some(Function::alone(base, base.saturating_add(7)));
        let _ = prove(&code, base.wrapping_add(5), 39, function);
        let _ = prove(&code, u64::MAX, 39, function);
        let _ = prove(&code, 0, 39, function);
    }
}

// Trampolines and jumps.

const AT: u64 = 0x0600_0000;
const RETURN: u64 = 0x7f00_1234_500b;

#[test]
fn the_trampoline_of_a_number_loads_it_and_the_return_address() {
    let made = trampoline(&Form::Number { nr: 0x123 }, AT, RETURN, AT + 0x1000).unwrap();
    let golden = [
        0xb8, 0x23, 0x01, 0, 0, // mov $0x123,%eax
        0x48, 0xb9, 0x0b, 0x50, 0x34, 0x12, 0x00, 0x7f, 0, 0, // movabs $RETURN,%rcx
        0xe9, 0xec, 0x0f, 0, 0, // jmp AT + 0x1000
    ];
    assert_eq!(made.bytes[..made.len], golden);
    assert!(made.bytes[made.len..].iter().all(|byte| *byte == 0xcc));
    assert_eq!((made.prologue, made.bytes.len()), (5, SIZE));
}

#[test]
fn a_trampoline_tells_the_number_that_it_loads() {
    let number_of = |form: &Form| number(&trampoline(form, AT, RETURN, AT).unwrap().bytes);
    assert_eq!(number_of(&Form::Number { nr: 0x123 }), Some(0x123));
    assert_eq!(number_of(&Form::Wide { nr: 0x7fff_ffff }), Some(0x7fff_ffff));
    let insn = [0x4c, 0x89, 0x5c, 0x24, 0x08];
    assert_eq!(number_of(&Form::Replay { insn }), None);
    assert_eq!(number_of(&long(0, 7)), None);
}

#[test]
fn the_trampoline_of_a_replay_begins_with_the_instruction() {
    let form = Form::Replay {
        insn: [0x4c, 0x89, 0x5c, 0x24, 0x08],
    };
    let made = trampoline(&form, AT, RETURN, AT - 0x1000).unwrap();
    assert_eq!(made.bytes[..5], *MOV_R11);
    assert_eq!(made.bytes[15..20], [0xe9, 0xec, 0xef, 0xff, 0xff]);
    assert_eq!((made.len, made.prologue), (20, 5));
}

#[test]
fn the_trampoline_of_a_short_jump_takes_rax_as_it_is() {
    let made = trampoline(&long(0, 7), AT, RETURN, AT).unwrap();
    assert_eq!((made.len, made.prologue), (15, 0));
    assert_eq!(made.bytes[..2], [0x48, 0xb9]);
}

#[test]
fn a_trampoline_reaches_two_gigabytes_and_no_further() {
    let form = Form::Number { nr: 1 };
    let behind = AT + 20;
    assert!(trampoline(&form, AT, RETURN, behind + 0x7fff_ffff).is_some());
    assert!(trampoline(&form, AT, RETURN, behind + 0x8000_0000).is_none());
    let high = 0x7000_0000_0000;
    assert!(trampoline(&form, high, RETURN, high + 20 - 0x8000_0000).is_some());
    assert!(trampoline(&form, high, RETURN, high + 20 - 0x8000_0001).is_none());
    assert!(trampoline(&form, u64::MAX - 5, RETURN, 0).is_none());
}

#[test]
fn jumps_have_the_bytes_of_the_manual() {
    assert_eq!(long_jump(0x4106_1238), [0xff, 0x24, 0x25, 0x38, 0x12, 0x06, 0x41]);
    assert_eq!(slot_of(&long_jump(0x4106_1238)), Some(0x4106_1238));
    assert_eq!(slot_of(&long_jump(0x8000_0000)), None);
    assert_eq!(short_jump(0x1000, 0x1002), Some([0xeb, 0x00]));
    assert_eq!(short_jump(0x1000, 0x1002 + 127), Some([0xeb, 0x7f]));
    assert_eq!(short_jump(0x1000, 0x1002 - 128), Some([0xeb, 0x80]));
    assert_eq!(short_jump(0x1000, 0x1002 + 128), None);
    assert_eq!(short_jump(0x1000, 0x1002 - 129), None);
    assert_eq!(short_jump(u64::MAX, 0), None);
}

#[test]
fn near_jumps_reach_two_gigabytes_and_no_further() {
    let behind = BASE + 5;
    assert_eq!(near_jump(BASE, behind), Some([0xe9, 0, 0, 0, 0]));
    for (target, bytes) in [
        (behind + 0x7fff_ffff, Some([0xe9, 0xff, 0xff, 0xff, 0x7f])),
        (behind - 0x8000_0000, Some([0xe9, 0, 0, 0, 0x80])),
        (behind + 0x8000_0000, None),
        (behind - 0x8000_0001, None),
    ] {
        assert_eq!(near_jump(BASE, target), bytes);
        assert_eq!(bytes.and_then(|bytes| near_target(BASE, &bytes)), bytes.map(|_| target));
    }
    assert_eq!(near_jump(u64::MAX - 4, 0), None);
    assert_eq!(near_target(u64::MAX - 4, &[0xe9, 0, 0, 0, 0]), None);
    assert_eq!(near_target(0, &[0xe8, 0, 0, 0, 0]), None);
    // All of the trampolines must be in reach, so that the slot does not matter.
    let last = |end: u64| Ours {
        trampolines: end - 8192 * 32,
        ..NEAR
    };
    assert_eq!(last(behind + 0x7fff_ffff).jump_from(BASE), Jump::Near);
    assert_eq!(last(behind + 0x8000_0000).jump_from(BASE), Jump::Long);
    assert_eq!(Ours::NONE.jump_from(0x1000), Jump::Long);
}

#[test]
fn only_slots_of_the_preferred_table_keep_the_syscall() {
    for (slot, keeps) in [
        (0x050e_ffff, false),
        (0x050f_0000, true),
        (0x050f_ffff, true),
        (0x0510_0000, false),
        (FALLBACK, false),
    ] {
        assert_eq!(keeps_syscall(slot), keeps);
        assert_eq!(long_jump(slot)[5..] == [0x0f, 0x05], keeps);
    }
}

#[test]
fn a_slot_that_a_form_cannot_use_gives_no_plan() {
    let original = [0xb8, 39, 0, 0, 0, 0x0f, 0x05];
    let number = Form::Number { nr: 39 };
    let site = BASE + 5;
    assert!(plan(&number, site, slot(0x4107_0000), &original).is_none());
    assert!(plan(&number, site, slot(0x8006_0000), &original).is_none());
    assert!(plan(&number, 4, slot(PREFERRED), &original).is_none());
    let unreached = Slot {
        trampoline: site + 0x1_0000_0000,
        ..slot(PREFERRED)
    };
    for (pad, slot, fits) in [
        (long(site + 130, 7), slot(PREFERRED), false),
        (near(site + 130, 5), slot(PREFERRED), false),
        (near(site + 20, 5), unreached, false),
        (near(site + 20, 4), slot(PREFERRED), false),
        (long(site + 20, 6), slot(PREFERRED), false),
        (long(site + 20, 22), slot(PREFERRED), false),
        (long(site + 20, 21), unreached, true),
        (near(site + 20, 19), slot(PREFERRED), true),
    ] {
        assert_eq!(plan(&pad, site, slot, &original).is_some(), fits, "{pad:?}");
    }
    assert!(plan(&number, site, slot(PREFERRED), &[0; 7]).is_none());
}
