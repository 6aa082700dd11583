//! Settings that are numbers.

/// The address that `text` spells, decimal or hexadecimal with `0x`, if a table
/// may lie there: 0x050f0000, whose upper half is `syscall` itself, or
/// 0xNN060000 with NN up to 0x7f, where byte 5 of a site becomes an invalid
/// opcode. All of these are multiples of 64 KiB, above the lowest address that
/// a process may map (`vm.mmap_min_addr`, 0x10000), and below 2 GiB.
pub(super) fn table_address(text: &[u8]) -> Option<u64> {
    let text = core::str::from_utf8(text).ok()?;
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    // from_str_radix would take a sign.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let address = u64::from_str_radix(digits, radix).ok()?;
    let fallback = address & !0x7f00_0000 == 0x0006_0000;
    (address == 0x050f_0000 || fallback).then_some(address)
}

/// A number of bytes.
pub(super) fn limit(text: &[u8]) -> Option<u32> {
    let text = core::str::from_utf8(text).ok()?;
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// A number of 64 bits, decimal or hexadecimal with `0x`.
pub(super) fn seed(text: &[u8]) -> Option<u64> {
    let text = core::str::from_utf8(text).ok()?;
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    let plain = digits.starts_with(|first: char| first.is_ascii_hexdigit());
    plain.then(|| u64::from_str_radix(digits, radix).ok())?
}
