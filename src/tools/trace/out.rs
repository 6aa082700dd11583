//! What the follower has to write, gathered.

use core::fmt::{self, Write};

/// Takes bytes.
pub(super) type Sink<'s> = &'s dyn Fn(&[u8]);

/// Bytes that are gathered.
pub(super) const BUFFER: usize = 128 * 1024;

/// A buffer of text. There is always room for a record's part of it
/// ([`Out::make_room`]); what is longer is cut.
pub(super) struct Out {
    buffer: [u8; BUFFER],
    len: usize,
    /// Bytes since [`Out::start_column`].
    pub(super) column: usize,
}

impl Out {
    pub(super) const fn new() -> Out {
        Out {
            buffer: [0; BUFFER],
            len: 0,
            column: 0,
        }
    }

    pub(super) fn flush(&mut self, sink: Sink<'_>) {
        if self.len != 0 {
            sink(self.buffer.get(..self.len).unwrap_or(&[]));
            self.len = 0;
        }
    }

    /// Makes room for so many bytes.
    pub(super) fn make_room(&mut self, bytes: usize, sink: Sink<'_>) {
        if self.len + bytes > BUFFER {
            self.flush(sink);
        }
    }

    /// What is free, to be written to; then [`Out::advance`].
    pub(super) fn free(&mut self) -> &mut [u8] {
        self.buffer.get_mut(self.len..).unwrap_or(&mut [])
    }

    pub(super) fn advance(&mut self, bytes: usize) {
        self.len = (self.len + bytes).min(BUFFER);
    }

    #[inline]
    pub(super) fn byte(&mut self, byte: u8) {
        if let Some(place) = self.buffer.get_mut(self.len) {
            *place = byte;
            self.len += 1;
            self.column += 1;
        }
    }

    pub(super) fn str(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        if let Some(place) = self.buffer.get_mut(self.len..end) {
            place.copy_from_slice(bytes);
            self.len = end;
            self.column += bytes.len();
        }
    }

    pub(super) fn fmt(&mut self, text: fmt::Arguments<'_>) {
        let _ = self.write_fmt(text);
    }

    pub(super) fn dec(&mut self, mut value: u64, width: u32, fill: u8) {
        let mut digits = [0; 20];
        let mut first = digits.len();
        for (index, digit) in digits.iter_mut().enumerate().rev() {
            *digit = b'0' + (value % 10) as u8;
            value /= 10;
            first = index;
            if value == 0 {
                break;
            }
        }
        let digits = digits.get(first..).unwrap_or(&[]);
        (digits.len()..width as usize).for_each(|_| self.byte(fill));
        self.bytes(digits);
    }

    /// So many spaces.
    pub(super) fn spaces(&mut self, mut count: usize) {
        const SPACES: &[u8] = &[b' '; 32];
        while let Some(now) = SPACES.get(..count.min(SPACES.len())).filter(|now| !now.is_empty()) {
            self.bytes(now);
            count -= now.len();
        }
    }

    /// A number with spaces behind it, up to a width.
    pub(super) fn dec_left(&mut self, value: u64, width: usize) {
        let before = self.len;
        self.dec(value, 1, b' ');
        self.spaces(width.saturating_sub(self.len - before));
    }

    pub(super) fn shifted(&mut self, value: u64, bits: u32) {
        let digits = (64 - value.leading_zeros()).div_ceil(bits).max(1);
        for digit in (0..digits).rev() {
            let digit = (value >> (digit * bits)) & ((1 << bits) - 1);
            self.byte(b"0123456789abcdef"[digit as usize & 15]);
        }
    }
}

impl Write for Out {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.str(text);
        Ok(())
    }
}
