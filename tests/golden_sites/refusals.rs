//! What is not rewritten, and why.

use super::text::*;
use usertrap::rewrite::code::Code;
use usertrap::rewrite::eh_frame::Function;
use usertrap::rewrite::plan::plan;
use usertrap::rewrite::refusal::Refusal;
use usertrap::rewrite::site::{Form, prove};
use usertrap::rewrite::trampoline::Slot;

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
    let whole = |form: &Form| matches!(form, Form::Span { span } if span.original() == MOVL_16);
    for text in [&start, &later, &far] {
        assert!(text.prove(16).is_ok_and(|form| whole(&form)));
        assert!(text.prove_in_the_open(16).is_ok_and(|form| whole(&form)) == (text.bytes == far.bytes));
    }
    // Cut anywhere, as the first instruction of what can be seen.
    for cut in 0..far.bytes.len() - 10 {
        let code = Code {
            bytes: &far.bytes[cut..],
            base: BASE + cut as u64,
        };
        let form = prove(&code, far.site, 16, None);
        assert!(form.is_err() || form.is_ok_and(|form| whole(&form)), "cut at {cut}");
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
