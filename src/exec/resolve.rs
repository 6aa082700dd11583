//! From what the application asked for to what will run, or to the error that
//! the kernel would have given: `bprm_execve` and the format handlers of
//! `fs/exec.c`, `fs/binfmt_script.c`, `fs/binfmt_elf.c`.

use crate::abi::elf::{HEADER_SIZE, Header, NotLoadable, PROGRAM_HEADER_SIZE};
use crate::abi::errno::Errno;
use crate::exec::arguments::{DEPTH, Leading};
use crate::exec::layout::{self, INTERPRETER_PATH_MAX};
use crate::exec::message::BY_DESCRIPTOR;
use crate::exec::open::{self, Owned};
use crate::exec::script::{self, HEAD_SIZE};
use crate::exec::{Request, handlers, identity};
use crate::kernel;
use crate::kernel::log;
use crate::kernel::process;
use crate::kernel::user;

/// What will run.
#[derive(Debug)]
pub(crate) enum Program {
    /// A 64-bit program, by our loader.
    Interposed(Target),
    /// One that runs without us; which.
    Native(&'static str),
}

/// Why there is nothing that the loader can start.
enum Stop {
    /// The kernel's error.
    Errno(Errno),
    /// A file may be executed, and not read: it cannot be mapped.
    Unreadable,
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Stop {
        Stop::Errno(errno)
    }
}

/// A program that the loader can start.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) file: Owned,
    /// Its PT_INTERP.
    pub(crate) interpreter: Option<Owned>,
    /// The path that it was asked for by: AT_EXECFN.
    pub(crate) path: u64,
    /// For the loader's message.
    pub(crate) flags: u64,
    /// For the loader's message.
    pub(crate) name: [u64; 2],
}

impl Target {
    /// The descriptors that the loader needs; −1 for none.
    pub(crate) fn descriptors(&self) -> [i32; 2] {
        [self.file.number(), self.interpreter.as_ref().map_or(-1, Owned::number)]
    }
}

/// Finds out what will run. Strings that come before the application's
/// arguments are put into `leading`. `free`: the kernel would start a program
/// without us as it does natively, and so what we cannot start as it does runs.
///
/// # Errors
/// The kernel's.
pub(crate) fn resolve(request: &Request, leading: &mut Leading, free: bool) -> Result<Program, Errno> {
    let natively = || free && !names_image(request);
    match find(request, leading) {
        Ok(Program::Interposed(target)) if free && gives_privileges(&target.file) && natively() => Ok(Program::Native(
            "a program with the set-user-ID or set-group-ID bit or file capabilities",
        )),
        Ok(program) => Ok(program),
        Err(Stop::Unreadable) if natively() => Ok(Program::Native("a program that may be executed but not read")),
        Err(Stop::Unreadable) => {
            log::warn_unreadable();
            Err(Errno::EACCES)
        }
        Err(Stop::Errno(errno)) => Err(errno),
    }
}

/// Whether the kernel would find our image: by an exe link, which leads to a program
/// for the tree only.
fn names_image(request: &Request) -> bool {
    let identity = match process::open_at(request.directory, request.path, libc::O_PATH) {
        Ok(fd) => kernel::file_identity(Owned::new(fd).number()),
        // By its descriptor alone.
        Err(_) => kernel::file_identity(request.directory),
    };
    identity.is_ok_and(|(device, inode)| identity::is_image(device, inode))
}

/// Whether the kernel gives a program privileges that its caller lacks:
/// `bprm_fill_uid` of `fs/exec.c`, `get_file_caps` of `security/commoncap.c`.
fn gives_privileges(file: &Owned) -> bool {
    const SET_GROUP: u32 = libc::S_ISGID | libc::S_IXGRP;
    let fd = file.number();
    let Ok(stat) = process::stat(fd) else { return false };
    let (user, group) = process::effective_ids();
    let sets_user = stat.st_mode & libc::S_ISUID != 0 && stat.st_uid != user;
    let sets_group = stat.st_mode & SET_GROUP == SET_GROUP && stat.st_gid != group;
    // Root has all of them.
    let adds = sets_user || sets_group || user != 0 && process::has_capabilities(fd);
    adds && !process::has_no_new_privs() && process::mount_flags(fd).is_ok_and(|flags| flags & process::NOSUID == 0)
}

fn find(request: &Request, leading: &mut Leading) -> Result<Program, Stop> {
    open::check(request)?;
    let file = opened(open::open(request))?;
    let path = execution_path(request, leading)?;
    // A script that is named by a descriptor which will be closed cannot be
    // opened by its interpreter.
    let inaccessible = path != request.path && is_close_on_exec(request.directory);
    let by_descriptor = open::is_by_descriptor(request)?;

    let mut file = file;
    let mut interpreted = path;
    for _ in 0..=DEPTH {
        let mut head = [0; HEAD_SIZE];
        kernel::pread(file.number(), &mut head, 0)?;
        if let Some(script) = script::parse(&head)? {
            if inaccessible {
                return Err(Errno::ENOENT.into());
            }
            if leading.strings().is_empty() {
                leading.put(interpreted);
            }
            if let Some(argument) = script.argument {
                let argument = leading.keep(&[argument])?;
                leading.put(argument);
            }
            interpreted = leading.keep(&[script.interpreter])?;
            leading.put(interpreted);
            open::check_path(interpreted)?;
            file = opened(open::open_path(interpreted))?;
            continue;
        }
        let header = match Header::parse(&head) {
            Ok(header) => header,
            Err(NotLoadable::I386) => return Ok(Program::Native("a 32-bit program")),
            Err(error) => {
                interpreted = handler_of(&head, interpreted, leading)?.ok_or(error.as_program())?;
                file = opened(open::open_path(interpreted))?;
                continue;
            }
        };
        let interpreter = interpreter_of(&file, &header)?;
        // The kernel has replaced a script's file by its interpreter's.
        let (flags, name) = match by_descriptor {
            true => (BY_DESCRIPTOR, name_of(file.number())),
            false => (0, [0; 2]),
        };
        return Ok(Program::Interposed(Target {
            file,
            interpreter,
            path,
            flags,
            name,
        }));
    }
    Err(Errno::ELOOP.into())
}

/// The program that a handler of binfmt_misc runs for a file, put before the
/// arguments; its path.
#[inline(never)]
fn handler_of(head: &[u8; HEAD_SIZE], path: u64, leading: &mut Leading) -> Result<Option<u64>, Errno> {
    let mut name = [0; INTERPRETER_PATH_MAX];
    let len = user::copy_string(&mut name, path)?;
    let mut text = [0; _];
    let Some(handler) = handlers::find(head, name.get(..len).unwrap_or(&[]), &mut text) else {
        return Ok(None);
    };
    // argv[0] gives way to the path, or, with the flag P, stays behind it. Of
    // an interpreter of a script it is the path already.
    let is_first = leading.strings().is_empty();
    if handler.flags.preserve_argv0 && is_first {
        leading.keep_first();
    }
    if handler.flags.preserve_argv0 || is_first {
        leading.put(path);
    }
    let interpreter = leading.keep(&[handler.interpreter])?;
    leading.put(interpreter);
    open::check_path(interpreter)?;
    Ok(Some(interpreter))
}

/// What has been checked, opened for reading.
fn opened(result: Result<Owned, Errno>) -> Result<Owned, Stop> {
    result.map_err(|errno| match errno {
        Errno::EACCES | Errno::EPERM => Stop::Unreadable,
        other => Stop::Errno(other),
    })
}

/// `bprm->filename`: the path, or `/dev/fd/N`, or `/dev/fd/N/path`.
fn execution_path(request: &Request, leading: &mut Leading) -> Result<u64, Errno> {
    let mut path = [0; layout::INTERPRETER_PATH_MAX];
    let len = user::copy_string(&mut path, request.path)?;
    let path = path.get(..len).unwrap_or(&[]);
    if request.directory == libc::AT_FDCWD || path.first() == Some(&b'/') {
        return Ok(request.path);
    }
    let mut number = [0; 12];
    let digits = open::decimal(request.directory as u32, &mut number);
    let number = number.get(..digits).unwrap_or(&[]);
    let slash: &[u8] = if path.is_empty() { b"" } else { b"/" };
    leading.keep(&[b"/dev/fd/", number, slash, path])
}

fn is_close_on_exec(fd: i32) -> bool {
    kernel::fcntl(fd, libc::F_GETFD, 0).is_ok_and(|flags| flags & libc::FD_CLOEXEC as u64 != 0)
}

/// The first 15 bytes of a file's own name, as the kernel names a thread.
fn name_of(fd: i32) -> [u64; 2] {
    let link = open::descriptor_path(fd);
    let mut path = [0; INTERPRETER_PATH_MAX];
    let Ok(link) = core::ffi::CStr::from_bytes_until_nul(&link) else {
        return [0; 2];
    };
    let len = process::read_link(link, &mut path).unwrap_or(0);
    let path = path.get(..len).unwrap_or(&[]);
    let path = match process::stat(fd) {
        Ok(stat) if stat.st_nlink == 0 => path.strip_suffix(b" (deleted)").unwrap_or(path),
        _ => path,
    };
    let mut name = [0; 16];
    let last = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    for (to, from) in name.iter_mut().zip(last.iter().take(15)) {
        *to = *from;
    }
    let (first, second) = name.split_at(8);
    [first, second].map(|half| u64::from_le_bytes(half.try_into().unwrap_or_default()))
}

/// The file's PT_INTERP, opened. The program headers are read in parts, since
/// this runs on the hook stack.
fn interpreter_of(file: &Owned, header: &Header) -> Result<Option<Owned>, Stop> {
    const PART: u16 = 32;
    let mut found = None;
    for first in (0..header.count).step_by(PART.into()) {
        let part = Header {
            count: PART.min(header.count - first),
            ..*header
        };
        let mut bytes = [0; PART as usize * PROGRAM_HEADER_SIZE];
        let bytes = bytes.get_mut(..part.table_size()).ok_or(Errno::ENOEXEC)?;
        let offset = u64::from(first) * PROGRAM_HEADER_SIZE as u64;
        let offset = header.table_offset.checked_add(offset).ok_or(Errno::ENOEXEC)?;
        let read = kernel::pread(file.number(), bytes, offset).map_err(|_| Errno::ENOEXEC)?;
        let table = part.table(bytes.get(..read).unwrap_or(&[])).ok_or(Errno::ENOEXEC)?;
        if found.is_none() {
            found = layout::interpreter(table)?;
        }
    }
    let Some((offset, len)) = found else { return Ok(None) };
    let mut path = [0; INTERPRETER_PATH_MAX];
    let bytes = path.get_mut(..len).ok_or(Errno::ENOEXEC)?;
    if kernel::pread(file.number(), bytes, offset)? != len {
        return Err(Errno::EIO.into());
    }
    let path = layout::interpreter_path(bytes)?;
    open::check_path(path.as_ptr() as u64)?;
    let interpreter = opened(open::open_path(path.as_ptr() as u64))?;
    let mut head = [0; HEADER_SIZE];
    if kernel::pread(interpreter.number(), &mut head, 0)? != HEADER_SIZE {
        return Err(Errno::EIO.into());
    }
    let header = Header::parse_interpreter(&head).map_err(|error| error.as_interpreter())?;
    let end = header.table_offset.checked_add(header.table_size() as u64);
    let last = end.and_then(|end| end.checked_sub(1)).ok_or(Errno::ELIBBAD)?;
    match kernel::pread(interpreter.number(), &mut [0], last) {
        Ok(1) => Ok(Some(interpreter)),
        _ => Err(Errno::ELIBBAD.into()),
    }
}
