//! The set of call numbers that a hook wants to see.

/// A set of system call numbers, 0..[`Interest::NUMBERS`].
///
/// Greater numbers are no calls of any kernel; they go to it, which answers
/// ENOSYS, and are never shown to a hook.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interest {
    bits: [u64; Self::NUMBERS / 64],
}

impl Interest {
    /// One more than the greatest number that a set can hold.
    pub const NUMBERS: usize = 1024;

    /// No number.
    pub const fn none() -> Interest {
        Interest {
            bits: [0; Self::NUMBERS / 64],
        }
    }

    /// Every number.
    pub const fn all() -> Interest {
        Interest {
            bits: [u64::MAX; Self::NUMBERS / 64],
        }
    }

    /// The set with `number` in it too; a number out of range changes nothing.
    pub const fn with(mut self, number: usize) -> Interest {
        if number < Self::NUMBERS {
            self.bits[number / 64] |= 1 << (number % 64);
        }
        self
    }

    /// What is in either set.
    #[must_use]
    pub fn union(mut self, other: &Interest) -> Interest {
        for (bits, others) in self.bits.iter_mut().zip(other.bits) {
            *bits |= others;
        }
        self
    }

    /// Whether `number` is in the set.
    pub const fn contains(&self, number: usize) -> bool {
        number < Self::NUMBERS && self.bits[number / 64] >> (number % 64) & 1 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::Interest;

    #[test]
    fn holds_what_was_put_in_and_nothing_out_of_range() {
        let set = Interest::none().with(0).with(1023).with(1024).with(usize::MAX);
        let members = (0..3000).filter(|&n| set.contains(n));
        assert!(members.eq([0, 1023]));
        assert!(Interest::all().contains(600) && !Interest::all().contains(1024));
    }
}
