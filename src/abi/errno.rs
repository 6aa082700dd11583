//! Error numbers, and the one range of results that are errors.

/// An error number as the kernel returns it, negated: 1..=4095.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Errno(i32);

impl Errno {
    /// Operation not permitted.
    pub const EPERM: Errno = Errno(libc::EPERM);
    /// No such file or directory.
    pub const ENOENT: Errno = Errno(libc::ENOENT);
    /// No such process.
    pub const ESRCH: Errno = Errno(libc::ESRCH);
    /// Interrupted system call.
    pub const EINTR: Errno = Errno(libc::EINTR);
    /// Input/output error: a file is shorter than its headers say.
    pub const EIO: Errno = Errno(libc::EIO);
    /// Argument list too long.
    pub const E2BIG: Errno = Errno(libc::E2BIG);
    /// Exec format error: no loader takes the file.
    pub const ENOEXEC: Errno = Errno(libc::ENOEXEC);
    /// Bad file descriptor.
    pub const EBADF: Errno = Errno(libc::EBADF);
    /// Operation not supported.
    pub const EOPNOTSUPP: Errno = Errno(libc::EOPNOTSUPP);
    /// Resource temporarily unavailable.
    pub const EAGAIN: Errno = Errno(libc::EAGAIN);
    /// Cannot allocate memory.
    pub const ENOMEM: Errno = Errno(libc::ENOMEM);
    /// Permission denied.
    pub const EACCES: Errno = Errno(libc::EACCES);
    /// Bad address.
    pub const EFAULT: Errno = Errno(libc::EFAULT);
    /// File exists: the address range is taken.
    pub const EEXIST: Errno = Errno(libc::EEXIST);
    /// Not a directory.
    pub const ENOTDIR: Errno = Errno(libc::ENOTDIR);
    /// Is a directory: an interpreter that is one.
    pub const EISDIR: Errno = Errno(libc::EISDIR);
    /// No space left: a signal stack is too small for a permission.
    pub const ENOSPC: Errno = Errno(libc::ENOSPC);
    /// Invalid argument.
    pub const EINVAL: Errno = Errno(libc::EINVAL);
    /// Too many open files in the system.
    pub const ENFILE: Errno = Errno(libc::ENFILE);
    /// Too many open files.
    pub const EMFILE: Errno = Errno(libc::EMFILE);
    /// File too large: the limit on the size of files.
    pub const EFBIG: Errno = Errno(libc::EFBIG);
    /// Not a typewriter: the kernel does not know the ioctl.
    pub const ENOTTY: Errno = Errno(libc::ENOTTY);
    /// Text file busy: it is open for writing.
    pub const ETXTBSY: Errno = Errno(libc::ETXTBSY);
    /// File name too long.
    pub const ENAMETOOLONG: Errno = Errno(libc::ENAMETOOLONG);
    /// Function not implemented.
    pub const ENOSYS: Errno = Errno(libc::ENOSYS);
    /// Too many symbolic links, or interpreters of interpreters.
    pub const ELOOP: Errno = Errno(libc::ELOOP);
    /// Value too large for defined data type.
    pub const EOVERFLOW: Errno = Errno(libc::EOVERFLOW);
    /// Accessing a corrupted shared library: the program interpreter is no ELF file for this machine.
    pub const ELIBBAD: Errno = Errno(libc::ELIBBAD);

    /// The value that a system call returns in `rax` for this error.
    pub const fn to_result(self) -> i64 {
        -(self.0 as i64)
    }

    /// The error that a raw result stands for: −4095..=−1 and no other value
    /// (`arch/x86/include/asm/syscall.h`, `IS_ERR_VALUE`).
    pub const fn from_result(result: i64) -> Option<Errno> {
        if result >= -4095 && result <= -1 {
            Some(Errno(-result as i32))
        } else {
            None
        }
    }

    /// The positive number, as in `errno.h`.
    pub const fn number(self) -> i32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Errno;

    #[test]
    fn errors_are_minus_4095_to_minus_1() {
        for (result, errno) in [
            (-4096, None),
            (-4095, Some(4095)),
            (-1, Some(1)),
            (0, None),
            (i64::MIN, None),
        ] {
            assert_eq!(Errno::from_result(result).map(Errno::number), errno);
        }
        assert_eq!(Errno::EINVAL.to_result(), -22);
    }
}
