//! Error numbers, and the one range of results that are errors.

/// An error number as the kernel returns it, negated: 1..=4095.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Errno(i32);

impl Errno {
    /// Operation not permitted.
    pub const EPERM: Errno = Errno(libc::EPERM);
    /// Interrupted system call.
    pub const EINTR: Errno = Errno(libc::EINTR);
    /// Bad file descriptor.
    pub const EBADF: Errno = Errno(libc::EBADF);
    /// Resource temporarily unavailable.
    pub const EAGAIN: Errno = Errno(libc::EAGAIN);
    /// Cannot allocate memory.
    pub const ENOMEM: Errno = Errno(libc::ENOMEM);
    /// Bad address.
    pub const EFAULT: Errno = Errno(libc::EFAULT);
    /// Invalid argument.
    pub const EINVAL: Errno = Errno(libc::EINVAL);
    /// Not a typewriter: the kernel does not know the ioctl.
    pub const ENOTTY: Errno = Errno(libc::ENOTTY);
    /// Function not implemented.
    pub const ENOSYS: Errno = Errno(libc::ENOSYS);

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
