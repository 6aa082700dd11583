//! Bounded, seeded fuzzing of the prover: on no input does it panic, and what
//! it accepts is true by an oracle that knows where instructions start.
//!
//! `USERTRAP_FUZZ_ROUNDS` multiplies the number of rounds, and
//! `USERTRAP_FUZZ_SEED` changes the stream; a failure prints both.
#![cfg(feature = "std")]

mod common;
#[path = "common/random.rs"]
mod random;

use common::Image;
use iced_x86::{Decoder, DecoderOptions, FlowControl};
use random::Random;
use usertrap::rewrite::code::Code;
use usertrap::rewrite::eh_frame::{Function, Memory, function_at, header_of};
use usertrap::rewrite::plan::{plan, unplan};
use usertrap::rewrite::site::{Form, Place, prove, prove_among};
use usertrap::rewrite::trampoline::{Jump, Ours, Slot, trampoline};
use usertrap::rewrite::vma::parse_maps_line;

impl Random {
    fn new(salt: u64) -> Random {
        let seed = setting("USERTRAP_FUZZ_SEED", 1);
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt)
    }

    fn bytes(&mut self, length: u64) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len() as u64) as usize]
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

fn rounds(count: u64) -> u64 {
    count * setting("USERTRAP_FUZZ_ROUNDS", 1)
}

/// What stands before system calls in real programs, and what misleads.
const COMMON: [&[u8]; 22] = [
    &[0x55],
    &[0x48, 0x89, 0xe5],
    &[0x48, 0x83, 0xec, 0x28],
    &[0x8b, 0x7c, 0x24, 0x08],
    &[0x4c, 0x89, 0x5c, 0x24, 0x08],
    &[0x31, 0xc0],
    &[0x45, 0x31, 0xd2],
    &[0x89, 0xf8],
    &[0xb8, 0x10, 0, 0, 0],
    &[0xbf, 0x02, 0, 0, 0],
    &[0xc7, 0x44, 0x24, 0xb8, 0x10, 0, 0, 0],
    &[0x48, 0xc7, 0x44, 0x24, 0xb8, 0x10, 0, 0, 0],
    &[0x48, 0xc7, 0xc0, 0x10, 0, 0, 0],
    &[0x66, 0x0f, 0x6f, 0x05, 0x48, 0xc7, 0xc0, 0x10],
    &[0x48, 0xb8, 0xb8, 0x10, 0, 0, 0, 0x0f, 0x05, 0x90],
    &[0x48, 0x8d, 0x05, 0xb8, 0x10, 0, 0],
    &[0x80, 0x3d, 0x31, 0xb8, 0x10, 0, 0],
    &[0x64, 0x8b, 0x04, 0x25, 0xb8, 0x10, 0, 0],
    &[0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
    &[0x66, 0x0f, 0x1f, 0x44, 0, 0],
    &[0x74, 0x17],
    &[0xe8, 0, 0, 0, 0],
];

/// One instruction, by an independent decode of random bytes or from the list.
fn instruction(random: &mut Random) -> Vec<u8> {
    if random.below(3) != 0 {
        return random.pick(&COMMON).to_vec();
    }
    loop {
        let mut bytes = random.bytes(15);
        if random.below(2) == 0 {
            // Immediates that look like the number of a site.
            let at = random.below(8) as usize;
            bytes[at..at + 5].copy_from_slice(&[0xb8, 0x10, 0, 0, 0]);
        }
        let decoded = Decoder::with_ip(64, &bytes, 0, DecoderOptions::NONE).decode();
        if !decoded.is_invalid() && decoded.flow_control() == FlowControl::Next {
            bytes.truncate(decoded.len());
            return bytes;
        }
    }
}

/// A stream of instructions of at least `length` bytes, and where they start.
fn stream(random: &mut Random, length: usize) -> (Vec<u8>, Vec<usize>) {
    let (mut bytes, mut starts) = (Vec::new(), Vec::new());
    while bytes.len() < length {
        starts.push(bytes.len());
        bytes.extend_from_slice(&instruction(random));
    }
    (bytes, starts)
}

/// Checks a form for a site at the end of a stream: what is replaced are whole
/// instructions.
fn check(form: &Form, bytes: &[u8], starts: &[usize], round: u64) -> bool {
    let Some(head) = form.head() else { return false };
    let site = bytes.len();
    let first = site - head as usize;
    assert!(starts.contains(&first), "round {round}: {form:?} {bytes:x?}");
    let ends_at = |at: usize| at == site || starts.contains(&at);
    match form {
        Form::Span { span } => {
            assert!(
                ends_at(first + usize::from(span.patched)),
                "round {round}: {form:?} {bytes:x?}"
            );
            let inside = starts
                .iter()
                .filter(|at| (first + 1..first + usize::from(span.patched)).contains(at));
            let inner: Vec<_> = inside.map(|at| at - first).collect();
            let want: Vec<_> = span.inner().collect();
            assert_eq!(inner, want, "round {round}: {form:?} {bytes:x?}");
            assert_eq!(span.original(), &bytes[first..site]);
        }
        _ => assert_eq!(starts.last(), Some(&first), "round {round}: {form:?} {bytes:x?}"),
    }
    true
}

/// A number that the site could have been called with, which is the most
/// misleading one where the bytes look like a load of it.
fn misleading_rax(code: &Code<'_>, site: u64) -> u64 {
    match code.array::<5>(site.wrapping_sub(5)) {
        Some([0xb8 | 0xc0, a, b, c, d]) => u64::from(u32::from_le_bytes([a, b, c, d])),
        _ => 39,
    }
}

const BASE: u64 = 0x40_0000;
/// Tables for all forms of spans, and no jump of ours.
const SPANS: Ours = Ours {
    table: 0x050f_0000,
    spans: 0x0f06_0000,
    ..Ours::NONE
};

#[test]
fn what_is_accepted_starts_where_an_instruction_starts() {
    let mut random = Random::new(1);
    let mut accepted = [0u64; 2];
    let mut spans = 0u64;
    for round in 0..rounds(20_000) {
        let length = 101 + random.below(100) as usize;
        let (mut bytes, starts) = stream(&mut random, length);
        let before = bytes.clone();
        let site = BASE + bytes.len() as u64;
        bytes.extend_from_slice(&[0x0f, 0x05]);
        bytes.extend_from_slice(&random.bytes(64));
        let code = Code {
            bytes: &bytes,
            base: BASE,
        };
        let rax = misleading_rax(&code, site);
        let function = Function::alone(BASE, BASE + bytes.len() as u64);
        for (count, function) in accepted.iter_mut().zip([Some(function), None]) {
            for ours in [Ours::NONE, SPANS] {
                let form = prove_among(&Place::new(&code, site, rax, &ours), |_| function);
                if form.is_ok_and(|form| check(&form, &before, &starts, round)) {
                    *count += 1;
                    spans += u64::from(matches!(form, Ok(Form::Span { .. })));
                }
            }
        }
    }
    eprintln!(
        "accepted with a function {}, without {}, spans {spans}",
        accepted[0], accepted[1]
    );
    assert!(spans > 0, "the fuzzing reaches spans");
    assert!(
        accepted.iter().all(|count| *count > 0),
        "the fuzzing reaches both proofs"
    );
}

#[test]
fn a_window_that_begins_inside_an_instruction_proves_nothing_false() {
    let mut random = Random::new(2);
    for round in 0..rounds(200) {
        let (mut bytes, starts) = stream(&mut random, 260);
        let before = bytes.clone();
        let site = BASE + bytes.len() as u64;
        bytes.extend_from_slice(&[0x0f, 0x05, 0xc3]);
        for cut in 0..130 {
            let code = Code {
                bytes: &bytes[cut..],
                base: BASE + cut as u64,
            };
            let rax = misleading_rax(&code, site);
            for ours in [Ours::NONE, SPANS] {
                if let Ok(form) = prove_among(&Place::new(&code, site, rax, &ours), |_| None) {
                    check(&form, &before, &starts, round);
                }
            }
        }
    }
}

#[test]
fn random_bytes_never_panic() {
    let mut random = Random::new(3);
    for _ in 0..rounds(20_000) {
        let length = random.below(300);
        let mut bytes = random.bytes(length);
        let base = match random.below(4) {
            0 => 0,
            1 => u64::MAX - random.below(400),
            2 => random.next(),
            _ => BASE,
        };
        let at = random.below(300);
        if let Some(pair) = bytes.get_mut(at as usize..at as usize + 2) {
            pair.copy_from_slice(&[0x0f, 0x05]);
        }
        let site = base.wrapping_add(at);
        let code = Code { bytes: &bytes, base };
        let rax = if random.below(2) == 0 {
            random.next()
        } else {
            misleading_rax(&code, site)
        };
        let place = |random: &mut Random| match random.below(4) {
            0 => random.next(),
            _ => base.wrapping_add(random.below(400)),
        };
        let function = Function {
            start: place(&mut random),
            end: place(&mut random),
            next: place(&mut random),
            prev_start: place(&mut random),
            handlers: random.below(2) == 0,
        };
        let alone = prove(&code, site, rax, Some(function));
        let ours = Ours {
            table: random.next() as u32,
            spans: random.next() as u32,
            trampolines: place(&mut random),
            slots: random.next() as u32 >> random.below(32),
        };
        let among = prove_among(&Place::new(&code, site, rax, &ours), |_| Some(function));
        for form in [prove(&code, site, rax, None), alone, among].into_iter().flatten() {
            let slot = Slot {
                address: random.next() as u32,
                trampoline: place(&mut random),
            };
            let original = std::array::from_fn(|_| random.next() as u8);
            let _ = plan(&form, site, slot, &original);
            let _ = unplan(&form, site, slot, &original);
            let _ = trampoline(&form, random.next(), random.next(), random.next());
        }
    }
}

/// Padding of every kind, behind sites that all want some of it.
const PADDING: [&[u8]; 9] = [
    &[0xcc],
    &[0x90],
    &[0x66, 0x90],
    &[0x0f, 0x1f, 0x00],
    &[0x0f, 0x1f, 0x44, 0, 0],
    &[0x66, 0x0f, 0x1f, 0x44, 0, 0],
    &[0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
    &[0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
    &[
        0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0,
    ],
];

#[test]
fn sites_that_share_padding_leave_each_other_alone() {
    let mut random = Random::new(6);
    let mut jumps = [0u64; 2];
    for round in 0..rounds(3_000) {
        let mut bytes = Vec::new();
        let mut sites = Vec::new();
        for _ in 0..=random.below(6) {
            // At least five bytes, none of them an instruction of five.
            bytes.extend((0..5 + random.below(30)).map(|_| 0xf8));
            sites.push(BASE + bytes.len() as u64);
            bytes.extend_from_slice(&[0x0f, 0x05]);
        }
        bytes.push(0xc3);
        let end = BASE + bytes.len() as u64;
        for _ in 0..random.below(8) {
            bytes.extend_from_slice(random.pick(&PADDING));
        }
        let function = Function {
            next: BASE + bytes.len() as u64,
            ..Function::alone(BASE, end)
        };
        let ours = Ours {
            table: 0x050f_0000,
            spans: 0,
            // In reach, out of reach, or both in one padding.
            trampolines: random.pick(&[&BASE, &(BASE << 16), &(end + 0x7ffd_f018)]) + 0x1000,
            slots: 4096,
        };
        let mut taken = vec![false; bytes.len()];
        for (index, &site) in (0u32..).zip(&sites) {
            let code = Code {
                bytes: &bytes,
                base: BASE,
            };
            let Ok(form) = prove_among(&Place::new(&code, site, 39, &ours), |_| Some(function)) else {
                continue;
            };
            let Form::Short { pad } = form else {
                panic!("round {round}: {form:?}")
            };
            jumps[usize::from(pad.jump == Jump::Near)] += 1;
            // The rest of a no-op may be used again.
            let at = (pad.at - BASE) as usize;
            let range = at..at + pad.jump.length();
            assert!(pad.at >= end, "round {round}: {form:?}");
            assert!(
                taken[range.clone()].iter().all(|taken| !taken),
                "round {round}: {form:?}"
            );
            taken[range].fill(true);
            let slot = Slot {
                address: ours.table + index * 8,
                trampoline: ours.trampolines + u64::from(index) * 32,
            };
            let original = std::array::from_fn(|at| bytes[(site - BASE) as usize + at - 5]);
            for write in plan(&form, site, slot, &original).expect("a plan").writes() {
                let at = (write.at - BASE) as usize;
                bytes[at..at + write.len].copy_from_slice(write.bytes());
            }
        }
    }
    eprintln!("long jumps {}, near jumps {}", jumps[0], jumps[1]);
    assert!(jumps.iter().all(|count| *count > 0), "the fuzzing reaches both jumps");
}

#[test]
fn mutated_maps_lines_never_panic() {
    let mut random = Random::new(4);
    let line = b"7f12a3400000-7f12a3555000 r-xp 00026000 fd:01 1573    /usr/lib/libc.so.6 (deleted)";
    for _ in 0..rounds(50_000) {
        let mut line = line.to_vec();
        for _ in 0..random.below(4) {
            let at = random.below(line.len() as u64) as usize;
            match random.below(3) {
                0 => line[at] = random.next() as u8,
                1 => line.truncate(at.max(1)),
                _ => line.insert(at, b' '),
            }
        }
        if let Some(vma) = parse_maps_line(&line) {
            let _ = vma.policy();
        }
    }
}

/// A module some bytes of which read differently.
struct Mutated<'a> {
    image: &'a Image,
    at: [(u64, u8); 4],
}

impl Memory for Mutated<'_> {
    fn read(&self, address: u64, out: &mut [u8]) -> bool {
        let readable = self.image.read(address, out);
        for (at, value) in self.at {
            let offset = at.wrapping_sub(address);
            if let Some(byte) = usize::try_from(offset).ok().and_then(|offset| out.get_mut(offset)) {
                *byte = value;
            }
        }
        readable
    }
}

#[test]
fn mutated_unwind_tables_never_panic_and_never_lose_the_address() {
    let Some(image) = common::libc_path().and_then(|path| Image::load(&path)) else {
        eprintln!("no libc.so.6 is mapped: nothing to mutate");
        return;
    };
    let header = header_of(&image, image.base).expect("libc has an .eh_frame_hdr");
    let (start, end) = image.text[0];
    let mut random = Random::new(5);
    for _ in 0..rounds(30_000) {
        let mut place = || match random.below(4) {
            0 => image.base + random.below(0x400),
            1 => header + random.below(32),
            _ => header + random.below(0x2_0000),
        };
        let places = [place(), place(), place(), place()];
        let mutated = Mutated {
            image: &image,
            at: places.map(|at| (at, random.next() as u8)),
        };
        let address = start + random.below(end - start);
        let header = header_of(&mutated, image.base).unwrap_or(header);
        if let Some(function) = function_at(&mutated, header, address) {
            assert!(function.contains(address) && function.end <= function.next);
        }
    }
}
