//! Vetting: what is said of each pair of bytes that could be a system call, in code
//! that is written out here, in random code whose instructions are known, and in
//! this machine's libc.
#![cfg(feature = "std")]

mod common;
#[path = "common/random.rs"]
mod random;

use std::collections::BTreeMap;

use common::Image;
use random::Random;
use usertrap::rewrite::code::Code;
use usertrap::rewrite::eh_frame::{Function, Memory, function_at, gap_at, header_of};
use usertrap::rewrite::refusal::Refusal;
use usertrap::rewrite::site::Form;
use usertrap::rewrite::trampoline::{Ours, long_jump};
use usertrap::rewrite::vet::{Doubt, Module, PAIRS, Verdict, judge, pairs, room};

const BASE: u64 = 0x7f00_1234_5000;

/// A table whose jumps leave no `syscall` behind them.
const OURS: Ours = Ours {
    table: 0x7f06_0000,
    spans: 0x7f06_0000,
    ..Ours::NONE
};

/// The verdicts on all pairs in one function, which `parts` are.
fn verdicts(parts: &[&[u8]]) -> Vec<Verdict> {
    let bytes = parts.concat();
    let function = Function::alone(BASE, BASE + bytes.len() as u64);
    in_function(&bytes, Some(function))
}

fn in_function(bytes: &[u8], function: Option<Function>) -> Vec<Verdict> {
    let code = Code { bytes, base: BASE };
    let mut room = Box::new(room());
    let at = |at: usize| judge(&mut room, &code, BASE + at as u64, &OURS, &|_| function);
    pairs(bytes, None).map(at).collect()
}

const NOP: &[u8] = &[0x90];
const RET: &[u8] = &[0xc3];
const SYSCALL: &[u8] = &[0x0f, 0x05];
const GETPID: &[u8] = &[0xb8, 39, 0, 0, 0];
/// `mov $0x80cd050f,%ebx`: two pairs in a number.
const NUMBERS: &[u8] = &[0xbb, 0x0f, 0x05, 0xcd, 0x80];

#[test]
fn an_instruction_is_a_site_in_its_form_or_a_trap() {
    assert_eq!(
        verdicts(&[NOP, GETPID, SYSCALL, RET]),
        [Verdict::Site(Form::Number { nr: 39 })]
    );
    let wide: &[u8] = &[0x48, 0xc7, 0xc0, 39, 0, 0, 0];
    assert_eq!(verdicts(&[wide, SYSCALL, RET]), [Verdict::Site(Form::Wide { nr: 39 })]);
    // `mov %edi,%eax`, and no room.
    assert_eq!(
        verdicts(&[&[0x90; 5], &[0x89, 0xf8], SYSCALL, RET]),
        [Verdict::Trap(Refusal::NoRoom)]
    );
}

#[test]
fn pairs_in_longer_instructions_are_none() {
    assert_eq!(verdicts(&[NUMBERS, RET]), [Verdict::Inside; 2]);
    // `movl $0x50f,0x340f(%rip)`.
    assert_eq!(
        verdicts(&[&[0xc7, 0x05, 0x0f, 0x34, 0, 0, 0x0f, 0x05, 0, 0], RET]),
        [Verdict::Inside; 2]
    );
    // The end of one instruction and the beginning of the next.
    assert_eq!(verdicts(&[&[0xb0, 0x0f], &[0x05, 1, 0, 0, 0], RET]), [Verdict::Inside]);
}

#[test]
fn what_is_in_no_function_is_unproven() {
    let bytes = [GETPID, SYSCALL, RET].concat();
    let unproven = [Verdict::Unproven(Doubt::NoFunction)];
    assert_eq!(in_function(&bytes, None), unproven);
    let before = Function::alone(BASE, BASE + 5);
    assert_eq!(in_function(&bytes, Some(before)), unproven);
    // It begins in other memory.
    let elsewhere = Function::alone(BASE - 16, BASE + bytes.len() as u64);
    assert_eq!(in_function(&bytes, Some(elsewhere)), unproven);
}

#[test]
fn a_function_has_to_be_decoded_to_its_end() {
    let undecoded = [Verdict::Unproven(Doubt::Undecoded)];
    // No instruction; one that goes on over the end.
    assert_eq!(verdicts(&[GETPID, SYSCALL, &[0x06], RET]), undecoded);
    assert_eq!(verdicts(&[GETPID, SYSCALL, &[0xb8, 0]]), undecoded);
}

#[test]
fn a_branch_into_an_instruction_takes_the_proof_away() {
    let entered = Verdict::Unproven(Doubt::Entered);
    // Into the number, where the pair is.
    assert_eq!(verdicts(&[&[0xeb, 0x01], NUMBERS, RET]), [entered; 2]);
    // Back into it, from behind a site.
    assert_eq!(verdicts(&[NUMBERS, GETPID, SYSCALL, &[0xeb, 0xf3], RET]), [entered; 3]);
    // To its start.
    assert_eq!(verdicts(&[&[0xeb, 0x00], NUMBERS, RET]), [Verdict::Inside; 2]);
}

#[test]
fn what_execution_is_not_known_to_get_to_is_unproven() {
    let unreached = Verdict::Unproven(Doubt::Unreached);
    let site = Verdict::Site(Form::Number { nr: 39 });
    assert_eq!(verdicts(&[RET, GETPID, SYSCALL, RET]), [unreached]);
    // By a conditional branch over the return.
    assert_eq!(verdicts(&[&[0x74, 0x01], RET, GETPID, SYSCALL, RET]), [site]);
    // Behind an indirect jump; what lies in an instruction there is none all the same.
    assert_eq!(
        verdicts(&[&[0xff, 0xe0], NUMBERS, GETPID, SYSCALL, RET]),
        [Verdict::Inside, Verdict::Inside, unreached]
    );
    // Behind a call, and behind another site.
    assert_eq!(
        verdicts(&[&[0xff, 0xd0], GETPID, SYSCALL, GETPID, SYSCALL, RET]),
        [site, site]
    );
}

/// A module of two functions with something between them, and a table of jumps.
struct Parts {
    functions: Vec<Function>,
    numbers: Vec<(u64, i32)>,
}

impl Module for Parts {
    fn function(&self, address: u64) -> Option<Function> {
        self.functions.iter().copied().find(|one| one.contains(address))
    }

    fn gap(&self, address: u64) -> Option<Function> {
        let [before, behind] = self.functions.as_slice() else {
            return None;
        };
        let gap = Function::alone(before.end, behind.start);
        gap.contains(address).then_some(gap)
    }

    fn number(&self, address: u64) -> Option<i32> {
        self.numbers
            .iter()
            .find(|(at, _)| *at == address)
            .map(|(_, number)| *number)
    }
}

/// The verdicts on the pairs of three parts, the second of which is in no function.
fn verdicts_around_gap(before: &[u8], gap: &[u8]) -> Vec<Verdict> {
    let bytes = [before, gap, RET].concat();
    let start = BASE + (before.len() + gap.len()) as u64;
    let module = Parts {
        functions: vec![
            Function::alone(BASE, BASE + before.len() as u64),
            Function::alone(start, start + 1),
        ],
        numbers: Vec::new(),
    };
    let code = Code {
        bytes: &bytes,
        base: BASE,
    };
    let mut room = Box::new(room());
    let at = |at: usize| judge(&mut room, &code, BASE + at as u64, &OURS, &module);
    pairs(&bytes, None).map(at).collect()
}

#[test]
fn a_gap_is_code_where_the_function_before_it_goes_on() {
    let nothing = Verdict::Unproven(Doubt::NoFunction);
    let call = verdicts_around_gap(&[NOP, GETPID].concat(), &[SYSCALL, RET].concat());
    assert!(matches!(call[..], [Verdict::Site(_) | Verdict::Trap(_)]), "{call:?}");
    assert_eq!(verdicts_around_gap(NOP, NUMBERS), [Verdict::Inside; 2]);
    assert_eq!(verdicts_around_gap(RET, &[GETPID, SYSCALL].concat()), [nothing]);
    assert_eq!(verdicts_around_gap(&[0xff, 0xe0], NUMBERS), [nothing; 2]);
    // Not decoded to its end, and a function before it that is not.
    assert_eq!(verdicts_around_gap(NOP, &[SYSCALL, &[0x06]].concat()), [nothing]);
    assert_eq!(verdicts_around_gap(&[0x06], SYSCALL), [nothing]);
}

#[test]
fn an_entry_of_a_jump_table_is_reached() {
    const TABLE: u64 = BASE + 0x1000;
    // lea table(%rip),%rdx; jmp *%rax; ret; and a call.
    let lea = [&[0x48, 0x8d, 0x15][..], &(0x1000 - 7i32).to_le_bytes()].concat();
    let bytes = [&lea, &[0xff, 0xe0][..], RET, GETPID, SYSCALL, RET].concat();
    let call = BASE + 10;
    let verdict = |numbers: &[(u64, i32)]| {
        let module = Parts {
            functions: vec![Function::alone(BASE, BASE + bytes.len() as u64)],
            numbers: numbers.to_vec(),
        };
        let code = Code {
            bytes: &bytes,
            base: BASE,
        };
        judge(&mut Box::new(room()), &code, call + 5, &OURS, &module)
    };
    let to = |target: u64| target.wrapping_sub(TABLE) as i32;
    let site = Verdict::Site(Form::Number { nr: 39 });
    let unreached = Verdict::Unproven(Doubt::Unreached);
    assert_eq!(verdict(&[(TABLE, to(BASE + 9)), (TABLE + 4, to(call))]), site);
    assert_eq!(verdict(&[]), unreached);
    // An entry that leads to no instruction ends the table.
    assert_eq!(verdict(&[(TABLE, to(BASE + 8)), (TABLE + 4, to(call))]), unreached);
    assert_eq!(verdict(&[(TABLE, to(call + 1))]), unreached);
}

#[test]
fn execution_goes_on_behind_a_jump_of_ours() {
    let ours = Ours { slots: 8192, ..OURS };
    let jump = long_jump(OURS.table + 8);
    let bytes = [&jump[..], GETPID, SYSCALL, RET].concat();
    let verdict = |ours: &Ours| {
        let code = Code {
            bytes: &bytes,
            base: BASE,
        };
        let function = Function::alone(BASE, BASE + bytes.len() as u64);
        judge(&mut Box::new(room()), &code, BASE + 12, ours, &|_| Some(function))
    };
    assert_eq!(verdict(&ours), Verdict::Site(Form::Number { nr: 39 }));
    assert_eq!(verdict(&Ours { slots: 1, ..ours }), Verdict::Unproven(Doubt::Unreached));
}

#[test]
fn other_calls_and_prefixes_are_unproven() {
    let other = [Verdict::Unproven(Doubt::OtherCall)];
    assert_eq!(verdicts(&[&[0xcd, 0x80], RET]), other);
    assert_eq!(verdicts(&[&[0x0f, 0x34], RET]), other);
    assert_eq!(
        verdicts(&[GETPID, &[0x48], SYSCALL, RET]),
        [Verdict::Unproven(Doubt::Prefixed)]
    );
}

#[test]
fn pairs_are_found_wherever_they_lie() {
    for pair in PAIRS {
        for at in 0..200 {
            let mut bytes = vec![0x90; at + 2];
            bytes[at..].copy_from_slice(&pair);
            assert_eq!(pairs(&bytes, None).collect::<Vec<_>>(), [at]);
            // Its second byte is the first of the mapping behind.
            bytes.pop();
            assert_eq!(pairs(&bytes, Some(pair[1])).collect::<Vec<_>>(), [at]);
            assert_eq!(pairs(&bytes, Some(0x90)).count() + pairs(&bytes, None).count(), 0);
        }
    }
    let all: Vec<u8> = PAIRS.concat();
    assert_eq!(pairs(&all, None).collect::<Vec<_>>(), [0, 2, 4]);
    assert_eq!(pairs(&[], None).count(), 0);
}

/// Instructions with room for a pair behind so many bytes.
const ROOMY: [(&[u8], usize); 5] = [
    (&[0xb8, 1, 2, 3, 4], 1),                         // mov $…,%eax
    (&[0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8], 2),       // movabs $…,%rax
    (&[0x48, 0x8d, 0x05, 1, 2, 3, 4], 3),             // lea …(%rip),%rax
    (&[0xc7, 0x84, 0x24, 1, 2, 3, 4, 5, 6, 7, 8], 3), // movl $…,…(%rsp)
    (&[0xb0, 0x11], 1),                               // mov $…,%al
];

fn index(random: &mut Random, count: usize) -> usize {
    random.below(count as u64) as usize
}

/// A part of a function that begins where instructions begin. It may end with the
/// first byte of a pair.
fn part(random: &mut Random, branches: bool) -> Vec<u8> {
    let [first, second] = PAIRS[index(random, PAIRS.len())];
    match random.below(8) {
        0 => vec![0x0f, 0x05],
        1 => vec![0xb8, random.next() as u8, 0, 0, 0],
        2 if random.below(8) == 0 => vec![0xc3],
        2 => vec![0x90],
        // An addition that begins with a second byte.
        3 => vec![0x05, 1, 2, 3, 4],
        4 if branches => vec![0x74, random.below(16) as u8],
        _ => {
            let (bytes, from) = ROOMY[index(random, ROOMY.len())];
            let mut bytes = bytes.to_vec();
            let at = from + index(random, bytes.len() - from);
            bytes[at] = first;
            if let Some(place) = bytes.get_mut(at + 1) {
                *place = second;
            }
            bytes
        }
    }
}

/// By the parts it is known where instructions begin, and what each is.
#[test]
fn no_verdict_is_wrong_about_random_code() {
    let mut random = Random(1);
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for round in 0..20_000 {
        let mut bytes = Vec::new();
        let mut parts = Vec::new();
        while bytes.len() < 20 + round % 100 {
            let part = part(&mut random, round % 4 == 0);
            parts.push((bytes.len(), part.clone()));
            bytes.extend(part);
        }
        bytes.extend([0xc3; 20]);
        let function = Function::alone(BASE, BASE + bytes.len() as u64);
        let found: Vec<usize> = pairs(&bytes, None).collect();
        let naive: Vec<usize> = (1..bytes.len())
            .filter(|at| PAIRS.contains(&[bytes[at - 1], bytes[*at]]))
            .map(|at| at - 1)
            .collect();
        assert_eq!(found, naive, "round {round}: {bytes:x?}");
        let is_start = |at: usize| parts.iter().any(|(start, _)| *start == at) || at >= bytes.len() - 20;
        let entered = parts.iter().any(|(start, part)| match part.as_slice() {
            [0x74, distance] => !is_start(start + 2 + usize::from(*distance)),
            _ => false,
        });
        let leads_to = |at: usize| {
            parts.iter().any(|(start, part)| match part.as_slice() {
                [0x74, distance] => start + 2 + usize::from(*distance) == at,
                _ => false,
            })
        };
        let mut reached = true;
        let reached: Vec<usize> = parts
            .iter()
            .filter_map(|(start, part)| {
                reached |= leads_to(*start);
                let here = reached;
                reached &= part != &[0xc3];
                here.then_some(*start)
            })
            .collect();
        for (at, verdict) in found.iter().zip(in_function(&bytes, Some(function))) {
            let is_call = parts.iter().any(|(start, part)| start == at && part == &[0x0f, 0x05]);
            let (word, right) = match verdict {
                Verdict::Site(_) => ("site", is_call && !entered && reached.contains(at)),
                Verdict::Trap(_) => ("trap", is_call && !entered && reached.contains(at)),
                Verdict::Inside => ("inside", !is_call && !entered),
                Verdict::Unproven(Doubt::Entered) => ("entered", entered),
                Verdict::Unproven(doubt) => (
                    doubt.name(),
                    doubt == Doubt::Unreached && is_call && !entered && !reached.contains(at),
                ),
            };
            assert!(right, "round {round}: {verdict:?} at {at} of {bytes:x?}");
            *seen.entry(word).or_default() += 1;
        }
    }
    eprintln!("{seen:?}");
    assert_eq!(
        seen.keys().copied().collect::<Vec<_>>(),
        ["entered", "inside", "site", "trap", "unreached"]
    );
}

struct Libc<'a>(&'a Image, u64);

impl Module for Libc<'_> {
    fn function(&self, address: u64) -> Option<Function> {
        function_at(self.0, self.1, address)
    }

    fn gap(&self, address: u64) -> Option<Function> {
        gap_at(self.0, self.1, address)
    }

    fn number(&self, address: u64) -> Option<i32> {
        let mut bytes = [0; 4];
        self.0.read(address, &mut bytes).then(|| i32::from_le_bytes(bytes))
    }
}

#[test]
fn nearly_all_of_libc_is_proved() {
    let Some(image) = common::libc_path().and_then(|path| Image::load(&path)) else {
        eprintln!("skipped: no libc");
        return;
    };
    let Some(header) = header_of(&image, image.base) else {
        eprintln!("skipped: no .eh_frame_hdr");
        return;
    };
    let mut room = Box::new(room());
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (start, _) in &image.text {
        let code = image.code(*start).unwrap();
        for at in pairs(code.bytes, None) {
            let address = start + at as u64;
            let verdict = judge(&mut room, &code, address, &OURS, &Libc(&image, header));
            let word = match verdict {
                Verdict::Site(_) => "site".to_owned(),
                Verdict::Trap(_) => "trap".to_owned(),
                Verdict::Inside => "inside".to_owned(),
                Verdict::Unproven(doubt) => format!("{} at {:#x}", doubt.name(), address - image.base),
            };
            *seen.entry(word).or_default() += 1;
        }
    }
    eprintln!("{seen:?}");
    assert!(seen.get("site").is_some_and(|count| *count > 300), "{seen:?}");
    let unproven = seen.keys().filter(|word| word.contains(" at ")).count();
    assert!(unproven <= 1, "{seen:?}");
}
