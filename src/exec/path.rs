//! Paths as bytes: what the text of one says of an exe link, and what the text
//! files beside that link say of the program.

use core::ffi::CStr;
use core::fmt;

/// `PATH_MAX`, the null byte included: no path that the kernel takes is longer.
pub(crate) const PATH_MAX: usize = 4096;

/// A path of our own, or one copied from the application; ends in a null byte.
pub(crate) struct PathBuffer {
    bytes: [u8; PATH_MAX],
    len: usize,
}

impl PathBuffer {
    pub(crate) const fn new() -> PathBuffer {
        PathBuffer {
            bytes: [0; PATH_MAX],
            len: 0,
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }

    /// The path for the kernel.
    pub(crate) fn c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or(c"")
    }

    /// Cuts the path; a greater length than it has changes nothing.
    pub(crate) fn truncate(&mut self, len: usize) {
        if len < self.len {
            self.len = len;
            if let Some(end) = self.bytes.get_mut(len) {
                *end = 0;
            }
        }
    }

    /// Appends, or changes nothing if that would be too long.
    pub(crate) fn push(&mut self, more: &[u8]) -> fmt::Result {
        let end = self.len + more.len();
        if end >= PATH_MAX {
            return Err(fmt::Error);
        }
        self.bytes
            .get_mut(self.len..end)
            .ok_or(fmt::Error)?
            .copy_from_slice(more);
        self.len = end;
        *self.bytes.get_mut(end).ok_or(fmt::Error)? = 0;
        Ok(())
    }

    /// Replaces the path.
    pub(crate) fn set(&mut self, path: &[u8]) -> fmt::Result {
        self.truncate(0);
        self.push(path)
    }

    /// Replaces the last component.
    pub(crate) fn set_name(&mut self, name: fmt::Arguments<'_>) -> fmt::Result {
        self.truncate(directory(self.bytes()).len());
        fmt::write(self, name)
    }

    /// What a symbolic link at this path with this text leads to.
    pub(crate) fn follow(&mut self, link: &[u8]) -> fmt::Result {
        let kept = if link.first() == Some(&b'/') {
            0
        } else {
            directory(self.bytes()).len()
        };
        self.truncate(kept);
        self.push(link)
    }
}

impl fmt::Write for PathBuffer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes())
    }
}

/// The path up to the slash before its last component, that slash included.
pub(crate) fn directory(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    path.get(..end).unwrap_or(&[])
}

/// Whether the last component is `exe`: no other name is an exe link's.
pub(crate) fn is_exe(path: &[u8]) -> bool {
    path.strip_prefix(directory(path)) == Some(b"exe")
}

/// Whether the text alone says that the path is the exe link of the process
/// that uses it, given that /proc is procfs.
pub(crate) fn is_own_exe(path: &[u8]) -> bool {
    if path.first() != Some(&b'/') || path.last() == Some(&b'/') {
        return false;
    }
    let mut parts = path
        .split(|&byte| byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".");
    let mut next = || parts.next().unwrap_or(b"");
    if next() != b"proc" {
        return false;
    }
    match next() {
        b"self" | b"thread-self" => {}
        _ => return false,
    }
    let name = match next() {
        b"task" if number(next()) => next(),
        name => name,
    };
    // `/exe/.` is none: the link leads to no directory.
    name == b"exe" && is_exe(path) && parts.next().is_none()
}

fn number(part: &[u8]) -> bool {
    !part.is_empty() && part.iter().all(u8::is_ascii_digit)
}

/// What the kernel says of a memfd in a link to it.
pub(crate) const MEMFD: &[u8] = b"/memfd:";

/// Whether a link's text, cut at the size of its reader's buffer, can be that
/// of a memfd.
pub(crate) fn may_be_memfd(text: &[u8]) -> bool {
    let len = text.len().min(MEMFD.len());
    len > 0 && text.get(..len) == MEMFD.get(..len)
}

/// The value of an entry of /proc/PID/auxv.
pub(crate) fn auxv_value(auxv: &[u8], key: u64) -> Option<u64> {
    auxv.chunks_exact(16)
        .filter_map(|entry| entry.split_first_chunk::<8>())
        .find(|(found, _)| u64::from_ne_bytes(**found) == key)
        .and_then(|(_, value)| value.first_chunk::<8>())
        .map(|value| u64::from_ne_bytes(*value))
}

/// The name at the end of a line of /proc/PID/maps. Names have spaces; before
/// it are five fields without one.
pub(crate) fn maps_name(line: &[u8]) -> &[u8] {
    let mut rest = line;
    for _ in 0..5 {
        match rest.iter().position(|&byte| byte == b' ') {
            Some(space) => rest = rest.get(space + 1..).unwrap_or(&[]),
            None => return &[],
        }
    }
    rest.trim_ascii_start()
}

/// Copies a name from /proc/PID/maps, where a newline is written `\012`.
pub(crate) fn set_unescaped(path: &mut PathBuffer, name: &[u8]) -> fmt::Result {
    const NEWLINE: &[u8] = b"\\012";
    path.truncate(0);
    let mut rest = name;
    while let Some(at) = rest.windows(NEWLINE.len()).position(|part| part == NEWLINE) {
        let (before, behind) = rest.split_at(at);
        path.push(before)?;
        path.push(b"\n")?;
        rest = behind.get(NEWLINE.len()..).unwrap_or(&[]);
    }
    path.push(rest)
}

/// What the kernel appends to the name of a file that has none any more.
pub(crate) const DELETED: &[u8] = b" (deleted)";

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(path: &[u8]) -> PathBuffer {
        let mut buffer = PathBuffer::new();
        buffer.set(path).unwrap();
        buffer
    }

    #[test]
    fn the_last_component_is_exe() {
        for path in ["exe", "/exe", "/proc/self/exe", "a/exe", "//exe", "./exe", "../7/exe"] {
            assert!(is_exe(path.as_bytes()), "{path}");
        }
        for path in [
            "",
            "/",
            "e",
            "xe",
            "exe/",
            "exe/.",
            "/proc/self/exe2",
            "aexe",
            "a.exe",
            "exe ",
            "Exe",
        ] {
            assert!(!is_exe(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn own_links_by_text() {
        for path in [
            "/proc/self/exe",
            "/proc/thread-self/exe",
            "/proc/self/task/12/exe",
            "//proc///self/./exe",
            "/./proc/self/.//exe",
            "/proc/thread-self/task/1/exe",
        ] {
            assert!(is_own_exe(path.as_bytes()), "{path}");
        }
        for path in [
            "",
            "exe",
            "/",
            "proc/self/exe",
            "/proc/self",
            "/proc/self/",
            "/proc/self/exe/",
            "/proc/self/exe/.",
            "/proc/self/exe/..",
            "/proc/../proc/self/exe",
            "/proc/self/../self/exe",
            "/proc/1/exe",
            "/proc/self/task/exe",
            "/proc/self/task/12/exe2",
            "/proc/self/task/a/exe",
            "/proc/self/task//exe",
            "/proc/self/task/1/task/1/exe",
            "/proc/self/fd/exe",
            concat!("/proc/self/root", "/proc/self/exe"),
            "/proc/self/exe/exe",
            "/a/proc/self/exe",
            "/proc/selfish/exe",
            "/proc /self/exe",
        ] {
            assert!(!is_own_exe(path.as_bytes()), "{path}");
        }
    }

    /// Every path of up to five components of these.
    #[test]
    fn own_links_are_exe_links_and_nothing_else() {
        const PARTS: [&str; 8] = ["proc", "self", "thread-self", "task", "7", "exe", ".", ""];
        let mut own = 0;
        for code in 0..8usize.pow(5) {
            let parts: Vec<&str> = (0..5).map(|place| PARTS[code >> (3 * place) & 7]).collect();
            let path = format!("/{}", parts.join("/"));
            let plain: Vec<&str> = parts.into_iter().filter(|part| !matches!(*part, "" | ".")).collect();
            let wanted = matches!(
                plain[..],
                ["proc", "self" | "thread-self", "exe"] | ["proc", "self" | "thread-self", "task", "7", "exe"]
            ) && path.ends_with("/exe");
            assert_eq!(is_own_exe(path.as_bytes()), wanted, "{path}");
            own += usize::from(wanted);
        }
        // Two forms, the empty and the dot in two places of the shorter one.
        assert_eq!(own, 2 + 2 * 6 * 4);
    }

    #[test]
    fn names_are_replaced_and_links_followed() {
        for (path, name, result) in [
            ("exe", "auxv", "auxv"),
            ("/exe", "maps", "/maps"),
            ("/proc/12/exe", "map_files/1-2", "/proc/12/map_files/1-2"),
            ("", "maps", "maps"),
        ] {
            let mut path = buffer(path.as_bytes());
            path.set_name(format_args!("{name}")).unwrap();
            assert_eq!(path.bytes(), result.as_bytes());
            assert_eq!(path.c_str().to_bytes(), result.as_bytes());
        }
        for (path, link, result) in [
            ("/a/b", "/proc/self/exe", "/proc/self/exe"),
            ("/a/b", "../c", "/a/../c"),
            ("b", "c/d", "c/d"),
        ] {
            let mut path = buffer(path.as_bytes());
            path.follow(link.as_bytes()).unwrap();
            assert_eq!(path.c_str().to_bytes(), result.as_bytes());
        }
    }

    #[test]
    fn buffers_end_at_path_max() {
        let mut path = PathBuffer::new();
        assert!(path.set(&[b'a'; PATH_MAX]).is_err());
        assert!(path.set(&[b'a'; PATH_MAX - 1]).is_ok());
        assert_eq!(path.c_str().to_bytes().len(), PATH_MAX - 1);
        assert!(path.push(b"b").is_err());
        assert!(path.push(b"").is_ok());
        path.truncate(PATH_MAX);
        assert_eq!(path.bytes().len(), PATH_MAX - 1);
        path.truncate(3);
        assert_eq!(path.c_str().to_bytes(), b"aaa");
        assert!(path.set_name(format_args!("{:4096}", 1)).is_err());
    }

    #[test]
    fn cut_answers_may_be_memfds() {
        for text in ["/", "/m", "/memfd", "/memfd:", "/memfd:usertrap (deleted)"] {
            assert!(may_be_memfd(text.as_bytes()), "{text}");
        }
        for text in ["", "m", "/memfe", "/bin/memfd:", "memfd:"] {
            assert!(!may_be_memfd(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn auxv_entries() {
        let words = [3u64, 0x40, 9, 7, 0, 0];
        let auxv: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        assert_eq!(auxv_value(&auxv, 3), Some(0x40));
        assert_eq!(auxv_value(&auxv, 9), Some(7));
        assert_eq!(auxv_value(&auxv, 5), None);
        // Values are no keys, and a part of an entry is none.
        assert_eq!(auxv_value(&auxv, 7), None);
        assert_eq!(auxv_value(auxv.get(..31).unwrap(), 9), None);
        assert_eq!(auxv_value(&[], 3), None);
    }

    #[test]
    fn names_of_mappings() {
        for (line, name) in [
            (
                "1000-2000 r--p 00000000 08:01 77                         /usr/bin/a b",
                "/usr/bin/a b",
            ),
            ("1000-2000 r--p 00000000 08:01 77 /x (deleted)", "/x (deleted)"),
            ("1000-2000 r--p 00000000 00:00 0 ", ""),
            ("1000-2000 r--p 00000000 00:00 0", ""),
            ("1000-2000", ""),
            ("", ""),
        ] {
            assert_eq!(maps_name(line.as_bytes()), name.as_bytes());
        }
        for (name, path) in [
            ("/a\\012b\\012", "/a\nb\n"),
            ("/a\\01", "/a\\01"),
            ("", ""),
            ("\\012", "\n"),
        ] {
            let mut buffer = buffer(b"before");
            set_unescaped(&mut buffer, name.as_bytes()).unwrap();
            assert_eq!(buffer.c_str().to_bytes(), path.as_bytes());
        }
    }
}
