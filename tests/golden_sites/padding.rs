//! Sites that jump into padding: gaps between functions, alignment inside them.

use super::text::*;
use usertrap::rewrite::eh_frame::Function;
use usertrap::rewrite::plan::plan;
use usertrap::rewrite::refusal::Refusal;
use usertrap::rewrite::site::{Place, prove, prove_among};
use usertrap::rewrite::trampoline::{Ours, long_jump, near_jump};

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
    let result = prove_among(&Place::new(&text.code(), text.site, 39, &NEAR), functions);
    assert_eq!(result, Ok(near(BASE + 17, 5)));
    let result = prove_among(&Place::new(&text.code(), text.site, 39, &FAR), functions);
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
    let result = prove_among(&Place::new(&text.code(), text.site, 39, &FAR), functions);
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
