//! What may be written over a site, or why nothing may: bytes in, proof out.
//!
//! A site is a `syscall` that the CPU has just executed, so that it is one is
//! certain. Everything else is proved from the bytes around it, see
//! [`boundary`] and [`padding`], and what
//! cannot be proved is refused: the site keeps trapping and stays correct.

use iced_x86::Instruction;

use super::boundary::{self, Survey};
use super::eh_frame::Function;
use super::padding::{self, Pad};
use super::refusal::Refusal;
use super::replay;
use super::span::{self, Means, Span};
use super::trampoline::Ours;

pub use super::code::Code;

/// How a site is rewritten, best form first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// `mov $nr,%eax` before the `syscall`: a long jump replaces it.
    Number {
        /// The number that the instruction loads.
        nr: u32,
    },
    /// `mov $nr,%rax`, seven bytes, before the `syscall`: a long jump replaces
    /// it, and the `syscall` stays.
    Wide {
        /// The number that the instruction loads.
        nr: u32,
    },
    /// Another five-byte instruction before the `syscall`: a long jump replaces
    /// it, and the trampoline executes it.
    Replay {
        /// The instruction.
        insn: [u8; 5],
    },
    /// Instructions further before the `syscall`: a long jump replaces the first
    /// of them, and the trampoline executes them all.
    Span {
        /// The instructions.
        span: Span,
    },
    /// A short jump over the `syscall` itself, to a jump in dead padding.
    Short {
        /// The padding.
        pad: Pad,
    },
    /// No jump: the first byte of the `syscall` becomes an invalid opcode, whose
    /// signal serves the call. For where the kernel has no trap
    /// (`rewrite::vetted`).
    Invalid,
}

impl Form {
    /// The length of the instruction that the long jump replaces, before the
    /// `syscall`; None if it is not there that the jump is.
    pub const fn head(&self) -> Option<u64> {
        match self {
            Form::Number { .. } | Form::Replay { .. } => Some(5),
            Form::Wide { .. } => Some(7),
            Form::Span { span } => Some(span.head as u64),
            Form::Short { .. } | Form::Invalid => None,
        }
    }

    /// A stable word for reports.
    pub fn name(&self) -> &'static str {
        match self {
            Form::Number { .. } => "number",
            Form::Wide { .. } => "wide-number",
            Form::Replay { .. } => "replay",
            Form::Span { span } => match span.inner().count() {
                0 => "span",
                1 => "span-of-two",
                _ => "span-of-more",
            },
            Form::Short { .. } => "short-jump",
            Form::Invalid => "invalid-opcode",
        }
    }

    /// Whether the jump's slot lies in the second table.
    pub const fn is_in_second_table(&self) -> bool {
        matches!(self, Form::Span { span } if span.is_in_second_table())
    }

    /// Whether the jump may go through this slot, of the right table.
    pub fn fits(&self, slot: u32) -> bool {
        match self {
            Form::Span { span } => span.jump(slot).is_some(),
            _ => true,
        }
    }
}

const SYSCALL: [u8; 2] = [0x0f, 0x05];
/// `rt_sigreturn`, x86-64.
const RT_SIGRETURN: u32 = 15;
/// The opcode of `mov $imm32,%eax`.
const MOV_EAX: u8 = 0xb8;
/// The opcode of `mov $imm32,%rax`, the immediate sign-extended.
const MOV_RAX: [u8; 3] = [0x48, 0xc7, 0xc0];
/// `mov $15,%eax` and `mov $15,%rax`, as the C libraries write them.
const SIGNAL_RETURN_SHORT: [u8; 5] = [MOV_EAX, 15, 0, 0, 0];
const SIGNAL_RETURN_LONG: [u8; 7] = [0x48, 0xc7, 0xc0, 15, 0, 0, 0];

/// A site that is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The code around it.
    pub code: &'a Code<'a>,
    /// The address of the `0f 05` that the CPU has executed, or will.
    pub site: u64,
    /// What rax is then.
    pub rax: u64,
    /// What of ours a jump may use, or meet.
    pub ours: &'a Ours,
    /// What a decode of its function says, if there has been one already.
    pub survey: Option<Survey>,
}

impl<'a> Place<'a> {
    /// A site whose function has not been decoded.
    pub const fn new(code: &'a Code<'a>, site: u64, rax: u64, ours: &'a Ours) -> Place<'a> {
        Place {
            code,
            site,
            rax,
            ours,
            survey: None,
        }
    }
}

/// How the site may be rewritten. `site` is the address of the `0f 05` that
/// the CPU just executed with this `rax`; `function` is the one around it.
///
/// Without a function, or with one whose start is not in `code`, less can be
/// proved. Only the table is taken to be in reach, not the trampolines.
pub fn prove(code: &Code<'_>, site: u64, rax: u64, function: Option<Function>) -> Result<Form, Refusal> {
    prove_among(&Place::new(code, site, rax, &Ours::NONE), |address| {
        function.filter(|function| function.contains(address))
    })
}

/// Like [`prove`], but with a way to find the function around any address near
/// the site: padding between its neighbours counts as well, and so does what
/// `ours` say is left of padding, or too little for a jump through the table.
pub fn prove_among(place: &Place<'_>, functions: impl Fn(u64) -> Option<Function>) -> Result<Form, Refusal> {
    let Place {
        code,
        site,
        rax,
        ours,
        survey,
    } = *place;
    if code.array(site) != Some(SYSCALL) {
        return Err(Refusal::Boundary);
    }
    let functions = |address| functions(address).filter(|function| function.contains(address));
    let survey = survey.or_else(|| functions(site).and_then(|function| boundary::survey(code, site, &function)));
    let Some(survey) = survey else {
        if is_signal_return(code, site, rax) {
            return Err(Refusal::SignalReturn);
        }
        return in_the_open(code, site, rax, ours);
    };
    let Some(length) = survey.before else {
        return Err(Refusal::Boundary);
    };
    if length == 5 && survey.is_entered(5) {
        return Err(Refusal::Boundary);
    }
    if let 5 | 7 = length
        && !survey.is_entered(length)
        && let Some(form) = replaceable(code, site, rax, length)?
    {
        return Ok(form);
    }
    if let Some(pad) = padding::near(code, site, ours, functions) {
        return Ok(Form::Short { pad });
    }
    span::find(code, site, survey.starts, survey.entries, Means::of(ours))
        .map(|span| Form::Span { span })
        .ok_or(Refusal::NoRoom)
}

/// The instructions before the site that a jump may replace, whether or not
/// there is another form.
pub fn prove_span(
    code: &Code<'_>,
    site: u64,
    ours: &Ours,
    functions: impl Fn(u64) -> Option<Function>,
) -> Option<Span> {
    let function = functions(site).filter(|function| function.contains(site));
    let (starts, entries) = match function.and_then(|function| boundary::survey(code, site, &function)) {
        Some(survey) => (survey.starts, survey.entries),
        None => (boundary::vote(code, site)?, 0),
    };
    span::find(code, site, starts, entries, Means::of(ours))
}

/// Makes the decoder build its tables, which allocates memory: to be called
/// once at start, and never for the first time from a signal handler.
pub fn warm_up() {
    let code = Code {
        bytes: &SYSCALL,
        base: 0,
    };
    core::hint::black_box(code.instruction(0).map(|instruction: Instruction| instruction.len()));
}

/// The proof where no function is known.
fn in_the_open(code: &Code<'_>, site: u64, rax: u64, ours: &Ours) -> Result<Form, Refusal> {
    let starts = boundary::vote(code, site);
    let before = starts.map(|starts| u64::from(starts.trailing_zeros()));
    if let Some(length @ (5 | 7)) = before
        && let Some(form) = replaceable(code, site, rax, length)?
    {
        return Ok(form);
    }
    if let Some(pad) = padding::behind(code, site, ours) {
        return Ok(Form::Short { pad });
    }
    let starts = starts.ok_or(Refusal::Boundary)?;
    span::find(code, site, starts, 0, Means::of(ours))
        .map(|span| Form::Span { span })
        .ok_or(Refusal::NoRoom)
}

/// The form in which the five or seven bytes before the site, proved to be one
/// instruction, can be replaced.
fn replaceable(code: &Code<'_>, site: u64, rax: u64, length: u64) -> Result<Option<Form>, Refusal> {
    let Some(head) = site.checked_sub(length) else {
        return Ok(None);
    };
    if length == 7 {
        return wide_number(code, head, rax);
    }
    let (Some(insn), Some(decoded)) = (code.array::<5>(head), code.instruction(head)) else {
        return Ok(None);
    };
    if let [MOV_EAX, immediate @ ..] = insn {
        let nr = u32::from_le_bytes(immediate);
        // The instruction clears the upper half of rax.
        return if rax == u64::from(nr) {
            Ok(Some(Form::Number { nr }))
        } else {
            Err(Refusal::NumberMismatch)
        };
    }
    if decoded.len() == 5 && replay::is_relocatable(&decoded, &insn) {
        return Ok(Some(Form::Replay { insn }));
    }
    Ok(None)
}

fn wide_number(code: &Code<'_>, head: u64, rax: u64) -> Result<Option<Form>, Refusal> {
    let Some([a, b, c, immediate @ ..]) = code.array::<7>(head) else {
        return Ok(None);
    };
    let nr = u32::from_le_bytes(immediate);
    if [a, b, c] != MOV_RAX || nr > i32::MAX as u32 {
        return Ok(None);
    }
    if rax == u64::from(nr) {
        Ok(Some(Form::Wide { nr }))
    } else {
        Err(Refusal::NumberMismatch)
    }
}

/// Where there is no function in .eh_frame, unwinders and debuggers know a
/// signal frame by the bytes of its return.
fn is_signal_return(code: &Code<'_>, site: u64, rax: u64) -> bool {
    let before = |length: u64| site.checked_sub(length);
    rax as u32 == RT_SIGRETURN
        || before(5).and_then(|at| code.array(at)) == Some(SIGNAL_RETURN_SHORT)
        || before(7).and_then(|at| code.array(at)) == Some(SIGNAL_RETURN_LONG)
}
