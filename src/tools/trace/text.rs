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

    #[inline]
    pub(super) fn str(&mut self, text: &str) {
        for &byte in text.as_bytes() {
            self.byte(byte);
        }
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
    pub(super) fn dec(&mut self, mut value: u64) {
        let mut digits = [0u8; 20];
        let mut first = digits.len();
        for (index, digit) in digits.iter_mut().enumerate().rev() {
            *digit = b'0' + (value % 10) as u8;
            value /= 10;
            first = index;
            if value == 0 {
                break;
            }
        }
        for &digit in digits.get(first..).unwrap_or(&[]) {
            self.byte(digit);
        }
    }

    /// In base 10, with its sign.
    pub(super) fn int(&mut self, value: i64) {
        if value < 0 {
            self.byte(b'-');
        }
        self.dec(value.unsigned_abs());
    }

    fn shifted(&mut self, value: u64, bits: u32) {
        let digits = (64 - value.leading_zeros()).div_ceil(bits).max(1);
        for digit in (0..digits).rev() {
            let digit = (value >> (digit * bits)) as usize & ((1 << bits) - 1);
            self.byte(b"0123456789abcdef"[digit & 15]);
        }
    }

    /// As `%#lx`: 0 has no prefix.
    pub(super) fn hex(&mut self, value: u64) {
        if value != 0 {
            self.str("0x");
        }
        self.shifted(value, 4);
    }

    /// As `%lx`.
    pub(super) fn bare_hex(&mut self, value: u64) {
        self.shifted(value, 4);
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
        self.shifted(value, 8_u32.ilog2());
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
        let followers = bytes.iter().skip(1).copied().map(Some).chain([next]);
        for (&byte, next) in bytes.iter().zip(followers) {
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
                b' '..=b'~' => self.byte(byte),
                _ => {
                    self.byte(b'\\');
                    if next.is_some_and(|next| matches!(next, b'0'..=b'7')) {
                        self.byte(b'0' + (byte >> 6));
                        self.byte(b'0' + (byte >> 3 & 7));
                        self.byte(b'0' + (byte & 7));
                    } else {
                        self.shifted(byte.into(), 3);
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
