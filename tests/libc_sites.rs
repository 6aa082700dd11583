//! The prover against the libc of this machine: every site that a disassembly
//! of every function finds, with and without knowing the function.
#![cfg(feature = "std")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::Image;
use iced_x86::{Code as Opcode, Decoder, DecoderOptions, Mnemonic};
use usertrap::rewrite::code::Code;
use usertrap::rewrite::eh_frame::{function_at, header_of};
use usertrap::rewrite::plan::plan;
use usertrap::rewrite::refusal::Refusal;
use usertrap::rewrite::site::{Form, prove_among};
use usertrap::rewrite::trampoline::{long_jump, short_jump};

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
        Ok(Form::Replay { .. }) => "replay",
        Ok(Form::Short { .. }) => "short",
        Err(refusal) => refusal.name(),
    }
}

/// Checks an accepted form against the disassembly.
fn check(form: Form, site: u64, code: &Code<'_>, seen: &Disassembly) {
    match form {
        Form::Number { nr } => assert_eq!(seen.sites[&site], Some(nr), "{site:#x}"),
        Form::Replay { insn } => {
            assert!(seen.boundaries.contains(&(site - 5)), "{site:#x}");
            assert_eq!(seen.boundaries.range(site - 5..site).count(), 1, "{site:#x}");
            assert_eq!(code.array(site - 5), Some(insn));
        }
        Form::Short { pad } => {
            assert_eq!(seen.targets.range(pad..pad + 7).next(), None, "{site:#x} to {pad:#x}");
            let bytes = code.slice(pad, 7).expect("padding lies in text");
            let nops = Decoder::with_ip(64, bytes, pad, DecoderOptions::NONE).decode();
            // Cut short, a long no-op decodes to nothing: seven bytes of it.
            assert!(nops.is_invalid() || nops.mnemonic() == Mnemonic::Nop || bytes[0] == 0xcc);
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
    let mut known = BTreeMap::<_, usize>::new();
    let mut open = BTreeMap::<_, usize>::new();
    for (&site, number) in &seen.sites {
        let code = image.code(site).expect("sites lie in text");
        let rax = u64::from(number.unwrap_or(39));
        let in_function = prove_among(&code, site, rax, |at| function_at(&image, header, at));
        let in_the_open = prove_among(&code, site, rax, |_| None);
        for (counts, result) in [(&mut known, in_function), (&mut open, in_the_open)] {
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
    eprintln!("  function unknown: {open:?}");
    // rt_sigreturn has a number too, in a seven-byte instruction.
    assert_eq!(known["number"], numbers, "every number is used");
    assert!(open["number"] * 100 >= numbers * 95, "agreement proves nearly as many");
    let rewritten: usize = ["number", "replay", "short"]
        .iter()
        .filter_map(|form| known.get(form))
        .sum();
    assert!(rewritten * 100 >= sites * 90, "nine of ten sites are rewritten");
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
    for fallback in [0x050f_0000, 0x4106_0000] {
        image.bytes.clone_from(&untouched);
        let mut counts = BTreeMap::<_, usize>::new();
        let mut expected = BTreeMap::new();
        for (index, (&site, number)) in seen.sites.iter().enumerate() {
            let code = image.code(site).expect("sites lie in text");
            let rax = u64::from(number.unwrap_or(39));
            let result = prove_among(&code, site, rax, |at| function_at(&image, header, at));
            *counts.entry(word(result)).or_default() += 1;
            let Ok(form) = result else { continue };
            let slot = fallback + index as u32 * 8;
            let original = code.array(site - 5).expect("code before a site");
            for write in plan(&form, site, slot, &original).expect("a plan").writes() {
                let at = (write.at - image.base) as usize;
                image.bytes[at..at + write.len].copy_from_slice(write.bytes());
            }
            let jump = if let Form::Short { pad } = form { pad } else { site - 5 };
            for (offset, byte) in long_jump(slot).into_iter().enumerate() {
                let taken = expected.insert(jump + offset as u64, byte);
                assert_eq!(taken, None, "{site:#x} overlaps an earlier one");
            }
            if let Form::Short { pad } = form {
                let [opcode, distance] = short_jump(site, pad).expect("within reach");
                expected.extend([(site, opcode), (site + 1, distance)]);
            }
        }
        eprintln!("rewritten one after the other: {counts:?}");
        for (offset, (now, before)) in image.bytes.iter().zip(&untouched).enumerate() {
            let want = expected.get(&(image.base + offset as u64)).unwrap_or(before);
            assert_eq!(now, want, "{offset:#x}");
        }
    }
}
