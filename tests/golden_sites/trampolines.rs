//! Golden bytes of trampolines and of the jumps that lead to them, and how far
//! these reach.

use usertrap::rewrite::padding::Pad;
use usertrap::rewrite::site::Form;
use usertrap::rewrite::trampoline::{
    Jump, Ours, SIZE, keeps_syscall, long_jump, near_jump, near_target, number, short_jump, slot_of, trampoline,
};

const BASE: u64 = 0x7f00_1234_5000;
/// `mov %r11,8(%rsp)`
const MOV_R11: [u8; 5] = [0x4c, 0x89, 0x5c, 0x24, 0x08];
/// A form whose trampoline replaces no instruction.
const SHORT: Form = Form::Short {
    pad: Pad {
        at: 0,
        len: 7,
        jump: Jump::Long,
    },
};

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
    assert_eq!(number_of(&Form::Replay { insn: MOV_R11 }), None);
    assert_eq!(number_of(&SHORT), None);
}

#[test]
fn the_trampoline_of_a_replay_begins_with_the_instruction() {
    let form = Form::Replay { insn: MOV_R11 };
    let made = trampoline(&form, AT, RETURN, AT - 0x1000).unwrap();
    assert_eq!(made.bytes[..5], MOV_R11);
    assert_eq!(made.bytes[15..20], [0xe9, 0xec, 0xef, 0xff, 0xff]);
    assert_eq!((made.len, made.prologue), (20, 5));
}

#[test]
fn the_trampoline_of_a_short_jump_takes_rax_as_it_is() {
    let made = trampoline(&SHORT, AT, RETURN, AT).unwrap();
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
        table: 0x050f_0000,
        spans: 0,
        trampolines: end - 8192 * 32,
        slots: 8192,
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
        (0x4106_1238, false),
    ] {
        assert_eq!(keeps_syscall(slot), keeps);
        assert_eq!(long_jump(slot)[5..] == [0x0f, 0x05], keeps);
    }
}
