//! Addresses in the application's memory.

#![allow(unsafe_code, reason = "calls usertrap's services with live buffers")]

use std::ffi::{CString, c_char, c_int};
use std::fmt;
use std::io;

use crate::exported::services;

/// An address in the application's memory: perhaps of nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub u64);

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

fn checked(status: c_int) -> io::Result<()> {
    if status == 0 {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(-status))
    }
}

impl Address {
    /// Whether it is 0.
    pub fn is_null(self) -> bool {
        self.0 == 0
    }

    /// The address so many bytes behind it.
    #[must_use]
    pub fn offset(self, bytes: u64) -> Address {
        Address(self.0.wrapping_add(bytes))
    }

    /// Copies what lies there.
    ///
    /// # Errors
    /// `EFAULT` if not all of it can be read.
    pub fn read(self, out: &mut [u8]) -> io::Result<()> {
        // SAFETY: a live buffer of this length.
        checked(unsafe { (services().read)(out.as_mut_ptr().cast(), self.0, out.len()) })
    }

    /// The `len` bytes there.
    ///
    /// # Errors
    /// As [`read`](Address::read).
    pub fn bytes(self, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        self.read(&mut bytes)?;
        Ok(bytes)
    }

    /// The word there.
    ///
    /// # Errors
    /// As [`read`](Address::read).
    pub fn word(self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.read(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    /// The C string there.
    ///
    /// # Errors
    /// `EFAULT`, or `ENAMETOOLONG` if it has not ended after `limit` bytes.
    pub fn string(self, limit: usize) -> io::Result<CString> {
        const PAGE: u64 = 4096;
        let mut bytes = Vec::new();
        while bytes.len() < limit {
            let at = self.offset(bytes.len() as u64);
            // Not beyond a page's end, behind which there may be nothing.
            let rest = (PAGE - at.0 % PAGE) as usize;
            let part = at.bytes(rest.min(256).min(limit - bytes.len()))?;
            if let Some(end) = part.iter().position(|&byte| byte == 0) {
                bytes.extend_from_slice(&part[..end]);
                return Ok(CString::new(bytes)?);
            }
            bytes.extend_from_slice(&part);
        }
        Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG))
    }

    /// Writes there.
    ///
    /// # Errors
    /// `EFAULT` if not all of it can be written.
    pub fn write(self, bytes: &[u8]) -> io::Result<()> {
        // SAFETY: a live buffer of this length.
        checked(unsafe { (services().write)(self.0, bytes.as_ptr().cast(), bytes.len()) })
    }

    /// The file that it is mapped from, and the offset there: `/usr/bin/ls+0x1234`.
    pub fn place(self) -> String {
        self.told(services().locate)
    }

    /// The function that it lies in, by the symbols of that file, mangled if it is one
    /// of Rust's or C++'s: `main+0x12`. It reads the file each time: keep what it says.
    pub fn symbol(self) -> Option<String> {
        Some(self.told(services().symbol)).filter(|text| !text.is_empty())
    }

    fn told(self, by: unsafe extern "C" fn(u64, *mut c_char, usize) -> c_int) -> String {
        let mut text = vec![0u8; 4200];
        // SAFETY: a live buffer of this length.
        let len = unsafe { by(self.0, text.as_mut_ptr().cast(), text.len()) };
        text.truncate(usize::try_from(len).unwrap_or(0));
        String::from_utf8_lossy(&text).into_owned()
    }
}
