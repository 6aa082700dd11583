//! A file that is nowhere: programs that open it read the text that the option gives:
//! `usertrap --hook './libmemory_file.so:/etc/motd=Good morning.' cat /etc/motd`.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, Write};
use std::os::fd::IntoRawFd;
use std::os::unix::fs::OpenOptionsExt;

use usertrap_hook::calls::{Open, Openat};
use usertrap_hook::{Call, Hook, Verdict, hook, number};

struct MemoryFile {
    path: Vec<u8>,
    text: String,
}

impl MemoryFile {
    /// A file without a name in memory, with the text.
    fn make(&self) -> io::Result<File> {
        let flags = libc::O_TMPFILE | libc::O_CLOEXEC;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(flags)
            .open("/dev/shm")?;
        writeln!(file, "{}", self.text)?;
        file.rewind()?;
        Ok(file)
    }
}

impl Hook for MemoryFile {
    const NAME: &str = "memory_file";
    const NUMBERS: Option<&[u16]> = Some(&[number::<Open>(), number::<Openat>()]);

    fn init(options: &str) -> Result<MemoryFile, String> {
        let (path, text) = options.split_once('=').ok_or("its option is PATH=TEXT")?;
        Ok(MemoryFile {
            path: path.into(),
            text: text.into(),
        })
    }

    fn enter(&self, call: &mut Call) -> Verdict {
        let path = call
            .typed::<Openat>()
            .map(|open| open.path)
            .or_else(|| call.typed::<Open>().map(|open| open.path));
        match path.map(|path| path.string(4096)) {
            Some(Ok(path)) if path.as_bytes() == self.path => match self.make() {
                Ok(file) => Verdict::Answer(file.into_raw_fd().into()),
                Err(error) => Verdict::error(error.raw_os_error().unwrap_or(libc::EIO)),
            },
            _ => Verdict::Pass,
        }
    }
}

hook!(MemoryFile);
