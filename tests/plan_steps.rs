//! Every state that a rewrite and its way back pass through: whoever is at an
//! instruction of the site meets the old one, the new jump, or the invalid
//! opcode that the handler knows (design invariant I9).
#![cfg(feature = "std")]

use usertrap::rewrite::padding::Pad;
use usertrap::rewrite::plan::{INVALID, Plan, leaves_syscall, plan, plan_alone, seal, unplan, unseal};
use usertrap::rewrite::site::Form;
use usertrap::rewrite::span::{MAX_HEAD, Span};
use usertrap::rewrite::trampoline::{Jump, Slot, long_jump, near_jump, short_jump, wide_number};

const SITE: u64 = 0x7f00_0000_0005;
const PAD: u64 = SITE + 12;
const TRAMPOLINE: u64 = SITE + 0x1000_0000;
const WIDE_HEAD: usize = 0;
const HEAD: usize = 2;
const AT_SITE: usize = 7;
const AT_PAD: usize = (PAD - SITE) as usize + AT_SITE;

/// The memory from the head of the site to behind its padding.
#[derive(Clone, PartialEq, Debug)]
struct Memory([u8; 48]);

impl Memory {
    fn new(original: &[u8; 7]) -> Memory {
        let mut memory = Memory([0x90; 48]);
        memory.0[..HEAD].copy_from_slice(&[0x48, 0xc7]);
        memory.0[HEAD..][..7].copy_from_slice(original);
        memory
    }

    fn starts_with(&self, offset: usize, bytes: &[u8]) -> bool {
        self.0[offset..].starts_with(bytes)
    }
}

/// Checks one state: `sites` are the places where threads can be, and what
/// each may find there.
fn check(memory: &Memory, original: &[u8; 7], slot: Slot, form: &Form) {
    let jump = long_jump(slot.address);
    let invalid = |offset| memory.0[offset] == INVALID;
    match form {
        Form::Short { pad } => {
            assert!(memory.starts_with(HEAD, &original[..5]), "the head is left alone");
            let hop = short_jump(SITE, pad.at).unwrap();
            let near = near_jump(pad.at, slot.trampoline).unwrap();
            let leads_on = match pad.jump {
                Jump::Near => memory.starts_with(AT_PAD, &near),
                Jump::Long => memory.starts_with(AT_PAD, &jump),
            };
            let jumps = memory.starts_with(AT_SITE, &hop) && leads_on;
            let old = memory.starts_with(AT_SITE, &original[5..]);
            assert!(jumps || old || invalid(AT_SITE), "{memory:x?}");
        }
        Form::Wide { nr } => {
            let head = WIDE_HEAD;
            let whole = memory.starts_with(head, &wide_number(*nr)) || memory.starts_with(head, &jump);
            assert!(whole || invalid(head), "{memory:x?}");
            let is_sealed = memory.starts_with(AT_SITE, &[INVALID, original[6]]);
            assert!(memory.starts_with(AT_SITE, &original[5..]) || is_sealed, "{memory:x?}");
        }
        Form::Invalid => {
            assert!(memory.starts_with(HEAD, &original[..5]), "the head is left alone");
            let is_sealed = memory.starts_with(AT_SITE, &[INVALID, original[6]]);
            assert!(memory.starts_with(AT_SITE, &original[5..]) || is_sealed, "{memory:x?}");
        }
        Form::Span { .. } => unreachable!("has a walk of its own"),
        Form::Number { .. } | Form::Replay { .. } => {
            let old_head = memory.starts_with(HEAD, &original[..5]);
            let new_head = memory.starts_with(HEAD, &jump);
            assert!(old_head || new_head || invalid(HEAD), "{memory:x?}");
            let old_site = memory.starts_with(AT_SITE, &original[5..]);
            assert!(old_site || invalid(AT_SITE), "{memory:x?}");
        }
    }
}

/// Whether a write of more than one byte touches nothing that is executed in
/// this state.
fn is_quiet(memory: &Memory, from: usize, len: usize, form: &Form) -> bool {
    match form {
        // Exactly the padding that was proved, and nobody is there.
        Form::Short { pad } => from == AT_PAD && len == pad.len,
        Form::Wide { .. } => from > WIDE_HEAD && from + len <= AT_SITE && memory.0[WIDE_HEAD] == INVALID,
        // Nobody decodes behind an invalid opcode at the head.
        _ => from > HEAD && from + len <= AT_SITE && memory.0[HEAD] == INVALID,
    }
}

/// The memory when all writes are made.
fn made(mut memory: Memory, plan: &Plan) -> Memory {
    for write in plan.writes() {
        let from = (write.at + AT_SITE as u64 - SITE) as usize;
        memory.0[from..from + write.len].copy_from_slice(write.bytes());
    }
    memory
}

fn walk(form: Form, address: u32, original: [u8; 7]) {
    let slot = Slot {
        address,
        trampoline: TRAMPOLINE,
    };
    let mut memory = Memory::new(&original);
    let there = plan(&form, SITE, slot, &original).expect("a plan");
    let back = unplan(&form, SITE, slot, &original).expect("a way back");
    let alone = plan_alone(&form, SITE, slot, &original).expect("a plan without steps");
    assert_eq!(
        made(memory.clone(), &alone),
        made(memory.clone(), &there),
        "both lead to the same bytes"
    );
    for plan in [&there, &back, &there] {
        for write in plan.writes() {
            let from = (write.at + AT_SITE as u64 - SITE) as usize;
            let single = write.len == 1;
            // A second rewrite writes the same bytes into the padding again.
            let same = memory.starts_with(from, write.bytes());
            assert!(
                single || same || is_quiet(&memory, from, write.len, &form),
                "{write:x?}"
            );
            memory.0[from..from + write.len].copy_from_slice(write.bytes());
            check(&memory, &original, slot, &form);
        }
        let restored = memory == Memory::new(&original) || memory.starts_with(HEAD, &original) && is_short(&form);
        assert_eq!(restored, plan == &back);
    }
}

/// Its padding keeps the jump.
fn is_short(form: &Form) -> bool {
    matches!(form, Form::Short { .. })
}

const ORIGINAL: [u8; 7] = [0xb8, 39, 0, 0, 0, 0x0f, 0x05];

#[test]
fn a_syscall_that_stays_is_sealed_by_one_byte_and_unsealed_first() {
    let slot = Slot {
        address: 0x7f06_0000,
        trampoline: TRAMPOLINE,
    };
    let wide = [0xc0, 15, 0, 0, 0, 0x0f, 0x05];
    for (form, original) in [(Form::Wide { nr: 15 }, wide), (Form::Invalid, ORIGINAL)] {
        assert!(leaves_syscall(&form));
        let mut memory = Memory::new(&original);
        let there = [plan(&form, SITE, slot, &original), seal(SITE)];
        let back = [unseal(SITE), unplan(&form, SITE, slot, &original)];
        for plan in there.iter().chain(&back).map(|plan| plan.expect("a plan")) {
            for write in plan.writes() {
                let from = (write.at + AT_SITE as u64 - SITE) as usize;
                memory.0[from..from + write.len].copy_from_slice(write.bytes());
                check(&memory, &original, slot, &form);
            }
            let jumps = memory.starts_with(WIDE_HEAD, &long_jump(slot.address));
            assert!(jumps || memory.0[AT_SITE] == original[5] || form == Form::Invalid);
        }
        assert_eq!(memory, Memory::new(&original));
        let sealed = there
            .iter()
            .fold(memory, |memory, plan| made(memory, &plan.expect("a plan")));
        assert_eq!(sealed.0[AT_SITE..][..2], [INVALID, 0x05]);
    }
    assert!(!leaves_syscall(&Form::Number { nr: 39 }));
}

#[test]
fn every_step_of_a_number_is_safe_in_both_tables() {
    for slot in [0x050f_0000, 0x050f_fff8, 0x4006_0000, 0x0006_0000, 0x7f06_fff8] {
        walk(Form::Number { nr: 39 }, slot, ORIGINAL);
    }
}

#[test]
fn every_step_of_a_wide_number_is_safe_in_any_table() {
    for slot in [0x050f_0000, 0x050f_fff8, 0x4006_0000, 0x1234_5678] {
        walk(Form::Wide { nr: 15 }, slot, [0xc0, 15, 0, 0, 0, 0x0f, 0x05]);
    }
}

#[test]
fn every_step_of_a_replay_is_safe_in_both_tables() {
    let insn = [0x4c, 0x89, 0x5c, 0x24, 0x08];
    let original = [0x4c, 0x89, 0x5c, 0x24, 0x08, 0x0f, 0x05];
    for slot in [0x050f_0000, 0x4006_0000] {
        walk(Form::Replay { insn }, slot, original);
    }
}

#[test]
fn every_step_of_a_short_jump_is_safe_in_any_table() {
    for jump in [Jump::Near, Jump::Long] {
        for len in jump.length()..jump.length() + 15 {
            for slot in [0x050f_0000, 0x4006_0000, 0x1234_5678] {
                let pad = Pad { at: PAD, len, jump };
                walk(Form::Short { pad }, slot, ORIGINAL);
            }
        }
    }
}

#[test]
fn every_slot_of_the_preferred_table_walks_safely() {
    for slot in (0x050f_0000..=0x050f_ffff).step_by(8) {
        walk(Form::Number { nr: 39 }, slot, ORIGINAL);
    }
}

#[test]
fn what_has_no_stepped_plan_has_none_without_steps() {
    let form = Form::Number { nr: 39 };
    for (address, original) in [
        (0x8006_0000, ORIGINAL),
        (0x4007_0000, ORIGINAL),
        (0x050f_0000, [0xb8, 39, 0, 0, 0, 0x0f, 0x0b]),
    ] {
        let slot = Slot {
            address,
            trampoline: TRAMPOLINE,
        };
        assert_eq!(plan(&form, SITE, slot, &original), None);
        assert_eq!(plan_alone(&form, SITE, slot, &original), None);
    }
}

/// Walks a span there, back and there again. At each step whoever is at the start
/// of an instruction meets the old one, the jump or an invalid opcode, and bytes
/// are only written where nobody is.
fn walk_span(lengths: &[u8], patched: u8, prefixed: bool, address: u32) {
    let head: u8 = lengths.iter().sum();
    let ends = lengths.iter().scan(0, |end, length| {
        *end += length;
        Some(*end)
    });
    let inner: Vec<u8> = ends.filter(|end| *end < patched).collect();
    let mut bytes = [0; MAX_HEAD];
    for (byte, value) in bytes.iter_mut().zip(0x90..).take(head.into()) {
        *byte = value;
    }
    let span = Span {
        head,
        patched,
        starts: inner.iter().map(|at| 1 << at).sum(),
        prefixed,
        bytes,
    };
    let (form, slot) = (
        Form::Span { span },
        Slot {
            address,
            trampoline: TRAMPOLINE,
        },
    );
    let original = [0x90, 0x90, 0x90, 0x90, 0x90, 0x0f, 0x05];
    let there = plan(&form, SITE, slot, &original).expect("a plan");
    let back = unplan(&form, SITE, slot, &original).expect("a way back");
    let alone = plan_alone(&form, SITE, slot, &original).expect("a plan without steps");
    let old = [&bytes[..head.into()], &[0x0f, 0x05]].concat();
    let (jump, length) = span.jump(address).expect("a slot for it");
    let mut new = old.clone();
    new[..patched.into()].fill(0xcc);
    new[..length].copy_from_slice(&jump[..length]);
    assert_eq!(new[head.into()..], [0x0f, 0x05], "the syscall stays");
    let from = |at: u64| (at + u64::from(head) - SITE) as usize;
    let mut made = old.clone();
    for write in alone.writes() {
        made[from(write.at)..][..write.len].copy_from_slice(write.bytes());
    }
    assert_eq!(made, new);
    let mut memory = old.clone();
    // The instructions that are overwritten, and what stops who comes to one.
    let starts: Vec<usize> = [0].into_iter().chain(inner.iter().map(|at| usize::from(*at))).collect();
    let end_of = |start: usize| starts.iter().copied().find(|at| *at > start).unwrap_or(patched.into());
    let stops = |memory: &[u8], start: usize| {
        let invalid = if start == 0 { INVALID } else { jump[start] };
        memory[start] == invalid
    };
    for (plan, end) in [(&there, &new), (&back, &old), (&there, &new)] {
        for write in plan.writes() {
            let (at, len) = (from(write.at), write.len);
            let touched = at..at + len;
            // Nobody is behind an opcode that stops, up to the next start.
            let is_quiet = starts
                .iter()
                .any(|start| at > *start && at + len <= end_of(*start) && stops(&memory, *start));
            assert!(len == 1 || is_quiet, "{write:x?} {memory:x?}");
            assert!(touched.end <= patched.into(), "{write:x?}");
            memory[touched].copy_from_slice(write.bytes());
            for &start in &starts {
                let is_old = memory[start..end_of(start)] == old[start..end_of(start)];
                let jumps = start == 0 && memory.starts_with(&jump[..length]);
                assert!(is_old || jumps || stops(&memory, start), "{start} {memory:x?}");
            }
            assert_eq!(memory[patched.into()..], old[patched.into()..], "all others stay");
        }
        assert_eq!(&memory, end);
    }
}

#[test]
fn every_step_of_a_span_is_safe() {
    for address in [0x050f_0000, 0x050f_fff8, 0x4006_0000, 0x1234_5678] {
        for (lengths, patched) in [(&[7][..], 7), (&[8, 3], 8), (&[15, 2], 15), (&[9, 4, 4], 9)] {
            walk_span(lengths, patched, false, address);
        }
    }
    for address in [0x0f06_0000, 0x0f06_fff8, 0x4006_1238, 0x7f06_0000] {
        for (lengths, patched, prefixed) in [
            (&[5, 2][..], 7, false),
            (&[5, 4, 3], 9, false),
            (&[6, 2], 8, true),
            (&[6, 11], 17, true),
            (&[5, 3, 2, 7], 8, false),
        ] {
            walk_span(lengths, patched, prefixed, address);
        }
    }
    walk_span(&[6], 6, true, 0x050f_1238);
}

#[test]
fn every_step_of_a_span_of_several_is_safe() {
    for (lengths, patched, prefixed, address) in [
        (&[3, 3][..], 6, false, 0x0f06_1260),
        (&[4, 2], 6, false, 0x0f06_0638),
        (&[4, 2], 6, true, 0x050f_1260),
        (&[3, 2], 5, false, 0x050f_0060),
        (&[4, 1], 5, false, 0x050f_1610),
        (&[3, 1, 1, 1], 6, false, 0x0f06_0760),
        (&[4, 3], 7, true, 0x0f06_1260),
        (&[3, 4], 7, false, 0x4006_1260),
        (&[3, 2, 3], 8, false, 0x7f06_1260),
        (&[3, 1, 1, 9], 14, false, 0x0f06_8260),
    ] {
        walk_span(lengths, patched, prefixed, address);
    }
}

#[test]
fn a_span_wants_a_slot_whose_address_has_the_right_bytes() {
    let span = |head, starts, prefixed| Span {
        head,
        patched: head,
        starts,
        prefixed,
        bytes: [0; MAX_HEAD],
    };
    for (span, address) in [
        (span(7, 1 << 5, false), 0x050f_0000),
        (span(6, 0, true), 0x4006_0000),
        (span(6, 1 << 3, false), 0x0f06_1268),
        (span(6, 1 << 3, false), 0x4006_1260),
        (span(6, 1 << 4, false), 0x0f06_1260),
        (span(5, 1 << 3, false), 0x4006_1260),
        (span(8, 1 << 3 | 1 << 5, false), 0x4008_1260),
    ] {
        let (form, slot) = (
            Form::Span { span },
            Slot {
                address,
                trampoline: TRAMPOLINE,
            },
        );
        assert!(!form.fits(address));
        assert_eq!(plan(&form, SITE, slot, &ORIGINAL), None);
        assert_eq!(plan_alone(&form, SITE, slot, &ORIGINAL), None);
    }
}
