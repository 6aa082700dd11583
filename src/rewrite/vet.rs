//! Which pairs of bytes in code are system calls: what would let a process run
//! without the kernel's arm, since none of its calls could be missed.
//!
//! A pair is `0f 05` (`syscall`), `0f 34` (`sysenter`) or `cd 80` (`int $0x80`).
//! Unlike a site that has trapped, no pair has been executed: that it is an
//! instruction, or none, has to be proved from the bytes alone. The proof is a
//! function that is *fully decoded*: from the start that .eh_frame gives, in a
//! straight line, instruction after instruction to its very end, and every direct
//! branch inside of it leads to one of these instructions. Then
//!
//! * a pair with which an instruction begins is that instruction, if execution gets
//!   there: from the function's start, or from where a direct branch leads, through
//!   instructions behind which it goes on. Else it may be data behind code;
//! * a pair inside a longer instruction is none, and no direct branch of the
//!   function leads into it.
//!
//! Between two functions there may be instructions, too: behind one that goes on
//! there (the C library's clone). They are proved in the same way.
//!
//! What is assumed, and not proved: an indirect branch, and a direct one of another
//! function, leads to an instruction of the straight decode as well.

use iced_x86::{Instruction, Mnemonic};

use super::boundary::{MAX_FUNCTION, Survey};
use super::code::{Code, direct_target};
use super::decide::decide;
use super::eh_frame::Function;
use super::reach;
use super::refusal::Refusal;
use super::site::{Form, Place};
use super::trampoline::Ours;

/// The bytes of `syscall`, `sysenter` and `int $0x80`.
pub const PAIRS: [[u8; 2]; 3] = [[0x0f, 0x05], [0x0f, 0x34], [0xcd, 0x80]];

/// What a pair is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// A `syscall`, which is rewritten in this form.
    Site(Form),
    /// A `syscall` for which no form fits.
    Trap(Refusal),
    /// No instruction: it lies inside of a longer one.
    Inside,
    /// Nobody knows.
    Unproven(Doubt),
}

/// Why a pair stays unproven.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Doubt {
    /// It lies in no function of .eh_frame.
    NoFunction,
    /// Its function is longer than what is decoded.
    Long,
    /// The decode of its function does not come to the function's end.
    Undecoded,
    /// A branch leads into the middle of an instruction.
    Entered,
    /// Of no direct branch, and of no instruction before it, is it known that execution
    /// gets there.
    Unreached,
    /// A `syscall` with prefixes, or one that is written over more than two bytes.
    Prefixed,
    /// It is `sysenter` or `int $0x80`.
    OtherCall,
}

impl Doubt {
    /// A stable word for reports.
    pub const fn name(self) -> &'static str {
        match self {
            Doubt::NoFunction => "no-function",
            Doubt::Long => "long",
            Doubt::Undecoded => "undecoded",
            Doubt::Entered => "entered",
            Doubt::Unreached => "unreached",
            Doubt::Prefixed => "prefixed",
            Doubt::OtherCall => "other-call",
        }
    }
}

/// What is known of the module that a pair lies in.
pub trait Module {
    /// The function around an address.
    fn function(&self, address: u64) -> Option<Function>;

    /// What lies between two functions, at this address.
    fn gap(&self, _address: u64) -> Option<Function> {
        None
    }

    /// A number of the module's constant data.
    fn number(&self, _address: u64) -> Option<i32> {
        None
    }
}

impl<F: Fn(u64) -> Option<Function>> Module for F {
    fn function(&self, address: u64) -> Option<Function> {
        self(address)
    }
}

/// The longest function that is decoded.
pub const LONGEST: usize = 256 << 10;
const WORDS: usize = LONGEST / 64;

/// One bit for each byte of a function.
struct Marks([u64; WORDS]);

impl Marks {
    const NONE: Marks = Marks([0; WORDS]);

    fn clear(&mut self, bytes: usize) {
        self.0.iter_mut().take(bytes / 64 + 1).for_each(|word| *word = 0);
    }

    fn set(&mut self, at: u64) {
        if let Some(word) = self.0.get_mut((at / 64) as usize) {
            *word |= 1 << (at % 64);
        }
    }

    fn has(&self, at: u64) -> bool {
        self.0
            .get((at / 64) as usize)
            .is_some_and(|word| *word >> (at % 64) & 1 != 0)
    }
}

/// The function that was decoded last: pairs of one function come in a row.
pub struct Decoded {
    start: u64,
    end: u64,
    proved: bool,
    /// Why not.
    doubt: Doubt,
    starts: Marks,
    targets: Marks,
    /// Targets are also those of its jump tables.
    tables: bool,
}

/// Room for a proof: the function of the pair, and the one before it.
pub type Room = [Decoded; 2];

/// With nothing in it: all of it is zeros.
pub const fn room() -> Room {
    [Decoded::NONE; 2]
}

/// Forgets what has been decoded: other bytes may lie there.
pub fn forget(room: &mut Room) {
    room.iter_mut().for_each(Decoded::forget);
}

impl Decoded {
    /// Nothing has been decoded. All of it is zeros.
    pub const NONE: Decoded = Decoded {
        start: 0,
        end: 0,
        proved: false,
        doubt: Doubt::NoFunction,
        starts: Marks::NONE,
        targets: Marks::NONE,
        tables: false,
    };

    const fn forget(&mut self) {
        self.end = self.start;
    }

    fn decode(&mut self, code: &Code<'_>, function: &Function) {
        let (start, end) = (function.start, function.end);
        if (self.start, self.end) == (start, end) {
            return;
        }
        (self.start, self.end) = (start, end);
        let length = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX);
        if length > LONGEST {
            (self.proved, self.doubt) = (false, Doubt::Long);
            return;
        }
        self.starts.clear(length);
        self.targets.clear(length);
        self.tables = false;
        let mut behind = start;
        for instruction in code.instructions(start, end) {
            self.starts.set(instruction.ip().wrapping_sub(start));
            if let Some(target) = direct_target(&instruction).filter(|target| function.contains(*target)) {
                self.targets.set(target.wrapping_sub(start));
            }
            behind = instruction.next_ip();
        }
        let mut words = self.targets.0.iter().zip(&self.starts.0).take(length / 64 + 1);
        self.doubt = if behind == end {
            Doubt::Entered
        } else {
            Doubt::Undecoded
        };
        self.proved = behind == end && !words.any(|(targets, starts)| targets & !starts != 0);
    }

    /// Whether execution gets to the instruction at `address`, or to the end, by direct
    /// branches and by going on; `entered`: it gets to the start.
    fn is_reached(&self, code: &Code<'_>, address: u64, ours: &Ours, entered: bool) -> bool {
        let is_target = |at: &u64| self.targets.has(at.wrapping_sub(self.start));
        let target = (self.start..=address.min(self.end.wrapping_sub(1)))
            .rev()
            .find(is_target);
        let Some(from) = target.or_else(|| entered.then_some(self.start)) else {
            return false;
        };
        let mut way = code.instructions(from, address);
        way.all(|instruction| reach::goes_on(code, &instruction, ours))
    }

    /// What the decode says of a site in the function.
    fn survey(&self, site: u64) -> Survey {
        let near = |marks: &Marks| {
            let place = |distance: u64| {
                site.checked_sub(distance)
                    .filter(|at| (self.start..self.end).contains(at))
            };
            let marked = |distance: &u64| place(*distance).is_some_and(|at| marks.has(at.wrapping_sub(self.start)));
            (0..32).filter(marked).fold(0, |bits, distance| bits | 1u32 << distance)
        };
        let last = site.checked_sub(1).and_then(|last| self.instruction_at(last));
        Survey {
            before: last
                .map(|start| site.wrapping_sub(start))
                .or((site == self.start).then_some(0)),
            entries: near(&self.targets),
            starts: near(&self.starts),
        }
    }

    /// Takes the entries of the function's jump tables for targets.
    fn read_tables(&mut self, code: &Code<'_>, module: &impl Module) {
        if self.tables {
            return;
        }
        self.tables = true;
        let Decoded {
            start,
            end,
            starts,
            targets,
            ..
        } = self;
        let is_start = |target: u64| (*start..*end).contains(&target) && starts.has(target.wrapping_sub(*start));
        for table in code.instructions(*start, *end).filter_map(|one| reach::table(&one)) {
            let number = |address| module.number(address);
            reach::entries(table, number, is_start).for_each(|target| targets.set(target.wrapping_sub(*start)));
        }
    }

    /// The start of the instruction that `address` lies in.
    fn instruction_at(&self, address: u64) -> Option<u64> {
        const LONGEST_INSTRUCTION: u64 = 15;
        (0..LONGEST_INSTRUCTION)
            .filter_map(|distance| address.checked_sub(distance))
            .take_while(|at| *at >= self.start)
            .find(|at| self.starts.has(at.wrapping_sub(self.start)))
    }
}

/// What the pair at `address` is. `code` holds all of the mapping that it lies in.
pub fn judge(
    [decoded, before]: &mut Room,
    code: &Code<'_>,
    address: u64,
    ours: &Ours,
    module: &impl Module,
) -> Verdict {
    let named = module.function(address).filter(|function| function.contains(address));
    let found = named.or_else(|| module.gap(address).filter(|gap| gap.contains(address)));
    let Some(function) = found.filter(|function| code.slice(function.start, 1).is_some()) else {
        return Verdict::Unproven(Doubt::NoFunction);
    };
    decoded.decode(code, &function);
    if !decoded.proved {
        let doubt = if named.is_some() {
            decoded.doubt
        } else {
            Doubt::NoFunction
        };
        return Verdict::Unproven(doubt);
    }
    let is_entered = named.is_some() || is_gone_on_to(before, code, function.start, ours, module);
    if !is_entered {
        return Verdict::Unproven(Doubt::NoFunction);
    }
    let start = decoded.instruction_at(address);
    let Some(instruction) = start.and_then(|start| code.instruction(start)) else {
        return Verdict::Unproven(Doubt::Undecoded);
    };
    if !is_call(&instruction) {
        return Verdict::Inside;
    }
    match (instruction.mnemonic(), instruction.ip() == address) {
        (Mnemonic::Syscall, true) => {}
        (Mnemonic::Syscall, false) => return Verdict::Unproven(Doubt::Prefixed),
        _ => return Verdict::Unproven(Doubt::OtherCall),
    }
    if !decoded.is_reached(code, address, ours, true) {
        decoded.read_tables(code, module);
        if !decoded.is_reached(code, address, ours, true) {
            return Verdict::Unproven(Doubt::Unreached);
        }
    }
    if address.saturating_sub(function.start) > MAX_FUNCTION {
        // What stands before it would be proved by other means than by this decode.
        return Verdict::Trap(Refusal::Boundary);
    }
    let rax = loaded_before(decoded, code, address).unwrap_or(u64::MAX);
    let place = Place {
        survey: named.map(|_| decoded.survey(address)),
        ..Place::new(code, address, rax, ours)
    };
    match decide(&place, |address| module.function(address)) {
        Ok(form) => Verdict::Site(form),
        Err(refusal) => Verdict::Trap(refusal),
    }
}

/// Whether the function that ends at `end` goes on behind it.
fn is_gone_on_to(decoded: &mut Decoded, code: &Code<'_>, end: u64, ours: &Ours, module: &impl Module) -> bool {
    let function = end.checked_sub(1).and_then(|last| module.function(last));
    let Some(function) = function.filter(|function| function.end == end && code.slice(function.start, 1).is_some())
    else {
        return false;
    };
    // It may have been changed since.
    decoded.forget();
    decoded.decode(code, &function);
    decoded.proved && decoded.is_reached(code, end, ours, true)
}

/// Whether the instruction enters the kernel as a system call.
fn is_call(instruction: &Instruction) -> bool {
    match instruction.mnemonic() {
        Mnemonic::Syscall | Mnemonic::Sysenter => true,
        Mnemonic::Int => instruction.immediate8() == 0x80,
        _ => false,
    }
}

/// The number in rax, if the one instruction before the site loads it: who comes by
/// it has that number, and for who comes from elsewhere the `syscall` stays as it is.
fn loaded_before(decoded: &Decoded, code: &Code<'_>, site: u64) -> Option<u64> {
    const MOV_EAX: u8 = 0xb8;
    const MOV_RAX: [u8; 3] = [0x48, 0xc7, 0xc0];
    let starts = |length: u64| {
        let head = site.checked_sub(length)?;
        (decoded.instruction_at(site.checked_sub(1)?) == Some(head)).then_some(head)
    };
    let short = starts(5).and_then(|head| code.array::<5>(head));
    if let Some([MOV_EAX, number @ ..]) = short {
        return Some(u32::from_le_bytes(number).into());
    }
    let [a, b, c, number @ ..] = code.array::<7>(starts(7)?)?;
    ([a, b, c] == MOV_RAX).then(|| i64::from(i32::from_le_bytes(number)) as u64)
}

/// The offsets of all pairs, those that go on over the end of `bytes` by `next`, the
/// byte behind them, included.
pub fn pairs(bytes: &[u8], next: Option<u8>) -> impl Iterator<Item = usize> {
    let last = bytes.last().copied().zip(next).map(|(last, next)| [last, next]);
    let over = last
        .filter(|pair| PAIRS.contains(pair))
        .map(|_| bytes.len().saturating_sub(1));
    chunks(bytes).chain(over)
}

/// Bytes that are looked at together.
const CHUNK: usize = 64;

/// The pairs inside of `bytes`. Most chunks hold none, which is found out without a
/// branch for each byte.
fn chunks(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let starts = (0..bytes.len()).step_by(CHUNK);
    starts.flat_map(move |start| {
        // The first byte of the next chunk belongs to it.
        let end = bytes.len().min(start.saturating_add(CHUNK + 1));
        let chunk = bytes.get(start..end).unwrap_or_default();
        let chunk = if has_pair(chunk) { chunk } else { &[] };
        let found = chunk.windows(2).enumerate().filter(|(_, pair)| {
            let pair: Result<[u8; 2], _> = (*pair).try_into();
            pair.is_ok_and(|pair| PAIRS.contains(&pair))
        });
        found.map(move |(at, _)| start.saturating_add(at))
    })
}

fn has_pair(chunk: &[u8]) -> bool {
    let behind = chunk.get(1..).unwrap_or_default();
    let hits = chunk.iter().zip(behind).fold(0u8, |hits, (first, second)| {
        let fast = u8::from(*first == 0x0f) & (u8::from(*second == 0x05) | u8::from(*second == 0x34));
        hits | fast | u8::from(*first == 0xcd) & u8::from(*second == 0x80)
    });
    hits != 0
}

#[cfg(test)]
mod tests {
    use super::{Decoded, Doubt, Marks};

    /// The core has one of zeroed pages.
    #[test]
    fn nothing_decoded_is_all_zeros() {
        let Decoded {
            start,
            end,
            proved,
            doubt,
            starts: Marks(starts),
            targets: Marks(targets),
            tables,
        } = Decoded::NONE;
        assert_eq!((start, end, proved, tables, doubt as u8), (0, 0, false, false, 0));
        assert_eq!(doubt, Doubt::NoFunction);
        assert!(starts.iter().chain(&targets).all(|word| *word == 0));
    }
}
