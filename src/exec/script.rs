//! The `#!` line of a script, read as `fs/binfmt_script.c` of Linux 5.0 and
//! later reads it.
//!
//! The kernel does not execute an interpreter whose path may be cut off: the
//! line must end within the buffer, or a blank or NUL must follow the path.
//! The argument may be cut off.

use crate::abi::errno::Errno;

/// How much of a file the kernel looks at (`BINPRM_BUF_SIZE`).
pub const HEAD_SIZE: usize = 256;

/// What a `#!` line asks for: `interpreter [argument] path-of-the-script`,
/// followed by the arguments behind the first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Script<'a> {
    /// The path of the interpreter: to open and, as it is, argument 0. It has
    /// no NUL behind it. The kernel opens an empty path, as of a file that ends
    /// behind `#!`, as the working directory (and so answers `EACCES`), where
    /// `open` would say `ENOENT`; that is `.` here.
    pub interpreter: &'a [u8],
    /// The rest of the line, blanks within it included.
    pub argument: Option<&'a [u8]>,
}

/// Reads the first bytes of a file, behind whose end there are zeroes. None if
/// the file is no script; `ENOEXEC` if the line is none that the kernel takes.
pub fn parse(head: &[u8; HEAD_SIZE]) -> Result<Option<Script<'_>>, Errno> {
    let Some(line) = head.strip_prefix(b"#!") else {
        return Ok(None);
    };
    let newline = line.iter().position(|byte| *byte == b'\n');
    let line = match newline {
        Some(at) => line.get(..at).unwrap_or(line),
        None => {
            let path = trim_start(line);
            if !path.iter().any(ends_path) {
                return Err(Errno::ENOEXEC); // Cut off, or all blank.
            }
            // The last byte makes room for a NUL.
            line.split_last().map_or(line, |(_, line)| line)
        }
    };
    let line = trim_start(line);
    let line = line.get(..trimmed_length(line)).unwrap_or(line);
    if line.is_empty() {
        return Err(Errno::ENOEXEC);
    }
    let end = line.iter().position(ends_path).unwrap_or(line.len());
    let (interpreter, rest) = line.split_at_checked(end).unwrap_or((line, &[]));
    let argument = until_nul(trim_start(rest));
    Ok(Some(Script {
        interpreter: if interpreter.is_empty() { b"." } else { interpreter },
        argument: match rest.first() {
            Some(separator) if is_blank(separator) => Some(argument),
            _ => None,
        },
    }))
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn ends_path(byte: &u8) -> bool {
    is_blank(byte) || *byte == 0
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or(bytes)
}

/// The length without the blanks at the end.
fn trimmed_length(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .rposition(|byte| !is_blank(byte))
        .map_or(0, |last| last.saturating_add(1))
}

/// The bytes without the blanks in front.
fn trim_start(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| !is_blank(byte)).unwrap_or(bytes.len());
    bytes.get(start..).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use super::{HEAD_SIZE, Script, parse};
    use crate::abi::errno::Errno;

    fn head(text: &[u8]) -> [u8; HEAD_SIZE] {
        let mut head = [0; HEAD_SIZE];
        let length = text.len().min(HEAD_SIZE);
        head[..length].copy_from_slice(&text[..length]);
        head
    }

    #[track_caller]
    fn is_script(text: &[u8], interpreter: &[u8], argument: Option<&[u8]>) {
        let script = Script { interpreter, argument };
        assert_eq!(parse(&head(text)), Ok(Some(script)), "{}", text.escape_ascii());
    }

    #[track_caller]
    fn is_refused(text: &[u8]) {
        assert_eq!(parse(&head(text)), Err(Errno::ENOEXEC), "{}", text.escape_ascii());
    }

    /// `#!`, then `first`, filled up with `fill` to `length` bytes, then `last`.
    fn filled(first: &[u8], fill: u8, length: usize, last: &[u8]) -> Vec<u8> {
        let mut text = [b"#!", first].concat();
        text.resize(length, fill);
        text.extend_from_slice(last);
        text
    }

    #[test]
    fn files_without_the_mark_are_no_scripts() {
        for text in [
            &b""[..],
            b"#",
            b"#\n",
            b"# !/bin/sh\n",
            b" #!/bin/sh\n",
            b"!#/bin/sh\n",
            b"\x7fELF",
        ] {
            assert_eq!(parse(&head(text)), Ok(None));
        }
    }

    #[test]
    fn the_line_is_a_path_and_at_most_one_argument() {
        is_script(b"#!/bin/sh\nexit\n", b"/bin/sh", None);
        is_script(b"#! \t/bin/sh\n", b"/bin/sh", None);
        is_script(b"#!/bin/sh -e\n", b"/bin/sh", Some(b"-e"));
        is_script(b"#!/usr/bin/env -S a\tb  c\n", b"/usr/bin/env", Some(b"-S a\tb  c"));
        is_script(b"#!\tsh\t \t-e\n", b"sh", Some(b"-e"));
        is_script(b"#!/bin/sh\r\n", b"/bin/sh\r", None);
        is_script(b"#!#!\n", b"#!", None);
    }

    #[test]
    fn blanks_at_the_end_of_a_line_are_dropped() {
        is_script(b"#!/bin/sh \t \n", b"/bin/sh", None);
        is_script(b"#!/bin/sh -e \t\n", b"/bin/sh", Some(b"-e"));
    }

    #[test]
    fn a_line_that_the_file_ends_keeps_its_blanks() {
        is_script(b"#!/bin/sh", b"/bin/sh", None);
        is_script(b"#!/bin/sh -e", b"/bin/sh", Some(b"-e"));
        is_script(b"#!/bin/sh -e \t", b"/bin/sh", Some(b"-e \t"));
        is_script(b"#!/bin/sh  ", b"/bin/sh", Some(b""));
    }

    #[test]
    fn a_nul_ends_what_it_stands_in() {
        is_script(b"#!/bin/sh\0 -e\n", b"/bin/sh", None);
        is_script(b"#!/bin/sh -e\0f\n", b"/bin/sh", Some(b"-e"));
        is_script(b"#!/bin/sh \0f\n", b"/bin/sh", Some(b""));
    }

    #[test]
    fn an_empty_line_is_refused() {
        is_refused(b"#!\n/bin/sh\n");
        is_refused(b"#! \t \n");
        is_refused(&filled(b"", b' ', HEAD_SIZE, b"/bin/sh\n"));
        is_refused(&filled(b"", b' ', HEAD_SIZE - 1, b"/bin/sh\n"));
        is_refused(&filled(b"", b'\t', HEAD_SIZE - 1, b"\0"));
        is_refused(&filled(b"", b' ', HEAD_SIZE - 1, b"\n"));
    }

    #[test]
    fn an_empty_path_is_the_working_directory() {
        is_script(b"#!", b".", None);
        is_script(b"#! \t", b".", None);
        is_script(b"#! \0/bin/sh\n", b".", None);
        is_script(b"#!\0 -e\n", b".", None);
    }

    #[test]
    fn a_path_that_may_be_cut_off_is_refused() {
        is_refused(&filled(b"/", b'a', HEAD_SIZE, b""));
        is_refused(&filled(b"/", b'a', HEAD_SIZE, b"\n"));
        let longest = filled(b"/", b'a', HEAD_SIZE - 1, b"\n");
        is_script(&longest, &longest[2..HEAD_SIZE - 1], None);
        for last in [&b"\0"[..], b" ", b"\t", b""] {
            let text = filled(b"/", b'a', HEAD_SIZE - 1, last);
            is_script(&text, &text[2..HEAD_SIZE - 1], None);
        }
        let shorter = filled(b"/", b'a', HEAD_SIZE - 2, b" x");
        is_script(&shorter, &shorter[2..HEAD_SIZE - 2], None);
    }

    #[test]
    fn an_argument_may_be_cut_off() {
        let text = filled(b"/bin/sh -", b'e', 300, b"\n");
        is_script(&text, b"/bin/sh", Some(&text[10..HEAD_SIZE - 1]));
        // The last byte makes room for a NUL, whatever it is.
        let text = filled(b"/bin/sh -e", b' ', HEAD_SIZE - 1, b"x\n");
        is_script(&text, b"/bin/sh", Some(b"-e"));
    }

    #[test]
    fn no_bytes_break_the_parser() {
        let mut numbers = crate::fuzz::numbers();
        let mut next = || (numbers() >> 11) as usize;
        let (mut scripts, mut refused) = (0, 0);
        for _ in 0..200_000 {
            let mut text = *b"#!/bin/sh -e \t\n\0aaa    ";
            let mut bytes = [0; HEAD_SIZE];
            let filler = text[next() % text.len()];
            bytes[2..].fill(filler);
            bytes[..2].copy_from_slice(b"#!");
            for _ in 0..next() % 24 {
                text.rotate_left(1);
                let at = if next() % 2 == 0 {
                    2 + next() % 16
                } else {
                    255 - next() % 8
                };
                bytes[at] = text[next() % text.len()];
            }
            match parse(&bytes) {
                Ok(None) => panic!("{}", bytes.escape_ascii()),
                Err(errno) => {
                    refused += 1;
                    assert_eq!(errno, Errno::ENOEXEC);
                }
                Ok(Some(script)) => {
                    scripts += 1;
                    let path = script.interpreter;
                    assert!(!path.is_empty() && path.len() < HEAD_SIZE - 2);
                    assert!(!path.iter().any(|byte| b" \t\n\0".contains(byte)));
                    let argument = script.argument.unwrap_or(b"");
                    assert!(!argument.iter().any(|byte| b"\n\0".contains(byte)));
                    assert!(!argument.starts_with(b" ") && !argument.starts_with(b"\t"));
                }
            }
        }
        assert!(scripts > 1000 && refused > 1000, "{scripts} {refused}");
    }
}
