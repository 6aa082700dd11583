//! Forms of sites, and their bytes when they are rewritten.

use super::text::*;
use usertrap::rewrite::code::Code;
use usertrap::rewrite::eh_frame::Function;
use usertrap::rewrite::refusal::Refusal;
use usertrap::rewrite::site::{Form, prove};
use usertrap::rewrite::trampoline::{long_jump, trampoline};

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
fn without_a_function_many_starts_that_agree_prove_the_boundary() {
    let text = Text::new(&[&plain_code(), MOV_GETPID, SYSCALL, RET]);
    assert_eq!(text.prove_in_the_open(39), Ok(Form::Number { nr: 39 }));
    let text = Text::new(&[&plain_code(), MOV_R11, SYSCALL, RET]);
    assert!(matches!(text.prove_in_the_open(39), Ok(Form::Replay { .. })));
}

// Refusals, one test each, and what must never be taken for a site.

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
    assert!(matches!(negative.prove(15), Ok(Form::Span { span }) if span.head == 7));
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
