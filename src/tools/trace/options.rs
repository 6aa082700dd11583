//! What the tool shows, and how: settings, as the configured core keeps them.

use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

use super::classes::class;
use super::decode::number_of;
use super::table;
use crate::hook::Interest;
use crate::tools::Format;

static STRING_LIMIT: AtomicU32 = AtomicU32::new(DEFAULT_LIMIT);
static SELECTED: [AtomicU64; Interest::NUMBERS / 64] = [const { AtomicU64::new(u64::MAX) }; Interest::NUMBERS / 64];
static SIGNALS: AtomicU64 = AtomicU64::new(u64::MAX);
static TIME: AtomicU8 = AtomicU8::new(Time::None as u8);
static DURATION: AtomicU8 = AtomicU8::new(0);
static TO_FILE: AtomicU8 = AtomicU8::new(0);
static STACKS: AtomicU8 = AtomicU8::new(0);
static PATHS: AtomicU8 = AtomicU8::new(0);
static SUMMARY: AtomicU8 = AtomicU8::new(Summary::None as u8);
static SORT: AtomicU8 = AtomicU8::new(Sort::Time as u8);
static FORM: AtomicU8 = AtomicU8::new(Form::Lines as u8);

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

/// Whether there is a table of all calls at the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Summary {
    /// There is none.
    None,
    /// There is nothing else.
    Only,
    /// There is one.
    Also,
}

/// How that table is sorted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Sort {
    /// By descending time.
    Time,
    /// By descending number of calls.
    Calls,
    /// By descending number of errors.
    Errors,
    /// By name.
    Name,
    /// By number.
    None,
}

/// The form of what is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Form {
    /// As strace writes it.
    Lines,
    /// A JSON object for each call.
    Json,
    /// Events of Chrome's trace format.
    Perfetto,
}

/// All settings of the tool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options<'a> {
    /// Bytes of strings that are shown.
    pub strings: u32,
    /// The calls that are shown, as strace's `-e trace=` has them; all if there
    /// is none.
    pub calls: Option<&'a [u8]>,
    /// The signals that are shown, as strace's `-e signal=` has them; all if there
    /// is none.
    pub signals: Option<&'a [u8]>,
    /// The time in front of each line.
    pub time: Time,
    /// Whether the time in each call is shown.
    pub duration: bool,
    /// Whether it is shown what descriptors lead to.
    pub paths: bool,
    /// Whether it is shown where calls come from.
    pub stacks: bool,
    /// Whether there is a table at the end.
    pub summary: Summary,
    /// How it is sorted.
    pub sort: Sort,
}

impl Options<'_> {
    /// Those of an empty environment.
    pub const DEFAULT: Options<'static> = Options {
        strings: DEFAULT_LIMIT,
        calls: None,
        signals: None,
        time: Time::None,
        duration: false,
        paths: false,
        stacks: false,
        summary: Summary::None,
        sort: Sort::Time,
    };
}

/// Takes the settings; before the hook is asked for its interest.
pub(crate) fn configure(options: &Options<'_>, format: Format, to_file: bool) {
    let form = match format {
        Format::Text => Form::Lines,
        Format::Json => Form::Json,
        Format::Perfetto => Form::Perfetto,
    };
    FORM.store(form as u8, Relaxed);
    STRING_LIMIT.store(options.strings, Relaxed);
    TIME.store(options.time as u8, Relaxed);
    DURATION.store(options.duration.into(), Relaxed);
    PATHS.store(options.paths.into(), Relaxed);
    STACKS.store(options.stacks.into(), Relaxed);
    // A table is for people.
    if form == Form::Lines {
        SUMMARY.store(options.summary as u8, Relaxed);
    }
    SORT.store(options.sort as u8, Relaxed);
    TO_FILE.store(to_file.into(), Relaxed);
    if let Some(set) = options.calls.and_then(|text| select(text).ok()) {
        for (number, word) in SELECTED.iter().enumerate() {
            let bits = (0..64).filter(|bit| set.contains(number * 64 + bit));
            word.store(bits.fold(0, |word, bit| word | 1 << bit), Relaxed);
        }
    }
    if let Some(set) = options.signals.and_then(|text| select_signals(text).ok()) {
        SIGNALS.store(set, Relaxed);
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

/// Whether any signal is shown.
pub(super) fn shows_signals() -> bool {
    SIGNALS.load(Relaxed) != 0 && !only_counts()
}

pub(super) fn shows_signal(number: u32) -> bool {
    (1..=64).contains(&number) && SIGNALS.load(Relaxed) >> (number - 1) & 1 != 0
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

pub(super) fn form() -> Form {
    [Form::Json, Form::Perfetto]
        .into_iter()
        .find(|&form| form as u8 == FORM.load(Relaxed))
        .unwrap_or(Form::Lines)
}

pub(super) fn shows_paths() -> bool {
    PATHS.load(Relaxed) != 0
}

/// Whether it is shown where calls come from.
pub(super) fn shows_stacks() -> bool {
    STACKS.load(Relaxed) != 0 && !only_counts()
}

/// Whether there is a table of all calls, and whether there is nothing else.
pub(super) fn counts() -> bool {
    SUMMARY.load(Relaxed) != Summary::None as u8
}

pub(super) fn only_counts() -> bool {
    SUMMARY.load(Relaxed) == Summary::Only as u8
}

pub(super) fn sort() -> Sort {
    [Sort::Calls, Sort::Errors, Sort::Name, Sort::None]
        .into_iter()
        .find(|&sort| sort as u8 == SORT.load(Relaxed))
        .unwrap_or(Sort::Time)
}

/// Whether what is written of a call is written when it has been made, and not
/// in two parts.
pub(super) fn is_whole() -> bool {
    form() != Form::Lines
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

/// The signals that a list of names and numbers, separated by commas, stands for;
/// behind a `!` all others. As a mask.
///
/// # Errors
/// The first name that is not known.
pub(crate) fn select_signals(text: &[u8]) -> Result<u64, &[u8]> {
    let (inverted, list) = match text.strip_prefix(b"!") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut set = 0;
    for name in list.split(|&byte| byte == b',') {
        set |= match name {
            b"all" => u64::MAX,
            b"none" => 0,
            name => 1 << (number_of(name).ok_or(name)? - 1),
        };
    }
    Ok(if inverted { !set } else { set })
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
    fn signals_are_selected_by_name_and_number() {
        let set = |text: &'static str| select_signals(text.as_bytes());
        assert_eq!(set("SIGHUP,int,3,RTMIN,sigrt_32"), Ok(0b111 | 1 << 31 | 1 << 63));
        assert_eq!(
            (set("all"), set("none"), set("!none")),
            (Ok(u64::MAX), Ok(0), Ok(u64::MAX))
        );
        assert_eq!(set("!USR1"), Ok(!(1 << 9)));
        for unknown in ["foo", "0", "65", "", "rt_33", "+1", "SIG1"] {
            assert_eq!(set(unknown), Err(unknown.as_bytes()));
        }
        assert!(shows_signal(1) && shows_signal(64) && !shows_signal(65) && !shows_signal(0));
    }

    #[test]
    fn all_are_selected_if_nothing_is_said() {
        assert_eq!(selection(), Interest::all());
        assert!(!is_selected(1024));
        assert_eq!((string_limit(), time(), shows_duration()), (32, Time::None, false));
    }
}
