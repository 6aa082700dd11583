//! Handlers of binary formats that the administrator registered with
//! `binfmt_misc`, as `/proc/sys/fs/binfmt_misc/NAME` shows them.
//!
//! The kernel asks them before its own formats, the last one registered first,
//! and only if `/proc/sys/fs/binfmt_misc/status` says `enabled`.

use super::script::HEAD_SIZE;

/// One registered handler, over the text that describes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Handler<'a> {
    /// The handler is switched on.
    pub enabled: bool,
    /// The path of the program that is run instead, and its argument 0.
    pub interpreter: &'a [u8],
    /// How it is run.
    pub flags: Flags,
    /// Which files it takes.
    pub rule: Rule<'a>,
}

/// How an interpreter is run. Letters that are not known are passed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags {
    /// `P`: argument 0 of the program stays, behind the path of the program;
    /// `AT_FLAGS` then has bit 0 set.
    pub preserve_argv0: bool,
    /// `O`: the interpreter gets the program as a descriptor (`AT_EXECFD`).
    pub open_binary: bool,
    /// `C`: the credentials are those that the program's file asks for.
    pub credentials: bool,
    /// `F`: the interpreter was opened when it was registered; its path may
    /// lead elsewhere now, or nowhere.
    pub fix_binary: bool,
}

/// Which files a handler takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule<'a> {
    /// By bytes in the file.
    Magic {
        /// Where they are.
        offset: usize,
        /// What they are.
        magic: Hex<'a>,
        /// Which of their bits count, all without it.
        mask: Option<Hex<'a>>,
    },
    /// By what stands behind the last dot of the path.
    Extension(&'a [u8]),
}

impl<'a> Handler<'a> {
    /// Reads the text of one handler. None if it is none: the files `register`
    /// and `status`, or a text that is cut off.
    pub fn parse(text: &'a [u8]) -> Option<Handler<'a>> {
        let mut lines = Lines(text);
        let enabled = status(lines.next()?)?;
        let interpreter = lines.next()?.strip_prefix(b"interpreter ")?;
        if interpreter.is_empty() {
            return None;
        }
        let mut flags = Flags::default();
        for letter in lines.next()?.strip_prefix(b"flags: ")? {
            match letter {
                b'P' => flags.preserve_argv0 = true,
                b'O' => flags.open_binary = true,
                b'C' => flags.credentials = true,
                b'F' => flags.fix_binary = true,
                _ => {}
            }
        }
        let rule = parse_rule(&mut lines)?;
        Some(Handler {
            enabled,
            interpreter,
            flags,
            rule,
        })
    }

    /// Whether the handler takes a file: `head` are its first bytes, with
    /// zeroes behind its end, and `path` is what it is executed by (of a
    /// script's interpreter, the path in the script).
    pub fn matches(&self, head: &[u8; HEAD_SIZE], path: &[u8]) -> bool {
        self.enabled
            && match self.rule {
                Rule::Magic { offset, magic, mask } => head
                    .get(offset..)
                    .is_some_and(|bytes| magic.equals(bytes, mask.map(Hex::bytes))),
                Rule::Extension(extension) => path
                    .iter()
                    .rposition(|byte| *byte == b'.')
                    .and_then(|dot| path.get(dot.saturating_add(1)..))
                    .is_some_and(|behind| behind == extension),
            }
    }
}

/// Reads the first line of a handler or of the file `status`: whether it is
/// switched on.
pub fn status(text: &[u8]) -> Option<bool> {
    match text.strip_suffix(b"\n").unwrap_or(text) {
        b"enabled" => Some(true),
        b"disabled" => Some(false),
        _ => None,
    }
}

fn parse_rule<'a>(lines: &mut Lines<'a>) -> Option<Rule<'a>> {
    let line = lines.next()?;
    if let Some(extension) = line.strip_prefix(b"extension .") {
        let named = !extension.is_empty() && !extension.contains(&b'/');
        return named.then_some(Rule::Extension(extension));
    }
    let offset = decimal(line.strip_prefix(b"offset ")?)?;
    let magic = Hex::new(lines.next()?.strip_prefix(b"magic ")?)?;
    let mask = match lines.next() {
        Some(line) => Some(Hex::new(line.strip_prefix(b"mask ")?)?),
        None => None,
    };
    let same_length = mask.is_none_or(|mask| mask.len() == magic.len());
    let inside = offset.checked_add(magic.len())? <= HEAD_SIZE;
    (same_length && inside).then_some(Rule::Magic { offset, magic, mask })
}

fn decimal(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0usize, |value, digit| {
        let digit = char::from(*digit).to_digit(10)?;
        value.checked_mul(10)?.checked_add(usize::try_from(digit).ok()?)
    })
}

/// Bytes that are written as pairs of hexadecimal digits, one byte or more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hex<'a>(&'a [[u8; 2]]);

impl<'a> Hex<'a> {
    fn new(digits: &'a [u8]) -> Option<Hex<'a>> {
        let (pairs, odd) = digits.as_chunks();
        let valid = odd.is_empty() && !pairs.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
        valid.then_some(Hex(pairs))
    }

    fn len(self) -> usize {
        self.0.len()
    }

    /// The bytes.
    pub fn bytes(self) -> impl Iterator<Item = u8> + 'a {
        self.0.iter().map(|pair| {
            pair.iter().fold(0u8, |byte, digit| {
                let digit = char::from(*digit).to_digit(16).unwrap_or(0) as u8;
                byte << 4 | digit
            })
        })
    }

    /// Whether `bytes` begin with these bytes, as far as `mask` tells.
    fn equals(self, bytes: &[u8], mut mask: Option<impl Iterator<Item = u8>>) -> bool {
        self.len() <= bytes.len()
            && self.bytes().zip(bytes).all(|(magic, byte)| {
                let mask = mask.as_mut().map_or(0xff, |mask| mask.next().unwrap_or(0xff));
                (magic ^ byte) & mask == 0
            })
    }
}

/// What is left of a text, line by line; the last line ends as well.
struct Lines<'a>(&'a [u8]);

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|byte| *byte == b'\n')?;
        let (line, rest) = self.0.split_at_checked(end)?;
        self.0 = rest.get(1..)?;
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::{Flags, Handler, Rule, status};
    use crate::exec::script::HEAD_SIZE;

    const AARCH64: &[u8] = b"enabled\ninterpreter /usr/bin/qemu-aarch64-static\nflags: OCF\noffset 0\n\
        magic 7f454c460201010000000000000000000200b700\nmask ffffffffffffff00fffffffffffffffffeffffff\n";

    fn head(text: &[u8]) -> [u8; HEAD_SIZE] {
        let mut head = [0; HEAD_SIZE];
        head[..text.len()].copy_from_slice(text);
        head
    }

    /// A switched-on handler with this rule.
    #[track_caller]
    fn takes(rule: &str, head: &[u8; HEAD_SIZE], path: &str) -> bool {
        let text = format!("enabled\ninterpreter /i\nflags: \n{rule}\n");
        let handler = Handler::parse(text.as_bytes()).expect(rule);
        handler.matches(head, path.as_bytes())
    }

    #[test]
    fn a_handler_by_magic_is_read_field_by_field() {
        let handler = Handler::parse(AARCH64).unwrap();
        assert!(handler.enabled);
        assert_eq!(handler.interpreter, b"/usr/bin/qemu-aarch64-static");
        let flags = Flags {
            preserve_argv0: false,
            open_binary: true,
            credentials: true,
            fix_binary: true,
        };
        assert_eq!(handler.flags, flags);
        let Rule::Magic { offset: 0, magic, mask } = handler.rule else {
            panic!("{handler:?}");
        };
        assert!(magic.bytes().eq(*b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xb7\0"));
        assert_eq!(mask.unwrap().bytes().nth(7), Some(0));
    }

    #[test]
    fn a_handler_by_extension_is_read_field_by_field() {
        let handler = Handler::parse(b"disabled\ninterpreter /opt/a b/run\nflags: P\nextension .exe\n").unwrap();
        assert!(!handler.enabled && handler.flags.preserve_argv0 && !handler.flags.open_binary);
        assert_eq!(handler.interpreter, b"/opt/a b/run");
        assert_eq!(handler.rule, Rule::Extension(b"exe"));
    }

    #[test]
    fn a_magic_matches_under_its_mask() {
        let handler = Handler::parse(AARCH64).unwrap();
        let mut elf = head(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xb7\0");
        assert!(handler.matches(&elf, b"/x"));
        elf[7] = 9; // A byte that the mask leaves out.
        elf[16] = 3; // A bit that it leaves out.
        assert!(handler.matches(&elf, b"/x"));
        elf[16] = 1;
        assert!(!handler.matches(&elf, b"/x"));
        elf[16] = 2;
        elf[18] = 62;
        assert!(!handler.matches(&elf, b"/x"));
    }

    #[test]
    fn a_magic_matches_at_its_offset_only() {
        assert!(takes("offset 2\nmagic 6162", &head(b"--ab"), "/x"));
        assert!(!takes("offset 2\nmagic 6162", &head(b"ab--"), "/x"));
        assert!(!takes("offset 2\nmagic 6162", &head(b"--a"), "/x"));
        assert!(takes("offset 2\nmagic 00", &head(b"ab"), "/x"));
        let mut end = head(b"");
        end[254..].copy_from_slice(b"ab");
        assert!(takes("offset 254\nmagic 6162", &end, "/x"));
        assert!(!takes("offset 254\nmagic 6F62\nmask 0fFF", &end, "/x"));
        assert!(takes("offset 254\nmagic 6F62\nmask f0FF", &end, "/x"));
        assert!(takes("offset 0\nmagic 4F\nmask f0", &head(b"A"), "/x"));
    }

    #[test]
    fn a_magic_does_not_match_behind_the_head() {
        let text = b"enabled\ninterpreter /i\nflags: \noffset 254\nmagic 0000\n";
        let mut handler = Handler::parse(text).unwrap();
        assert!(handler.matches(&head(b""), b"/x"));
        for place in [255, 256, 257, usize::MAX] {
            if let Rule::Magic { offset, .. } = &mut handler.rule {
                *offset = place;
            }
            assert!(!handler.matches(&head(b""), b"/x"), "{place}");
        }
    }

    #[test]
    fn an_extension_is_what_follows_the_last_dot_of_the_path() {
        for (path, taken) in [
            ("/a/b.jar", true),
            ("b.c.jar", true),
            (".jar", true),
            ("/a/b.jar.c", false),
            ("/a.jar/b", false),
            ("/a/jar", false),
            ("/a/b.JAR", false),
            ("/a/b.jar ", false),
            ("/a/b.", false),
            ("", false),
        ] {
            assert_eq!(takes("extension .jar", &head(b""), path), taken, "{path}");
        }
        // As in the kernel, which compares no more than that.
        assert!(!takes("extension .tar.gz", &head(b""), "/a.tar.gz"));
    }

    #[test]
    fn a_handler_that_is_switched_off_takes_nothing() {
        let text = [b"disabled", &AARCH64[7..]].concat();
        let elf = head(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xb7\0");
        assert!(!Handler::parse(&text).unwrap().matches(&elf, b"/x"));
    }

    #[test]
    fn flags_are_letters_in_any_order_and_new_ones_are_passed_over() {
        let flags = |letters: &str| {
            let text = format!("enabled\ninterpreter /i\nflags: {letters}\nextension .x\n");
            Handler::parse(text.as_bytes()).unwrap().flags
        };
        assert_eq!(flags(""), Flags::default());
        assert!(flags("P").preserve_argv0 && flags("O").open_binary);
        assert!(flags("C").credentials && flags("F").fix_binary);
        assert_eq!(flags("POCF"), flags("FXCOP"));
    }

    #[test]
    fn what_is_no_handler_is_not_read() {
        for text in [
            "",
            "enabled\n",
            "enabled\ninterpreter /i\n",
            "enabled\ninterpreter /i\nflags: \n",
            "enabled\ninterpreter \nflags: \nextension .x\n",
            "Enabled\ninterpreter /i\nflags: \nextension .x\n",
            "enabled\ninterpreter /i\nflags: \nextension x\n",
            "enabled\ninterpreter /i\nflags: \nextension .\n",
            "enabled\ninterpreter /i\nflags: \nextension .a/b\n",
            "enabled\ninterpreter /i\nflags: \nextension .x",
            "enabled\ninterpreter /i\nflags: \noffset 0\n",
            "enabled\ninterpreter /i\nflags: \noffset \nmagic 61\n",
            "enabled\ninterpreter /i\nflags: \noffset -1\nmagic 61\n",
            "enabled\ninterpreter /i\nflags: \noffset 0\nmagic \n",
            "enabled\ninterpreter /i\nflags: \noffset 0\nmagic 616\n",
            "enabled\ninterpreter /i\nflags: \noffset 0\nmagic 6g\n",
            "enabled\ninterpreter /i\nflags: \noffset 0\nmagic 61",
            "enabled\ninterpreter /i\nflags: \noffset 0\nmagic 61\nmask ffff\n",
            "enabled\ninterpreter /i\nflags: \noffset 0\nmagic 61\nmusk ff\n",
            "enabled\ninterpreter /i\nflags: \noffset 256\nmagic 61\n",
            "enabled\ninterpreter /i\nflags: \noffset 18446744073709551615\nmagic 61\n",
            "enabled\ninterpreter /i\nflags: \noffset 18446744073709551616\nmagic 61\n",
        ] {
            assert_eq!(Handler::parse(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn the_status_is_one_word() {
        assert_eq!((status(b"enabled\n"), status(b"disabled\n")), (Some(true), Some(false)));
        assert_eq!(
            (status(b"enabled"), status(b""), status(b"no\n")),
            (Some(true), None, None)
        );
    }

    #[test]
    fn no_bytes_break_the_parser() {
        let mut numbers = crate::fuzz::numbers();
        let mut next = || (numbers() >> 11) as usize;
        let (mut handlers, mut rejected) = (0, 0);
        for _ in 0..100_000 {
            let seeds = [AARCH64, b"enabled\ninterpreter /i\nflags: P\nextension .exe\n"];
            let mut text = seeds[next() % 2].to_vec();
            for _ in 0..next() % 3 {
                let at = next() % text.len();
                text[at] = next() as u8;
            }
            text.truncate(text.len().saturating_sub((next() % 64).saturating_sub(56)));
            let mut bytes = [0; HEAD_SIZE];
            bytes.fill_with(|| next() as u8);
            let Some(handler) = Handler::parse(&text) else {
                rejected += 1;
                continue;
            };
            handlers += 1;
            assert!(!handler.interpreter.is_empty());
            if let Rule::Magic { offset, magic, mask } = handler.rule {
                assert!(offset + magic.len() <= HEAD_SIZE);
                for (index, byte) in magic.bytes().enumerate() {
                    bytes[offset + index] = byte ^ !mask.map_or(0xff, |mask| mask.bytes().nth(index).unwrap());
                }
                assert_eq!(handler.matches(&bytes, b"/x"), handler.enabled);
            } else {
                assert!(!handler.matches(&bytes, b"/no-dot"));
            }
        }
        assert!(handlers > 1000 && rejected > 1000, "{handlers} {rejected}");
    }
}
