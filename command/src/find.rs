//! Finds the program, as execvp does, and the object, beside the command.

use std::ffi::{CString, OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::process;

/// The object's file name.
const OBJECT: &str = "libusertrap.so";
/// Where it may lie, from the directory of our own executable.
const PLACES: [&str; 3] = [".", "../lib/usertrap", "../lib"];
/// The search path where none is set: confstr(_CS_PATH) of glibc.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// The directories in which programs are looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Searcher<'a> {
    path: &'a OsStr,
}

impl<'a> Searcher<'a> {
    /// PATH of our own environment, as strace has it: `-E PATH=` is for the program.
    pub(crate) fn from_environment(environment: &'a [OsString]) -> Searcher<'a> {
        let found = environment
            .iter()
            .find_map(|entry| entry.as_bytes().strip_prefix(b"PATH="));
        Searcher {
            path: OsStr::from_bytes(found.unwrap_or(DEFAULT_PATH.as_bytes())),
        }
    }

    /// The files that `name` may be, the first one first. An empty directory is the current one.
    fn candidates(self, name: &OsStr) -> impl Iterator<Item = OsString> {
        self.path.as_bytes().split(|&byte| byte == b':').map(move |directory| {
            let slash: &[u8] = if directory.is_empty() { b"" } else { b"/" };
            OsString::from_vec([directory, slash, name.as_bytes()].concat())
        })
    }
}

/// The program's file. A name with a slash is taken as it is, any other is looked for.
///
/// # Errors
/// If there is none, or none that may be executed.
pub(crate) fn program(name: &OsStr, searcher: Searcher<'_>) -> Result<OsString, Failure> {
    let fail = |error| Failure::Program {
        name: name.to_owned(),
        error,
    };
    if name.is_empty() {
        return Err(fail(io::Error::from_raw_os_error(libc::ENOENT)));
    }
    if name.as_bytes().contains(&b'/') {
        return runnable(name).map(|()| name.to_owned()).map_err(fail);
    }
    let mut refused = false;
    for path in searcher.candidates(name) {
        match runnable(&path) {
            Ok(()) => return Ok(path),
            Err(error) => refused |= error.kind() == io::ErrorKind::PermissionDenied,
        }
    }
    let errno = if refused { libc::EACCES } else { libc::ENOENT };
    Err(fail(io::Error::from_raw_os_error(errno)))
}

/// Whether the kernel would begin to execute this file. What it says to the file's contents shows later.
fn runnable(path: &OsStr) -> io::Result<()> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::from_raw_os_error(libc::EACCES));
    }
    process::may_execute(&CString::new(path.as_bytes())?)
}

/// The object's file: `given`, or the one beside the command.
///
/// # Errors
/// If there is none, or it has no entry point.
pub(crate) fn library(given: Option<&Path>) -> Result<OsString, Failure> {
    let path = match given {
        Some(path) => path.to_owned(),
        None => beside(&own_directory()?)?,
    };
    if preload_only(&path) {
        return Err(Failure::PreloadOnly { path: path.into() });
    }
    Ok(path.into())
}

/// The directory of our own executable, links resolved.
fn own_directory() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe().and_then(fs::canonicalize);
    let own = own.map_err(|error| Failure::NoPlace { error })?;
    Ok(own.parent().unwrap_or(Path::new("/")).to_owned())
}

/// The object that belongs to a command in `directory`.
fn beside(directory: &Path) -> Result<PathBuf, Failure> {
    let mut looked = Vec::new();
    for place in PLACES {
        let base = match place.strip_prefix("../") {
            Some(rest) => directory.parent().unwrap_or(directory).join(rest),
            None => directory.to_owned(),
        };
        let path = base.join(OBJECT);
        if path.is_file() {
            return Ok(path);
        }
        looked.push(path);
    }
    Err(Failure::NoObject { looked })
}

/// Whether this is an ELF file without an entry point: executed it would jump to address 0.
fn preload_only(path: &Path) -> bool {
    let mut header = [0; 32];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    // e_entry is the 8 bytes at 24 of a 64-bit file. What cannot be read execve will judge.
    read.is_ok() && header[..5] == *b"\x7fELF\x02" && header[24..] == [0; 8]
}

#[cfg(test)]
mod tests;
