//! What can go wrong, in one line each, and the exit status: those of env(1)
//! and timeout(1).

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// The exit status of a failure of our own.
pub(crate) const OURS: u8 = 125;
/// The exit status for a program that is there but cannot be run.
const NOT_RUNNABLE: u8 = 126;
/// The exit status for a program that is not there.
const NOT_FOUND: u8 = 127;

/// Why there is no program running. Displayed, it is one line without its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The program cannot be run.
    Program {
        /// What was asked for.
        name: OsString,
        /// Why not; `NotFound` if there is none.
        error: io::Error,
    },
    /// There is no such program, but a verb that is called much the same.
    NoVerb {
        /// What was asked for.
        name: OsString,
        /// The verb.
        verb: String,
    },
    /// There is no libusertrap.so where it belongs.
    NoObject {
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },
    /// It is not known where the command itself lies.
    NoPlace {
        /// Why not.
        error: io::Error,
    },
    /// The object cannot be executed.
    Object {
        /// Its file.
        path: OsString,
        /// Why not.
        error: io::Error,
    },
    /// The object has no entry point: it can be preloaded only.
    PreloadOnly {
        /// Its file.
        path: OsString,
    },
    /// The page cannot be made.
    Page {
        /// Its file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A file that cannot be read.
    NoFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A file that has no code that could be judged.
    NotElf {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A process that cannot be looked at.
    NoProcess {
        /// Its number.
        pid: u32,
        /// Why not.
        error: io::Error,
    },
    /// What was generated could not be written.
    Output {
        /// Why not.
        error: io::Error,
    },
}

impl Failure {
    /// The exit status that says so.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Failure::Program { error, .. } if error.kind() == io::ErrorKind::NotFound => NOT_FOUND,
            Failure::NoVerb { .. } => NOT_FOUND,
            Failure::Program { .. } => NOT_RUNNABLE,
            Failure::NoObject { .. }
            | Failure::NoPlace { .. }
            | Failure::Object { .. }
            | Failure::PreloadOnly { .. }
            | Failure::Page { .. }
            | Failure::NoFile { .. }
            | Failure::NotElf { .. }
            | Failure::NoProcess { .. }
            | Failure::Output { .. } => OURS,
        }
    }
}

/// The kernel's words for an error, without the number that std adds.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Program { name, error } => write!(f, "{}: {}", name.display(), words(error)),
            Failure::NoVerb { name, verb } => write!(
                f,
                "{}: No such file or directory; is `usertrap {verb}` meant?",
                name.display()
            ),
            Failure::NoObject { looked } => {
                write!(f, "no libusertrap.so, looked for ")?;
                for (index, path) in looked.iter().enumerate() {
                    write!(f, "{}{}", if index == 0 { "" } else { ", " }, path.display())?;
                }
                write!(f, "; name it with --library FILE, or `make install` it")
            }
            Failure::NoPlace { error } => write!(
                f,
                "cannot find out where this command lies, by /proc/self/exe: {}; name libusertrap.so with --library FILE",
                words(error)
            ),
            Failure::Object { path, error } => {
                write!(f, "cannot start {}: {}", path.display(), words(error))?;
                match error.kind() {
                    io::ErrorKind::PermissionDenied => write!(
                        f,
                        "; it must be executable (chmod 755), on a file system that is not mounted noexec"
                    ),
                    _ => write!(f, "; name a libusertrap.so with --library FILE"),
                }
            }
            Failure::PreloadOnly { path } => write!(
                f,
                "{} has no entry point, so it only works preloaded; build it anew against this version",
                path.display()
            ),
            Failure::Page { path, error } => write!(
                f,
                "cannot make the page {}: {}; name a file that can be written",
                path.display(),
                words(error)
            ),
            Failure::NoFile { path, error } => write!(f, "cannot read {}: {}", path.display(), words(error)),
            Failure::NotElf { path, what } => write!(f, "cannot judge {}: {what}", path.display()),
            Failure::NoProcess { pid, error } => {
                write!(f, "cannot look at process {pid}: ")?;
                match error.kind() {
                    io::ErrorKind::NotFound => write!(f, "there is none"),
                    io::ErrorKind::PermissionDenied => write!(f, "{}; be its user, or root", words(error)),
                    _ => write!(f, "{}", words(error)),
                }
            }
            Failure::Output { error } => write!(f, "cannot write: {}", words(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(errno: i32) -> Failure {
        Failure::Program {
            name: "prog".into(),
            error: io::Error::from_raw_os_error(errno),
        }
    }

    #[test]
    fn statuses_are_those_of_env() {
        assert_eq!(program(libc::ENOENT).status(), 127);
        assert_eq!(program(libc::EACCES).status(), 126);
        assert_eq!(program(libc::ENOTDIR).status(), 126);
        assert_eq!(program(libc::E2BIG).status(), 126);
        assert_eq!(Failure::NoObject { looked: vec![] }.status(), 125);
        let error = io::Error::from_raw_os_error(libc::ENOENT);
        let path = "lib".into();
        assert_eq!(Failure::Object { path, error }.status(), 125);
    }

    #[test]
    fn messages_are_one_line_and_name_the_remedy() {
        assert_eq!(program(libc::ENOENT).to_string(), "prog: No such file or directory");
        let looked = vec!["/a/libusertrap.so".into(), "/b/libusertrap.so".into()];
        assert_eq!(
            Failure::NoObject { looked }.to_string(),
            "no libusertrap.so, looked for /a/libusertrap.so, /b/libusertrap.so; \
             name it with --library FILE, or `make install` it"
        );
        let error = io::Error::from_raw_os_error(libc::EACCES);
        let path = "/a/lib.so".into();
        let text = Failure::Object { path, error }.to_string();
        assert!(text.starts_with("cannot start /a/lib.so: Permission denied; it must be executable"));
    }
}
