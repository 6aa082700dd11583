//! Parts of a thread's vector and floating-point state.

/// A set of parts, each of which takes its own time to keep. xmm0–xmm15 are in none:
/// they are kept around all hooks but those of [`VectorUse::None`](super::VectorUse).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parts(u8);

impl Parts {
    // The bits of XCR0 and XINUSE (SDM volume 1, 13.1), of SSE only mxcsr.

    /// Nothing.
    pub const NONE: Parts = Parts(0);
    /// The x87 unit, and so MMX.
    pub const X87: Parts = Parts(1 << 0);
    /// The control and status register of floating-point arithmetic in vector registers.
    pub const MXCSR: Parts = Parts(1 << 1);
    /// Bits 128 and up of registers 0–15: every VEX instruction that writes one
    /// changes them.
    pub const UPPER: Parts = Parts(1 << 2 | 1 << 6);
    /// Registers 16–31.
    pub const HIGH: Parts = Parts(1 << 7);
    /// The mask registers k0–k7.
    pub const MASKS: Parts = Parts(1 << 5);
    /// All of them.
    pub const ALL: Parts = Parts::X87
        .with(Parts::MXCSR)
        .with(Parts::UPPER)
        .with(Parts::HIGH)
        .with(Parts::MASKS);

    /// What is in either set.
    #[must_use]
    pub const fn with(self, other: Parts) -> Parts {
        Parts(self.0 | other.0)
    }

    /// Whether all of `other` is in the set.
    pub const fn contains(self, other: Parts) -> bool {
        self.0 & other.0 == other.0
    }

    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    pub(crate) const fn of_bits(bits: u8) -> Parts {
        Parts(bits & Parts::ALL.0)
    }
}
