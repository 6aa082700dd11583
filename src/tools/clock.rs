//! The time stamp counter, as a clock for intervals.
#![allow(unsafe_code, reason = "rdtsc is an intrinsic")]

/// The counter's value. The instruction is not ordered with those around it:
/// some tens of cycles of a call's ends may fall to either side.
#[inline(always)]
pub(super) fn ticks() -> u64 {
    // SAFETY: rdtsc is in every x86-64 CPU, and reads and writes no memory. It
    // faults only in a thread that asked for that (PR_SET_TSC).
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(test)]
mod tests {
    use super::ticks;

    #[test]
    fn goes_on() {
        let before = ticks();
        std::thread::sleep(std::time::Duration::from_millis(1));
        assert!(ticks() > before);
    }
}
