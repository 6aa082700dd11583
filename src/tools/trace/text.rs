//! Text that is written straight into a thread's ring, word by word.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A text that is being written. What is too much is cut off.
pub(super) struct Text<'r> {
    ring: &'r [AtomicU64],
    /// Where it begins, where it goes on, and where there is no more room: in
    /// bytes from the ring's first word, before they are wrapped.
    start: usize,
    at: usize,
    end: usize,
    /// The bytes of the word that is not complete.
    word: u64,
}

impl<'r> Text<'r> {
    /// A text that begins at word `at` of a ring, whose length is a power of
    /// two, and has at most `most` bytes.
    pub(super) fn new(ring: &'r [AtomicU64], at: usize, most: usize) -> Text<'r> {
        let start = at * 8;
        Text {
            ring,
            start,
            at: start,
            end: start + most,
            word: 0,
        }
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.at - self.start
    }

    fn store(&self) {
        let place = (self.at / 8) & self.ring.len().wrapping_sub(1);
        if let Some(place) = self.ring.get(place) {
            place.store(self.word, Relaxed);
        }
    }

    /// Stores what is left; the length in bytes.
    pub(super) fn finish(self) -> usize {
        if !self.at.is_multiple_of(8) {
            self.store();
        }
        self.len()
    }

    #[inline]
    pub(super) fn byte(&mut self, byte: u8) {
        if self.at == self.end {
            return;
        }
        self.word |= u64::from(byte) << (self.at % 8 * 8);
        if self.at % 8 == 7 {
            self.store();
            self.word = 0;
        }
        self.at += 1;
    }

    /// `len` bytes of a word, 1 to 8, the others of which are 0.
    fn append(&mut self, bytes: u64, len: usize) {
        if self.end - self.at < len {
            return self.append_cut(bytes, len);
        }
        let used = self.at % 8;
        self.word |= bytes << (used * 8);
        if used + len >= 8 {
            self.store();
            // What did not fit; a shift by 64 is one by 63 and another.
            self.word = bytes >> (63 - used * 8) >> 1;
        }
        self.at += len;
    }

    /// The same where there is not enough room.
    #[cold]
    fn append_cut(&mut self, bytes: u64, len: usize) {
        let mut rest = bytes;
        for _ in 0..len {
            self.byte(rest as u8);
            rest >>= 8;
        }
    }

    /// Bytes as they are.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.append(u64::from_le_bytes(*word), 8);
        }
        if !rest.is_empty() {
            self.append(word_of(rest), rest.len());
        }
    }

    #[inline]
    pub(super) fn str(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Takes the last byte back.
    pub(super) fn take_back(&mut self) {
        self.at -= 1;
        let place = (self.at / 8) & self.ring.len().wrapping_sub(1);
        if self.at % 8 == 7 {
            self.word = self.ring.get(place).map_or(0, |word| word.load(Relaxed));
        }
        self.word &= (1 << (self.at % 8 * 8)) - 1;
    }

    /// In base 10.
    pub(super) fn dec(&mut self, value: u64) {
        const MOST: u64 = 100_000_000;
        if value >= MOST {
            self.dec(value / MOST);
            return self.digits(value % MOST, 8);
        }
        self.digits(value, 1);
    }

    /// At least `least` digits of a number of at most eight.
    fn digits(&mut self, mut value: u64, least: usize) {
        let (mut word, mut len) = (0, 0);
        while value != 0 || len < least {
            word = word << 8 | (u64::from(b'0') + value % 10);
            value /= 10;
            len += 1;
        }
        self.append(word, len);
    }

    /// In base 10, with its sign.
    pub(super) fn int(&mut self, value: i64) {
        if value < 0 {
            self.byte(b'-');
        }
        self.dec(value.unsigned_abs());
    }

    #[inline]
    fn shifted<const BITS: u32>(&mut self, value: u64) {
        let mut digits = (64 - value.leading_zeros()).div_ceil(BITS).max(1);
        while digits != 0 {
            // As many of the first ones as make a word.
            let len = if digits.is_multiple_of(8) { 8 } else { digits % 8 };
            digits -= len;
            let word = (0..len).fold(0, |word, place| {
                let digit = (value >> ((digits + place) * BITS)) as usize & ((1 << BITS) - 1);
                word << 8 | u64::from(b"0123456789abcdef"[digit & 15])
            });
            self.append(word, len as usize);
        }
    }

    /// As `%#lx`: 0 has no prefix.
    pub(super) fn hex(&mut self, value: u64) {
        if value != 0 {
            self.str("0x");
        }
        self.shifted::<4>(value);
    }

    /// As `%lx`.
    pub(super) fn bare_hex(&mut self, value: u64) {
        self.shifted::<4>(value);
    }

    /// As `%#03lo`: three digits at least, the first one a zero.
    pub(super) fn mode(&mut self, value: u64) {
        if value < 0o100 {
            self.byte(b'0');
        }
        if value < 0o10 {
            self.byte(b'0');
        }
        if value >= 0o100 {
            self.byte(b'0');
        }
        self.shifted::<3>(value);
    }

    /// An address: `NULL`, or as hexadecimal.
    pub(super) fn pointer(&mut self, address: u64) {
        if address == 0 {
            self.str("NULL");
        } else {
            self.hex(address);
        }
    }

    /// Decimal with leading zeros up to `width`.
    pub(super) fn padded(&mut self, value: u64, width: u32) {
        let mut bound = 10;
        for _ in 1..width {
            if value < bound {
                let missing = width - value.checked_ilog10().map_or(1, |digits| digits + 1);
                (0..missing).for_each(|_| self.byte(b'0'));
                break;
            }
            bound *= 10;
        }
        self.dec(value);
    }

    /// Bytes of a string, escaped as in C: octal, as short as may be.
    /// `next` is the byte behind them, if there is one.
    pub(super) fn escaped(&mut self, bytes: &[u8], next: Option<u8>) {
        let mut rest = bytes;
        loop {
            let words = rest
                .as_chunks::<8>()
                .0
                .iter()
                .take_while(|word| are_plain(**word))
                .count();
            let (_, last) = rest.split_at(words * 8);
            let plain = words * 8 + last.iter().take_while(|&&byte| is_plain(byte)).count();
            let (before, behind) = rest.split_at(plain);
            self.bytes(before);
            let Some((&byte, behind)) = behind.split_first() else {
                return;
            };
            rest = behind;
            let next = behind.first().copied().or(next);
            match byte {
                b'"' | b'\\' => {
                    self.byte(b'\\');
                    self.byte(byte);
                }
                b'\n' => self.str("\\n"),
                b'\t' => self.str("\\t"),
                b'\r' => self.str("\\r"),
                0x0b => self.str("\\v"),
                0x0c => self.str("\\f"),
                _ => {
                    self.byte(b'\\');
                    if next.is_some_and(|next| matches!(next, b'0'..=b'7')) {
                        self.byte(b'0' + (byte >> 6));
                        self.byte(b'0' + (byte >> 3 & 7));
                        self.byte(b'0' + (byte & 7));
                    } else {
                        self.shifted::<3>(byte.into());
                    }
                }
            }
        }
    }

    /// Bytes of a string, each as `\xhh`.
    pub(super) fn escaped_hex(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.str("\\x");
            for digit in [byte >> 4, byte & 15] {
                self.byte(b"0123456789abcdef"[usize::from(digit & 15)]);
            }
        }
    }
}

/// Fewer than eight bytes as a word.
fn word_of(bytes: &[u8]) -> u64 {
    match (bytes.first_chunk(), bytes.last_chunk(), bytes) {
        // Which have some in common.
        (Some(first), Some(last), _) => {
            let behind = (bytes.len() - 4) * 8;
            u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << behind
        }
        (_, _, &[a, b, c]) => u64::from(u32::from_le_bytes([a, b, c, 0])),
        (_, _, &[a, b]) => u16::from_le_bytes([a, b]).into(),
        (_, _, &[a]) => a.into(),
        _ => 0,
    }
}

/// Whether eight bytes of a string stand for themselves. It may say no where they do.
fn are_plain(bytes: [u8; 8]) -> bool {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let word = u64::from_le_bytes(bytes);
    // Where a byte is below the other, or is the other, its highest bit; or above one that is.
    let below = |other: u8| word.wrapping_sub(ONES * u64::from(other));
    let is = |other: u8| (word ^ (ONES * u64::from(other))).wrapping_sub(ONES);
    let del = word.wrapping_add(ONES);
    (below(b' ') | is(b'"') | is(b'\\') | del | word) & HIGH == 0
}

/// Whether a byte of a string stands for itself.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What `write` writes, at every place of a small ring.
    pub(in crate::tools::trace) fn written(write: impl Fn(&mut Text<'_>)) -> String {
        const WORDS: usize = 2048;
        let ring: Vec<AtomicU64> = (0..WORDS).map(|_| AtomicU64::new(0)).collect();
        let mut texts = [3, WORDS - 1].map(|start| {
            let mut text = Text::new(&ring, start, 8000);
            write(&mut text);
            let len = text.finish();
            let bytes = (0..len).map(|at| {
                let word = ring[(start + at / 8) % WORDS].load(Relaxed);
                (word >> (at % 8 * 8)) as u8
            });
            String::from_utf8(bytes.collect()).unwrap()
        });
        assert_eq!(texts[0], texts[1]);
        core::mem::take(&mut texts[0])
    }

    #[test]
    fn numbers_have_their_digits() {
        let text = written(|text| {
            for value in [0, 9, 10, u64::MAX] {
                text.dec(value);
                text.byte(b' ');
                text.hex(value);
                text.byte(b' ');
            }
            text.int(-1);
            text.byte(b' ');
            text.int(i64::MIN);
        });
        assert_eq!(
            text,
            "0 0 9 0x9 10 0xa 18446744073709551615 0xffffffffffffffff -1 -9223372036854775808"
        );
    }

    #[test]
    fn pieces_of_every_length_follow_each_other() {
        let letters = "abcdefghijklmnopqrstuvwxyz";
        for first in 0..20 {
            for second in 0..20 {
                let text = written(|text| {
                    text.str(&letters[..first]);
                    text.byte(b'-');
                    text.str(&letters[..second]);
                    text.hex(0x1234_5678_9abc << (second % 4 * 4));
                });
                let number = 0x1234_5678_9abc_u64 << (second % 4 * 4);
                assert_eq!(text, format!("{}-{}{number:#x}", &letters[..first], &letters[..second]));
            }
        }
        for value in (0..20).map(|power| 10_u64.pow(power)) {
            let text = written(|text| {
                text.dec(value - 1);
                text.byte(b' ');
                text.dec(value);
            });
            assert_eq!(text, format!("{} {value}", value - 1));
        }
    }

    #[test]
    fn eight_bytes_are_plain_if_each_is() {
        for byte in 0..=u8::MAX {
            for place in 0..8 {
                let mut bytes = *b"a ~!z#[]";
                bytes[place] = byte;
                assert_eq!(are_plain(bytes), is_plain(byte), "{byte:#x} at {place}");
            }
        }
    }

    #[test]
    fn modes_have_three_digits_and_a_zero() {
        let text = written(|text| {
            for value in [0, 7, 0o22, 0o644, 0o1777, 0o100_644] {
                text.mode(value);
                text.byte(b' ');
            }
        });
        assert_eq!(text, "000 007 022 0644 01777 0100644 ");
    }

    #[test]
    fn fractions_are_padded() {
        let text = written(|text| {
            for value in [0, 5, 42, 123_456, 999_999, 1_234_567] {
                text.padded(value, 6);
                text.byte(b' ');
            }
        });
        assert_eq!(text, "000000 000005 000042 123456 999999 1234567 ");
    }

    #[test]
    fn strings_are_escaped_as_in_c() {
        let text = written(|text| text.escaped(b"a\"\\\n\t\r\x0b\x0c\0\x01\x018\x019\x7f\xff\0", None));
        assert_eq!(text, r#"a\"\\\n\t\r\v\f\0\1\18\19\177\377\0"#);
        assert_eq!(written(|text| text.escaped(b"\x017", None)), r"\0017");
        assert_eq!(written(|text| text.escaped(b"\0", Some(b'7'))), r"\000");
        assert_eq!(written(|text| text.escaped_hex(b"\0\xaf")), r"\x00\xaf");
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let ring: Vec<AtomicU64> = (0..4).map(|_| AtomicU64::new(0)).collect();
        let mut text = Text::new(&ring, 1, 10);
        text.str("0123456789abcdef");
        assert_eq!(text.finish(), 10);
        assert_eq!(ring[0].load(Relaxed), 0);
        assert_eq!(ring[1].load(Relaxed).to_le_bytes(), *b"01234567");
        assert_eq!(ring[2].load(Relaxed).to_le_bytes(), *b"89\0\0\0\0\0\0");
    }
}
