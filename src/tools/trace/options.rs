//! What the tool shows, and how: settings, as the configured core keeps them.

use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

use super::classes::class;
use super::table;
use crate::hook::Interest;

static STRING_LIMIT: AtomicU32 = AtomicU32::new(DEFAULT_LIMIT);
static SELECTED: [AtomicU64; Interest::NUMBERS / 64] = [const { AtomicU64::new(u64::MAX) }; Interest::NUMBERS / 64];
static TIME: AtomicU8 = AtomicU8::new(Time::None as u8);
static DURATION: AtomicU8 = AtomicU8::new(0);
static TO_FILE: AtomicU8 = AtomicU8::new(0);

/// Bytes of strings that are shown.
pub(crate) const DEFAULT_LIMIT: u32 = 32;

/// The time in front of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Time {
    /// None.
    None,
    /// Hours, minutes and seconds.
    Seconds,
    /// With microseconds.
    Microseconds,
    /// Seconds since 1970, with microseconds.
    Epoch,
    /// Since the line before.
    Relative,
}

/// All settings of the tool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options<'a> {
    /// Bytes of strings that are shown.
    pub strings: u32,
    /// The calls that are shown, as strace's `-e trace=` has them; all if there
    /// is none.
    pub calls: Option<&'a [u8]>,
    /// The time in front of each line.
    pub time: Time,
    /// Whether the time in each call is shown.
    pub duration: bool,
}

impl Options<'_> {
    /// Those of an empty environment.
    pub const DEFAULT: Options<'static> = Options {
        strings: DEFAULT_LIMIT,
        calls: None,
        time: Time::None,
        duration: false,
    };
}

/// Takes the settings; before the hook is asked for its interest.
pub(crate) fn configure(options: &Options<'_>, to_file: bool) {
    STRING_LIMIT.store(options.strings, Relaxed);
    TIME.store(options.time as u8, Relaxed);
    DURATION.store(options.duration.into(), Relaxed);
    TO_FILE.store(to_file.into(), Relaxed);
    if let Some(set) = options.calls.and_then(|text| select(text).ok()) {
        for (number, word) in SELECTED.iter().enumerate() {
            let bits = (0..64).filter(|bit| set.contains(number * 64 + bit));
            word.store(bits.fold(0, |word, bit| word | 1 << bit), Relaxed);
        }
    }
}

pub(super) fn string_limit() -> usize {
    STRING_LIMIT.load(Relaxed) as usize
}

pub(super) fn is_selected(number: u32) -> bool {
    let word = SELECTED.get(number as usize / 64);
    word.is_some_and(|word| word.load(Relaxed) >> (number % 64) & 1 != 0)
}

/// All numbers that are shown.
pub(super) fn selection() -> Interest {
    (0..Interest::NUMBERS)
        .filter(|&number| is_selected(number as u32))
        .fold(Interest::none(), Interest::with)
}

pub(super) fn time() -> Time {
    [Time::Seconds, Time::Microseconds, Time::Epoch, Time::Relative]
        .into_iter()
        .find(|&time| time as u8 == TIME.load(Relaxed))
        .unwrap_or(Time::None)
}

pub(super) fn shows_duration() -> bool {
    DURATION.load(Relaxed) != 0
}

/// Whether the lines go to a file of their own.
pub(super) fn to_file() -> bool {
    TO_FILE.load(Relaxed) != 0
}

/// The calls that a list of names and classes (`%file`), separated by commas,
/// stands for; behind a `!` all others.
///
/// # Errors
/// The first name that is not known.
pub(crate) fn select(text: &[u8]) -> Result<Interest, &[u8]> {
    let (inverted, list) = match text.strip_prefix(b"!") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut set = Interest::none();
    for name in list.split(|&byte| byte == b',') {
        let class = class(name.strip_prefix(b"%").unwrap_or(name));
        let mut known = class.is_some() || matches!(name, b"all" | b"none" | b"");
        set = class
            .into_iter()
            .flatten()
            .fold(set, |set, &number| set.with(number.into()));
        for number in 0..Interest::NUMBERS {
            if is_named(number as u32, name) {
                set = set.with(number);
                known = true;
            }
        }
        if !known {
            return Err(name);
        }
    }
    if inverted {
        let others = (0..Interest::NUMBERS).filter(|&number| !set.contains(number));
        set = others.fold(Interest::none(), Interest::with);
    }
    Ok(set)
}

fn is_named(number: u32, name: &[u8]) -> bool {
    name == b"all" || table::signature(number).is_some_and(|signature| signature.name.as_bytes() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(text: &str) -> Vec<usize> {
        let set = select(text.as_bytes()).unwrap();
        (0..Interest::NUMBERS).filter(|&number| set.contains(number)).collect()
    }

    #[test]
    fn calls_are_selected_by_name() {
        assert_eq!(members("read,openat"), [0, 257]);
        assert_eq!(members("!read").len(), Interest::NUMBERS - 1);
        assert_eq!(members("all").len(), Interest::NUMBERS);
        assert_eq!(members("none"), [0; 0]);
        assert_eq!(members("%stat,read,lstat"), [0, 4, 6]);
        assert!(members("file") == members("%file") && members("%file").contains(&257));
        assert_eq!(select(b"read,reed,xx"), Err(&b"reed"[..]));
    }

    #[test]
    fn all_are_selected_if_nothing_is_said() {
        assert_eq!(selection(), Interest::all());
        assert!(!is_selected(1024));
        assert_eq!((string_limit(), time(), shows_duration()), (32, Time::None, false));
    }
}
