//! Code made of parts, and what the rewriter knows of it.

use usertrap::rewrite::code::Code;
use usertrap::rewrite::eh_frame::Function;
use usertrap::rewrite::padding::Pad;
use usertrap::rewrite::plan::{Plan, plan, unplan};
use usertrap::rewrite::refusal::Refusal;
use usertrap::rewrite::site::{Form, Place, prove, prove_among};
use usertrap::rewrite::trampoline::{Jump, Ours, Slot};

pub(crate) const BASE: u64 = 0x7f00_1234_5000;
pub(crate) const RET: &[u8] = &[0xc3];
pub(crate) const SYSCALL: &[u8] = &[0x0f, 0x05];
/// `endbr64`, which stays where it is.
pub(crate) const OPENING: &[u8] = &[0xf3, 0x0f, 0x1e, 0xfa];
pub(crate) const MOV_GETPID: &[u8] = &[0xb8, 39, 0, 0, 0];
/// `mov $15,%rax`
pub(crate) const MOV_RAX_15: &[u8] = &[0x48, 0xc7, 0xc0, 15, 0, 0, 0];
/// `mov %r11,8(%rsp)`: before glibc's one site for cancellable calls.
pub(crate) const MOV_R11: &[u8] = &[0x4c, 0x89, 0x5c, 0x24, 0x08];
/// `mov %edi,%eax`
pub(crate) const MOV_EDI_EAX: &[u8] = &[0x89, 0xf8];
/// `movl $16,-0x48(%rsp)`: ends like `mov $16,%eax`.
pub(crate) const MOVL_16: &[u8] = &[0xc7, 0x44, 0x24, 0xb8, 16, 0, 0, 0];
/// `nopw 0(%rax,%rax,1)`
pub(crate) const NOP9: &[u8] = &[0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0];
/// `nopl 0(%rax,%rax,1)`
pub(crate) const NOP5: &[u8] = &[0x0f, 0x1f, 0x44, 0, 0];
/// `cs nopw 0(%rax,%rax,1)`
pub(crate) const NOP10: &[u8] = &[0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0];
/// A slot of the preferred table and one of a fallback table.
pub(crate) const PREFERRED: u32 = 0x050f_1238;
pub(crate) const FALLBACK: u32 = 0x4106_1238;
/// Where their trampolines lie in the tests of near jumps.
pub(crate) const TRAMPOLINE: u64 = NEAR.trampolines + 32 * 0x247;
/// The preferred table, with trampolines in reach and out of it.
pub(crate) const NEAR: Ours = Ours {
    table: 0x050f_0000,
    spans: 0x0f06_0000,
    trampolines: BASE + 0x1000_0000,
    slots: 8192,
};
pub(crate) const FAR: Ours = Ours {
    trampolines: BASE + 0x10_0000_0000,
    ..NEAR
};

pub(crate) fn slot(address: u32) -> Slot {
    Slot {
        address,
        trampoline: TRAMPOLINE,
    }
}

/// The form with a long jump in this padding.
pub(crate) fn long(at: u64, len: usize) -> Form {
    let jump = Jump::Long;
    Form::Short {
        pad: Pad { at, len, jump },
    }
}

/// The form with a near jump in this padding.
pub(crate) fn near(at: u64, len: usize) -> Form {
    let jump = Jump::Near;
    Form::Short {
        pad: Pad { at, len, jump },
    }
}

/// Code made of parts, with its first `syscall` as the site.
pub(crate) struct Text {
    pub bytes: Vec<u8>,
    pub site: u64,
}

impl Text {
    pub(crate) fn new(parts: &[&[u8]]) -> Text {
        let before: usize = parts
            .iter()
            .take_while(|part| **part != SYSCALL)
            .map(|part| part.len())
            .sum();
        Text {
            bytes: parts.concat(),
            site: BASE + before as u64,
        }
    }

    pub(crate) fn code(&self) -> Code<'_> {
        Code {
            bytes: &self.bytes,
            base: BASE,
        }
    }

    pub(crate) fn end(&self) -> u64 {
        BASE + self.bytes.len() as u64
    }

    /// All of it is one function.
    pub(crate) fn prove(&self, rax: u64) -> Result<Form, Refusal> {
        prove(&self.code(), self.site, rax, Some(Function::alone(BASE, self.end())))
    }

    /// The first `length` bytes are a function, the rest is a gap.
    pub(crate) fn prove_with_gap(&self, length: usize, rax: u64) -> Result<Form, Refusal> {
        self.prove_with_gap_among(length, rax, &FAR)
    }

    /// The same, with trampolines somewhere else.
    pub(crate) fn prove_with_gap_among(&self, length: usize, rax: u64, ours: &Ours) -> Result<Form, Refusal> {
        let function = Function {
            next: self.end(),
            ..Function::alone(BASE, BASE + length as u64)
        };
        prove_among(&Place::new(&self.code(), self.site, rax, ours), |address| {
            function.contains(address).then_some(function)
        })
    }

    /// All of it is one function without exception handlers.
    pub(crate) fn prove_without_handlers(&self, rax: u64) -> Result<Form, Refusal> {
        self.prove_without_handlers_among(rax, &FAR)
    }

    /// The same, with trampolines somewhere else.
    pub(crate) fn prove_without_handlers_among(&self, rax: u64, ours: &Ours) -> Result<Form, Refusal> {
        let function = Function {
            handlers: false,
            ..Function::alone(BASE, self.end())
        };
        prove_among(&Place::new(&self.code(), self.site, rax, ours), |_| Some(function))
    }

    /// Nothing is known but the bytes.
    pub(crate) fn prove_in_the_open(&self, rax: u64) -> Result<Form, Refusal> {
        prove(&self.code(), self.site, rax, None)
    }

    /// All of it is one function, and there are tables for spans.
    pub(crate) fn prove_for_spans(&self, rax: u64) -> Result<Form, Refusal> {
        let function = Function::alone(BASE, self.end());
        prove_among(&Place::new(&self.code(), self.site, rax, &FAR), |_| Some(function))
    }

    /// The bytes after the plan.
    pub(crate) fn after(&self, plan: &Plan) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for write in plan.writes() {
            let at = (write.at - BASE) as usize;
            bytes[at..at + write.len].copy_from_slice(write.bytes());
        }
        bytes
    }

    pub(crate) fn original(&self) -> [u8; 7] {
        self.code().array(self.site - 5).unwrap()
    }

    /// Rewrites and restores, and gives the bytes in between.
    pub(crate) fn rewritten(&self, form: &Form, address: u32) -> Vec<u8> {
        let slot = slot(address);
        let there = plan(form, self.site, slot, &self.original()).expect("a slot for this form");
        let patched = self.after(&there);
        let back = unplan(form, self.site, slot, &self.original()).expect("a way back");
        let text = Text {
            bytes: patched.clone(),
            site: self.site,
        };
        let mut restored = text.after(&back);
        if let Form::Short { pad } = form {
            // The padding keeps the jump: see `unplan`.
            let at = (pad.at - BASE) as usize;
            restored[at..at + pad.len].copy_from_slice(&self.bytes[at..at + pad.len]);
        }
        assert_eq!(restored, self.bytes, "the way back restores every byte");
        patched
    }
}

/// More code before a site than the vote looks at.
pub(crate) fn plain_code() -> Vec<u8> {
    [OPENING, &[0x8b, 0x45, 0xf8], &[0x48, 0x83, 0xec, 0x20], &[0x31, 0xff]]
        .concat()
        .repeat(12)
}
