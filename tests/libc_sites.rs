//! The prover against the libc of this machine: every site that a disassembly
//! of every function finds, with and without knowing the function.
#![cfg(feature = "std")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::Image;
use iced_x86::{Code as Opcode, Decoder, DecoderOptions, Mnemonic};
use usertrap::rewrite::code::Code;
use usertrap::rewrite::eh_frame::{function_at, header_of};
use usertrap::rewrite::padding::Pad;
use usertrap::rewrite::plan::plan;
use usertrap::rewrite::refusal::Refusal;
use usertrap::rewrite::site::{Form, Place, prove_among};
use usertrap::rewrite::trampoline::{Jump, Ours, Slot, long_jump, near_jump, short_jump, wide_number};

/// What a plain disassembly of every function shows.
struct Disassembly {
    /// Where instructions start.
    boundaries: BTreeSet<u64>,
    /// The sites, and the number that the instruction before loads, if it does.
    sites: BTreeMap<u64, Option<u32>>,
    /// Where direct branches and calls go.
    targets: BTreeSet<u64>,
}

fn disassemble(image: &Image) -> Disassembly {
    let mut result = Disassembly {
        boundaries: BTreeSet::new(),
        sites: BTreeMap::new(),
        targets: BTreeSet::new(),
    };
    for function in image.functions() {
        let code = image.code(function.start).expect("functions lie in text");
        let length = (function.end - function.start) as usize;
        let Some(bytes) = code.slice(function.start, length) else {
            continue;
        };
        let mut number = None;
        for instruction in Decoder::with_ip(64, bytes, function.start, DecoderOptions::NONE) {
            if instruction.is_invalid() {
                break;
            }
            result.boundaries.insert(instruction.ip());
            if instruction.mnemonic() == Mnemonic::Syscall {
                result.sites.insert(instruction.ip(), number);
            }
            result.targets.insert(instruction.near_branch_target());
            let loads = instruction.code() == Opcode::Mov_r32_imm32 && instruction.len() == 5;
            let is_eax = loads && code.array(instruction.ip()) == Some([0xb8]);
            number = is_eax.then(|| instruction.immediate32());
        }
    }
    result
}

fn word(result: Result<Form, Refusal>) -> &'static str {
    match result {
        Ok(Form::Number { .. }) => "number",
        Ok(Form::Wide { .. }) => "wide",
        Ok(Form::Replay { .. }) => "replay",
        Ok(Form::Short { pad }) => match pad.jump {
            Jump::Near => "near",
            Jump::Long => "short",
        },
        Ok(Form::Span { .. }) => "span",
        Ok(Form::Invalid) => "invalid",
        Err(refusal) => refusal.name(),
    }
}

/// Checks an accepted form against the disassembly.
fn check(form: Form, site: u64, code: &Code<'_>, seen: &Disassembly) {
    match form {
        Form::Invalid => unreachable!("no proof leads to it"),
        Form::Number { nr } => assert_eq!(seen.sites[&site], Some(nr), "{site:#x}"),
        Form::Wide { nr } => {
            assert!(seen.boundaries.contains(&(site - 7)), "{site:#x}");
            assert_eq!(seen.targets.range(site - 6..site).next(), None, "{site:#x}");
            assert_eq!(code.array(site - 7), Some(wide_number(nr)));
        }
        Form::Replay { insn } => {
            assert!(seen.boundaries.contains(&(site - 5)), "{site:#x}");
            assert_eq!(seen.boundaries.range(site - 5..site).count(), 1, "{site:#x}");
            assert_eq!(code.array(site - 5), Some(insn));
        }
        Form::Span { span } => {
            let head = site - u64::from(span.head);
            let end = head + u64::from(span.patched);
            assert!(seen.boundaries.contains(&head), "{site:#x}");
            assert!(end == site || seen.boundaries.contains(&end), "{site:#x}");
            let inner: Vec<_> = seen
                .boundaries
                .range(head + 1..end)
                .map(|at| (at - head) as usize)
                .collect();
            let want: Vec<_> = span.inner().collect();
            assert_eq!(inner, want, "{site:#x}");
            assert_eq!(seen.targets.range(head + 1..end).next(), None, "{site:#x}");
        }
        Form::Short { pad } => {
            let Pad { at, len, jump } = pad;
            assert!(len >= jump.length());
            assert_eq!(
                seen.targets.range(at..at + len as u64).next(),
                None,
                "{site:#x} to {at:#x}"
            );
            let bytes = code.slice(at, len).expect("padding lies in text");
            for nop in Decoder::with_ip(64, bytes, at, DecoderOptions::NONE) {
                assert!(
                    matches!(nop.mnemonic(), Mnemonic::Nop | Mnemonic::Int3),
                    "{site:#x} to {at:#x}"
                );
            }
        }
    }
}

#[test]
fn forms_of_every_site_of_libc_agree_with_a_full_disassembly() {
    let Some(image) = common::libc_path().and_then(|path| Image::load(&path)) else {
        eprintln!("no libc.so.6 is mapped: nothing to compare");
        return;
    };
    let header = header_of(&image, image.base).expect("libc has an .eh_frame_hdr");
    let seen = disassemble(&image);
    let near = ours(&image, 0x050f_0000);
    let mut known = BTreeMap::<_, usize>::new();
    let mut known_near = BTreeMap::<_, usize>::new();
    let mut open = BTreeMap::<_, usize>::new();
    for (&site, number) in &seen.sites {
        let code = image.code(site).expect("sites lie in text");
        let rax = u64::from(number.unwrap_or(39));
        let among = |ours| {
            prove_among(&Place::new(&code, site, rax, ours), |at| {
                function_at(&image, header, at)
            })
        };
        let in_the_open = prove_among(&Place::new(&code, site, rax, &near), |_| None);
        for (counts, result) in [
            (&mut known, among(&Ours::NONE)),
            (&mut known_near, among(&near)),
            (&mut open, in_the_open),
        ] {
            *counts.entry(word(result)).or_default() += 1;
            if let Ok(form) = result {
                check(form, site, &code, &seen);
            }
        }
    }
    let sites = seen.sites.len();
    let numbers = seen.sites.values().flatten().count();
    eprintln!("{sites} sites, {numbers} with a number");
    eprintln!("  function known:   {known:?}");
    eprintln!("  trampolines near: {known_near:?}");
    eprintln!("  function unknown: {open:?}");
    // rt_sigreturn has a number too, in a seven-byte instruction.
    assert_eq!(known["number"], numbers, "every number is used");
    assert!(open["number"] * 100 >= numbers * 95, "agreement proves nearly as many");
    let rewritten = |counts: &BTreeMap<_, usize>| -> usize {
        let forms = ["number", "replay", "short", "near"];
        forms.iter().filter_map(|form| counts.get(form)).sum()
    };
    assert!(rewritten(&known) * 100 >= sites * 90, "nine of ten sites are rewritten");
    assert!(rewritten(&known_near) >= rewritten(&known), "near jumps need less room");
}

/// A table at this address, and trampolines as near as a preloaded object's.
fn ours(image: &Image, table: u32) -> Ours {
    Ours {
        table,
        spans: if table == 0x050f_0000 { 0x0f06_0000 } else { table },
        trampolines: image.base + 0x4000_0000,
        slots: 8192,
    }
}

#[test]
fn every_function_of_libc_is_found_from_each_of_its_ends() {
    let Some(image) = common::libc_path().and_then(|path| Image::load(&path)) else {
        eprintln!("no libc.so.6 is mapped: nothing to compare");
        return;
    };
    let header = header_of(&image, image.base).expect("libc has an .eh_frame_hdr");
    let functions = image.functions();
    assert!(functions.len() > 1000, "{}", functions.len());
    for pair in functions.windows(2) {
        let [function, next] = pair else { unreachable!() };
        assert_eq!(function_at(&image, header, function.end - 1), Some(*function));
        assert_eq!(function.next, next.start);
        assert_eq!(next.prev_start, function.start);
        if function.end < function.next {
            assert_eq!(function_at(&image, header, function.end), None);
        }
    }
}

#[test]
fn rewriting_every_site_of_libc_leaves_all_its_other_code_alone() {
    let Some(mut image) = common::libc_path().and_then(|path| Image::load(&path)) else {
        eprintln!("no libc.so.6 is mapped: nothing to rewrite");
        return;
    };
    let header = header_of(&image, image.base).expect("libc has an .eh_frame_hdr");
    let seen = disassemble(&image);
    let untouched = image.bytes.clone();
    let near = |table| ours(&image, table);
    let far = |table| Ours {
        trampolines: 0x5555_0000_0000,
        ..near(table)
    };
    let all = [near(0x050f_0000), near(0x4106_0000), far(0x050f_0000), far(0x4106_0000)];
    for ours in all {
        image.bytes.clone_from(&untouched);
        let mut counts = BTreeMap::<_, usize>::new();
        let mut expected = BTreeMap::new();
        let mut taken = std::collections::BTreeSet::new();
        for (&site, number) in &seen.sites {
            let code = image.code(site).expect("sites lie in text");
            let rax = u64::from(number.unwrap_or(39));
            let result = prove_among(&Place::new(&code, site, rax, &ours), |at| {
                function_at(&image, header, at)
            });
            *counts.entry(word(result)).or_default() += 1;
            let Ok(form) = result else { continue };
            let address = |index: &u32| ours.table_of(&form) + index * 8;
            let free = (0..ours.slots).filter(|index| !taken.contains(index));
            let index = free
                .into_iter()
                .find(|index| form.fits(address(index)))
                .expect("a slot");
            taken.insert(index);
            let slot = Slot {
                address: address(&index),
                trampoline: ours.trampolines + u64::from(index) * 32,
            };
            let original = code.array(site - 5).expect("code before a site");
            for write in plan(&form, site, slot, &original).expect("a plan").writes() {
                let at = (write.at - image.base) as usize;
                image.bytes[at..at + write.len].copy_from_slice(write.bytes());
            }
            let (at, mut bytes) = match form {
                Form::Short { pad } if pad.jump == Jump::Near => {
                    let near = near_jump(pad.at, slot.trampoline).expect("within reach");
                    (pad.at, near.to_vec())
                }
                Form::Span { span } => {
                    let (jump, length) = span.jump(slot.address).expect("a slot for it");
                    let mut bytes = jump[..length].to_vec();
                    bytes.resize(length.max(span.patched.into()), 0xcc);
                    (site - u64::from(span.head), bytes)
                }
                Form::Short { pad } => (pad.at, long_jump(slot.address).to_vec()),
                _ => (
                    site - form.head().expect("a long jump at the site"),
                    long_jump(slot.address).to_vec(),
                ),
            };
            if let Form::Short { pad } = form {
                let [opcode, distance] = short_jump(site, pad.at).expect("within reach");
                expected.extend([(site, opcode), (site + 1, distance)]);
                bytes.resize(pad.len, 0xcc);
            }
            for (address, byte) in (at..).zip(bytes) {
                let taken = expected.insert(address, byte);
                assert_eq!(taken, None, "{site:#x} overlaps an earlier one");
            }
        }
        eprintln!("rewritten one after the other: {counts:?}");
        for (offset, (now, before)) in image.bytes.iter().zip(&untouched).enumerate() {
            let want = expected.get(&(image.base + offset as u64)).unwrap_or(before);
            assert_eq!(now, want, "{offset:#x}");
        }
    }
}
