//! Jumps further before the `syscall`, and their trampolines.

use super::text::*;
use usertrap::rewrite::code::Code;
use usertrap::rewrite::decide::decide;
use usertrap::rewrite::eh_frame::Function;
use usertrap::rewrite::refusal::Refusal;
use usertrap::rewrite::site::{Form, Place};
use usertrap::rewrite::trampoline::{long_jump, trampoline};

/// `mov $202,%eax`
const MOV_FUTEX: &[u8] = &[0xb8, 0xca, 0, 0, 0];
/// `xor $0x81,%sil`
const XOR_SIL: &[u8] = &[0x40, 0x80, 0xf6, 0x81];
/// `xor %edx,%edx`
const XOR_EDX: &[u8] = &[0x31, 0xd2];
/// `and $0x80,%esi`
const AND_ESI: &[u8] = &[0x81, 0xe6, 0x80, 0, 0, 0];
/// `lea 0x8f0(%rbx),%rsi`
const LEA_RSI: &[u8] = &[0x48, 0x8d, 0xb3, 0xf0, 0x08, 0, 0];
/// `lea 0x11223344(%rip),%r13`
const LEA_RIP: &[u8] = &[0x4c, 0x8d, 0x2d, 0x44, 0x33, 0x22, 0x11];
/// `movq $0x20,(%rsp)`
const MOVQ_8: &[u8] = &[0x48, 0xc7, 0x04, 0x24, 0x20, 0, 0, 0];
/// `mov %rbp,%rsi`
const MOV_RSI: &[u8] = &[0x48, 0x89, 0xee];
/// A slot whose address has 06 as its third byte.
const SPAN_SLOT: u32 = 0x0f06_1238;

/// The site's bytes when it is rewritten, and its trampoline's code up to the
/// return address.
fn golden(parts: &[&[u8]], slot: u32) -> (Vec<u8>, Vec<u8>) {
    let text = Text::new(&[&[OPENING], parts, &[SYSCALL, RET]].concat());
    let form = text.prove_for_spans(202).expect("a form");
    assert!(matches!(form, Form::Span { .. }), "{form:?}");
    let made = trampoline(&form, TRAMPOLINE, text.site + 2, TRAMPOLINE + 0x1000).expect("in reach");
    assert_eq!(made.bytes[made.prologue..][..2], [0x48, 0xb9]);
    assert_eq!(made.bytes[made.prologue + 2..][..8], (text.site + 2).to_le_bytes());
    let patched = text.rewritten(&form, slot);
    assert_eq!(patched[..4], *OPENING);
    (patched[4..].to_vec(), made.bytes[..made.prologue].to_vec())
}

#[test]
fn an_instruction_of_seven_bytes_is_replaced_whole() {
    for slot in [PREFERRED, FALLBACK] {
        let (site, moved) = golden(&[MOV_FUTEX, LEA_RSI], slot);
        assert_eq!(site, [MOV_FUTEX, &long_jump(slot), SYSCALL, RET].concat());
        assert_eq!(moved, LEA_RSI);
    }
}

#[test]
fn what_a_jump_leaves_of_a_longer_one_becomes_a_trap() {
    let (site, moved) = golden(&[MOVQ_8, MOV_RSI], PREFERRED);
    let jump = long_jump(PREFERRED);
    assert_eq!(site, [&jump[..], &[0xcc], MOV_RSI, SYSCALL, RET].concat());
    assert_eq!(moved, [MOVQ_8, MOV_RSI].concat());
}

#[test]
fn of_two_instructions_the_second_begins_with_an_invalid_opcode() {
    let (site, moved) = golden(&[MOV_FUTEX, XOR_SIL], SPAN_SLOT);
    let jump = &[0xff, 0x24, 0x25, 0x38, 0x12, 0x06, 0x0f, 0xcc, 0xcc][..];
    assert_eq!(site, [jump, SYSCALL, RET].concat());
    assert_eq!(moved, [MOV_FUTEX, XOR_SIL].concat());
    let (site, moved) = golden(&[MOV_FUTEX, XOR_EDX, MOV_RSI, MOV_RSI], SPAN_SLOT);
    let jump = &[0xff, 0x24, 0x25, 0x38, 0x12, 0x06, 0x0f][..];
    assert_eq!(site, [jump, MOV_RSI, MOV_RSI, SYSCALL, RET].concat());
    assert_eq!(moved, [MOV_FUTEX, XOR_EDX, MOV_RSI, MOV_RSI].concat());
}

/// `mov %r12d,%eax`
const MOV_R12D: &[u8] = &[0x44, 0x89, 0xe0];
/// `xor %r10d,%r10d`
const XOR_R10: &[u8] = &[0x45, 0x31, 0xd2];
/// `xor %eax,%eax; push %rax`
const SHORT_ONES: &[&[u8]] = &[&[0x31, 0xc0], &[0x50]];

#[test]
fn glibc_s_wake_ups_of_condition_variables_give_up_two_of_three_bytes() {
    let (site, moved) = golden(&[&[0x74, 0], XOR_R10, MOV_R12D], 0x0f06_1260);
    let jump = &[0xff, 0x24, 0x25, 0x60, 0x12, 0x06, 0x0f][..];
    assert_eq!(
        site,
        [&[0x74, 0], jump, &[0x05], RET].concat(),
        "0f is that of the syscall"
    );
    assert_eq!(moved, [XOR_R10, MOV_R12D].concat());
}

#[test]
fn each_instruction_behind_the_first_begins_with_an_invalid_opcode() {
    let mov_rdx: &[u8] = &[0x48, 0x8b, 0x53, 0x18]; // mov 24(%rbx),%rdx
    let mov_eax: &[u8] = &[0x8b, 0x03];
    for (parts, slot, jump) in [
        // Through the second table, or the first one, whose slots end in all of the `syscall`.
        (
            vec![mov_rdx, mov_eax],
            0x0f06_0638,
            &[0xff, 0x24, 0x25, 0x38, 0x06, 0x06, 0x0f, 0x05][..],
        ),
        (
            vec![MOV_R12D, mov_eax],
            0x050f_1260,
            &[0xff, 0x24, 0x25, 0x60, 0x12, 0x0f, 0x05],
        ),
        (
            vec![mov_rdx, &[0x50]],
            0x050f_0e38,
            &[0xff, 0x24, 0x25, 0x38, 0x0e, 0x0f, 0x05],
        ),
        (
            [&[MOV_R12D], SHORT_ONES].concat(),
            0x0f06_1260,
            &[0xff, 0x24, 0x25, 0x60, 0x12, 0x06, 0x0f, 0x05],
        ),
        (
            vec![MOV_R12D, XOR_SIL],
            0x0f06_1260,
            &[0xff, 0x24, 0x25, 0x60, 0x12, 0x06, 0x0f, 0x0f, 0x05],
        ),
        (
            vec![XOR_SIL, MOV_R12D],
            0x0f06_0638,
            &[0xff, 0x24, 0x25, 0x38, 0x06, 0x06, 0x0f, 0x0f, 0x05],
        ),
        (
            vec![MOV_R12D, mov_eax, MOV_R12D],
            0x0f06_1260,
            &[0xff, 0x24, 0x25, 0x60, 0x12, 0x06, 0x0f, 0xcc, 0x0f, 0x05],
        ),
    ] {
        let (site, moved) = golden(&[&[&[0x74, 0][..]], &parts[..]].concat(), slot);
        assert_eq!(site, [&[0x74, 0], jump, RET].concat(), "{parts:x?}");
        assert_eq!(moved, parts.concat());
    }
}

#[test]
fn what_follows_a_jump_that_ends_in_the_syscall_is_read_as_before() {
    // The second site is proved from the start of the function, over the first.
    let behind: &[u8] = &[0x48, 0x3d, 0, 0xf0, 0xff, 0xff];
    let text = Text::new(&[
        OPENING,
        &[0x74, 0],
        XOR_R10,
        MOV_R12D,
        SYSCALL,
        behind,
        MOV_FUTEX,
        SYSCALL,
        RET,
    ]);
    let form = text.prove_for_spans(39).expect("a form");
    let second = Text {
        bytes: text.rewritten(&form, 0x0f06_1260),
        site: text.site + 2 + 6 + 5,
    };
    assert_eq!(second.prove_for_spans(202), Ok(Form::Number { nr: 202 }));
    let starts: Vec<_> = second
        .code()
        .instructions(BASE, second.end())
        .map(|one| one.ip() - BASE)
        .collect();
    assert_eq!(starts, [0, 4, 6, 12, 14, 20, 25, 27]);
}

#[test]
fn there_is_no_span_without_room_for_the_opcodes() {
    let mov_eax: &[u8] = &[0x8b, 0x03];
    // Nothing of an address lies where the second begins, or it is not ours to choose.
    for parts in [
        &[XOR_EDX, XOR_SIL][..],
        &[&[0x50], MOV_FUTEX],
        &[XOR_EDX, XOR_EDX],
        &[XOR_EDX, mov_eax, XOR_EDX],
    ] {
        let text = Text::new(&[&[OPENING, &[0x74, 0]], parts, &[SYSCALL, RET]].concat());
        let form = text.prove_for_spans(39);
        assert!(!matches!(form, Ok(Form::Span { .. })), "{parts:x?}: {form:?}");
    }
    // A table elsewhere does not end in the `syscall`.
    let text = Text::new(&[OPENING, &[0x74, 0], XOR_R10, MOV_R12D, SYSCALL, RET]);
    let elsewhere = usertrap::rewrite::trampoline::Ours {
        table: 0x4006_0000,
        spans: 0x4006_0000,
        ..FAR
    };
    let function = Function::alone(BASE, text.end());
    let form = usertrap::rewrite::site::prove_among(&Place::new(&text.code(), text.site, 202, &elsewhere), |_| {
        Some(function)
    });
    assert_eq!(form, Err(Refusal::NoRoom));
}

#[test]
fn a_prefix_makes_the_jump_as_long_as_six_bytes_need() {
    let (site, moved) = golden(&[AND_ESI, XOR_SIL], SPAN_SLOT);
    let jump = &[0x48, 0xff, 0x24, 0x25, 0x38, 0x12, 0x06, 0x0f, 0xcc, 0xcc][..];
    assert_eq!(site, [jump, SYSCALL, RET].concat());
    assert_eq!(moved, [AND_ESI, XOR_SIL].concat());
    // In front of the `syscall`, which becomes the end of the address.
    let (site, moved) = golden(&[AND_ESI], PREFERRED);
    let jump = &[0x48, 0xff, 0x24, 0x25, 0x38, 0x12][..];
    assert_eq!(site, [jump, SYSCALL, RET].concat());
    assert_eq!(moved, AND_ESI);
}

#[test]
fn an_address_beside_the_code_is_loaded_as_a_number() {
    let (site, moved) = golden(&[LEA_RIP], PREFERRED);
    assert_eq!(site, [&long_jump(PREFERRED), SYSCALL, RET].concat());
    let target = BASE + 4 + 7 + 0x1122_3344;
    assert_eq!(moved, [&[0x49, 0xbd][..], &target.to_le_bytes()].concat());
    // Elsewhere it cannot be told from what follows it.
    let text = Text::new(&[OPENING, LEA_RIP, MOV_RSI, SYSCALL, RET]);
    assert_eq!(text.prove_for_spans(202), Err(Refusal::NoRoom));
}

#[test]
fn a_span_lies_on_one_page_and_may_begin_before_the_site_s() {
    let all = [MOV_FUTEX, MOV_FUTEX, XOR_SIL, MOV_RSI, SYSCALL, RET].concat();
    // The page ends so many bytes before the site.
    for (end, want) in [(0, (12, 9)), (3, (12, 9)), (4, (17, 10)), (7, (17, 10)), (12, (12, 9))] {
        let site = (BASE & !4095) + 4096 + end;
        let base = site - 17;
        let code = Code { bytes: &all, base };
        let function = Function::alone(base, base + all.len() as u64);
        let form = decide(&Place::new(&code, site, 202, &FAR), |_| Some(function));
        let Ok(Form::Span { span }) = form else {
            panic!("{end}: {form:?}")
        };
        assert_eq!((span.head, span.patched), want, "{end}");
    }
}

#[test]
fn no_branch_leads_into_what_is_overwritten() {
    // `jmp` to each byte from the first instruction's start to the `syscall`.
    for distance in 0..=12u8 {
        let to = 0u8.wrapping_sub(distance + 4);
        let text = Text::new(&[OPENING, MOV_FUTEX, XOR_SIL, MOV_RSI, SYSCALL, &[0xeb, to], RET]);
        let form = text.prove_for_spans(202);
        // What is behind may be entered: that call traps.
        assert_eq!(form.is_ok(), !matches!(distance, 4..=6), "{distance}: {form:?}");
    }
}

#[test]
fn the_loop_in_which_glibc_ends_a_thread_is_rewritten_in_front_of_it() {
    // mov $60,%edx; xchg %ax,%ax; 1: xor %edi,%edi; mov %edx,%eax; syscall; jmp 1b
    let mov: &[u8] = &[0xba, 0x3c, 0, 0, 0];
    let (nop, in_loop): (&[u8], &[u8]) = (&[0x66, 0x90], &[0x31, 0xff, 0x89, 0xd0]);
    let text = Text::new(&[OPENING, mov, nop, in_loop, SYSCALL, &[0xeb, 0xf8], RET]);
    let form = text.prove_for_spans(60).expect("a form");
    let jump: &[u8] = &[0xff, 0x24, 0x25, 0x38, 0x12, 0x06, 0x0f];
    let golden = [OPENING, jump, in_loop, SYSCALL, &[0xeb, 0xf8], RET].concat();
    assert_eq!(text.rewritten(&form, SPAN_SLOT), golden);
}

#[test]
fn there_is_no_span_over_what_must_stay_where_it_is() {
    let test_rip: &[u8] = &[0x48, 0x83, 0x3d, 0, 1, 0, 0, 0];
    let ud2: &[u8] = &[0x0f, 0x0b];
    // Others write over those of five bytes.
    let nop: &[u8] = &[0x0f, 0x1f, 0x44, 0, 0];
    let gs: &[u8] = &[0x65, 0x48, 0x8b, 0x04, 0x25, 8, 0, 0, 0];
    for between in [&[0x74, 0][..], &[0xe8, 0, 0, 0, 0], test_rip, SYSCALL, ud2, nop, gs] {
        let text = Text::new(&[OPENING, LEA_RSI, between, MOV_RSI, SYSCALL, RET]);
        // The first `syscall` is the site where there are two.
        if between != SYSCALL {
            assert_eq!(text.prove_for_spans(202), Err(Refusal::NoRoom), "{between:x?}");
        }
    }
    // More than a trampoline has room for.
    let far = Text::new(&[
        OPENING, MOVQ_8, XOR_EDX, XOR_EDX, XOR_EDX, XOR_EDX, XOR_EDX, SYSCALL, RET,
    ]);
    assert_eq!(far.prove_for_spans(202), Err(Refusal::NoRoom));
}

#[test]
fn without_a_function_many_starts_that_agree_prove_a_span() {
    let text = Text::new(&[&plain_code(), MOV_FUTEX, XOR_SIL, SYSCALL, RET]);
    let form = usertrap::rewrite::site::prove_among(&Place::new(&text.code(), text.site, 202, &FAR), |_| None);
    assert!(
        matches!(form, Ok(Form::Span { span }) if span.starts == 1 << 5),
        "{form:?}"
    );
}
