//! What the old image tells the loader in the new one: the last string of the
//! environment, which the loader takes away before the program starts.
//!
//! It is text without zeros: a mark, the words as hexadecimal digits, then the
//! path that the program was asked for by.

/// What the loader has to know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message {
    /// Descriptor of the target.
    pub target: i32,
    /// Descriptor of its interpreter (PT_INTERP); −1 if it has none.
    pub interpreter: i32,
    /// Descriptor of the tree file.
    pub tree: i32,
    /// Descriptor of the report; −1 if this process does not report.
    pub report: i32,
    /// The signal mask that the program starts with.
    pub mask: u64,
    /// Reserved signals that are blocked for the application, as a mask.
    pub blocked: u64,
    /// Signals that it ignores.
    pub ignored: u64,
    /// See the `FLAG` constants.
    pub flags: u64,
    /// The name that a kernel from 6.14 on gives a program that was executed by
    /// its descriptor alone, padded with zeros.
    pub name: [u64; 2],
    /// The ledger's block of the thread, plus 1; 0 if it does not go on with it.
    pub block: u64,
    /// The first of the hook's words of the thread.
    pub word: u64,
}

/// The process is not armed yet: the loader does it as for the first of a tree.
pub const ARM: u64 = 1;
/// The thread has a filter of the application's own.
pub const FILTERED: u64 = 4;
/// The program was executed by its descriptor alone: `name` counts.
pub const BY_DESCRIPTOR: u64 = 2;
/// There may be a signalfd for reserved signals among its descriptors.
pub const WATCHED: u64 = 8;
/// The tree has started under a filter.
pub const OUTER: u64 = 16;
/// The thread has our filter beside Syscall User Dispatch.
pub const BACKED: u64 = 32;

const MARK: &[u8] = b"\x7fusertrap=";
const WORDS: usize = 12;
const DIGITS: usize = 16;

/// The length of a message without its path.
pub const LEN: usize = MARK.len() + WORDS * DIGITS;

impl Message {
    /// The text up to the path.
    pub fn encode(&self) -> [u8; LEN] {
        let mut text = [0; LEN];
        let (mark, digits) = text.split_at_mut(MARK.len());
        mark.copy_from_slice(MARK);
        for (place, word) in digits.chunks_exact_mut(DIGITS).zip(self.words()) {
            for (index, digit) in place.iter_mut().rev().enumerate() {
                *digit = b"0123456789abcdef"[(word >> (index * 4)) as usize & 0xf];
            }
        }
        text
    }

    /// Reads a message; the path begins at [`LEN`]. None: it is not one.
    pub fn decode(text: &[u8]) -> Option<Message> {
        let digits = text.get(..LEN)?.strip_prefix(MARK)?;
        let mut words = [0u64; WORDS];
        for (word, place) in words.iter_mut().zip(digits.chunks_exact(DIGITS)) {
            for &digit in place {
                *word = *word << 4 | u64::from((digit as char).to_digit(16)?);
            }
        }
        let [
            target,
            interpreter,
            tree,
            report,
            mask,
            blocked,
            ignored,
            flags,
            first,
            second,
            block,
            word,
        ] = words;
        Some(Message {
            target: target as i32,
            interpreter: interpreter as i32,
            tree: tree as i32,
            report: report as i32,
            mask,
            blocked,
            ignored,
            flags,
            name: [first, second],
            block,
            word,
        })
    }

    fn words(&self) -> [u64; WORDS] {
        [
            self.target as u64,
            self.interpreter as u64,
            self.tree as u64,
            self.report as u64,
            self.mask,
            self.blocked,
            self.ignored,
            self.flags,
            self.name[0],
            self.name[1],
            self.block,
            self.word,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: Message = Message {
        target: 7,
        interpreter: -1,
        tree: 1023,
        report: i32::MAX,
        mask: u64::MAX,
        blocked: 1 << 30,
        ignored: 0,
        flags: ARM,
        name: [0x0123_4567_89ab_cdef, 1],
        block: 3,
        word: 1 << 63,
    };

    #[test]
    fn what_is_encoded_is_decoded() {
        let mut text = MESSAGE.encode().to_vec();
        assert_eq!(Message::decode(&text), Some(MESSAGE));
        assert!(!text.contains(&0));
        text.extend(b"/bin/true");
        assert_eq!(Message::decode(&text), Some(MESSAGE));
    }

    #[test]
    fn other_strings_are_no_messages() {
        let text = MESSAGE.encode();
        for cut in 0..text.len() {
            assert_eq!(Message::decode(&text[..cut]), None);
        }
        let mut wrong = text;
        wrong[LEN - 1] = b'g';
        assert_eq!(Message::decode(&wrong), None);
        wrong = text;
        wrong[0] = b'u';
        assert_eq!(Message::decode(&wrong), None);
    }
}
