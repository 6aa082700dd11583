//! Numbers for tests that try many inputs: the same in each run.

/// Xorshift (Marsaglia, 2003), from a fixed seed.
pub(crate) fn numbers() -> impl FnMut() -> u64 {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}
