//! From a place in a file to the function that it is in. In the follower, which is
//! no part of what it traces, and may allocate.

use alloc::collections::BTreeMap;
use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use super::frames::{self, Frame};
use super::ring::{Kind, Record};

mod file;

use file::Code;

/// A file that frames name.
struct File {
    number: u64,
    device: u64,
    inode: u64,
    path: Vec<u8>,
    /// What it says of its functions, once it has been asked.
    code: Option<Code>,
}

/// Bytes of what is shown of a record's frames, at most.
pub(super) const MOST_SHOWN: usize = 8192;

/// Frames that are remembered with what is shown of them.
const MOST: usize = 1 << 16;

/// All that is known of files.
#[derive(Default)]
pub(super) struct Symbols {
    files: Vec<File>,
    /// What is shown of frames that have been shown.
    known: BTreeMap<(u64, u64), String>,
    /// Processes that are about to execute another program, and from where.
    executing: Vec<(u32, Frame)>,
    shown: String,
}

impl Symbols {
    /// A file is told.
    pub(super) fn add(&mut self, record: &Record, text: &[u8]) {
        let mut parts = text.splitn(2, |&byte| byte == b' ');
        let (Some(device), Some(path)) = (parts.next(), parts.next()) else {
            return;
        };
        let device = core::str::from_utf8(device).ok();
        let Some(device) = device.and_then(|digits| u64::from_str_radix(digits, 16).ok()) else {
            return;
        };
        if self.files.iter().all(|file| file.number != record.since) {
            self.files.push(File {
                number: record.since,
                device,
                inode: record.result.cast_unsigned(),
                path: path.to_vec(),
                code: None,
            });
        }
    }

    /// A process is about to execute another program, which will not know from where.
    pub(super) fn executes(&mut self, pid: u32, frames: &[u8]) {
        if let Some(frame) = frames::list(frames).next() {
            self.executing.retain(|(known, _)| *known != pid);
            self.executing.push((pid, frame));
        }
    }

    /// The lines of a call's frames. A program that has been executed has none of its
    /// own.
    pub(super) fn show(&mut self, record: &Record, frames: &[u8]) -> &str {
        self.shown.clear();
        let pid = record.who.pid;
        let mut noted = None;
        if has_executed(record)
            && let Some(at) = self.executing.iter().position(|(known, _)| *known == pid)
        {
            noted = Some(self.executing.swap_remove(at).1);
        }
        let own = frames::list(frames);
        let noted = noted.filter(|_| frames.is_empty());
        for frame in own.chain(noted) {
            self.append(frame, pid);
            self.shown.push('\n');
        }
        &self.shown
    }

    fn append(&mut self, frame: Frame, pid: u32) {
        let Frame { file, offset } = frame;
        if let Some(text) = self.known.get(&(file, offset)) {
            return self.shown.push_str(text);
        }
        let start = self.shown.len();
        let found = self.files.iter_mut().find(|known| known.number == file);
        match found {
            None => {
                // Memory that is no file's, or none that is mapped now.
                let _ = write!(self.shown, "[anonymous]() [{offset:#x}]");
                return;
            }
            Some(file) => {
                let _ = write!(
                    self.shown,
                    "{}(",
                    String::from_utf8_lossy(&file.path).without_controls()
                );
                let code = file.code.get_or_insert_with(|| {
                    let own = Code::read(&file.path, (file.device, file.inode));
                    // The process may have another root.
                    own.or_else(|| {
                        let path = [format!("/proc/{pid}/root").as_bytes(), &file.path].concat();
                        Code::read(&path, (file.device, file.inode))
                    })
                    .unwrap_or_default()
                });
                if let Some((name, distance)) = code.function(offset) {
                    let _ = write!(self.shown, "{}+{distance:#x}", String::from_utf8_lossy(name));
                }
                let _ = write!(self.shown, ") [{offset:#x}]");
            }
        }
        if self.known.len() < MOST {
            self.known
                .insert((file, offset), self.shown.get(start..).unwrap_or("").into());
        }
    }
}

/// Whether this is how an exec has ended.
fn has_executed(record: &Record) -> bool {
    matches!(record.kind, Kind::Exit | Kind::Restart)
        && matches!(i64::from(record.number), libc::SYS_execve | libc::SYS_execveat)
}

/// A path without characters that would break its line.
trait WithoutControls {
    fn without_controls(&self) -> String;
}

impl<T: AsRef<str> + ?Sized> WithoutControls for T {
    fn without_controls(&self) -> String {
        let mut text = String::new();
        for letter in self.as_ref().chars() {
            if letter.is_control() {
                text.extend(letter.escape_default());
            } else {
                text.push(letter);
            }
        }
        text
    }
}

/// A path as the kernel takes it.
fn terminated(path: &[u8]) -> Option<CString> {
    CString::new(path).ok()
}
