//! Tools: hooks that come with the library. They use `hook` only.

mod clock;
mod histogram;
pub(crate) mod inject;
mod json;
mod layout;
mod lines;
mod moments;
pub(crate) mod policy;
mod processes;
mod stat;
mod text;
mod threads;
pub(crate) mod timeline;
mod totals;
pub(crate) mod trace;

pub use inject::Inject;
pub use policy::Policy;
pub use stat::Stat;
pub use trace::Trace;

pub(crate) use trace::error_text;

use crate::hook::Hook;

/// A tool, by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tool {
    /// No hook: calls only take their way through the library.
    None,
    /// Counts calls.
    Stat,
    /// Shows calls.
    Trace,
    /// Lets calls fail.
    Inject,
    /// Denies calls.
    Policy,
}

/// The form of a report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// A table for people.
    Text,
    /// For programs.
    Json,
    /// Events that show in Perfetto; of the trace tool alone.
    Perfetto,
}

/// The hook of `tool`. There is one of each kind, made at compile time: nothing
/// is allocated and nothing initialised.
///
/// It is a reference to the reference, which one word can hold.
pub fn hook(tool: Tool, format: Format, timed: bool) -> Option<&'static &'static dyn Hook> {
    static TEXT: &dyn Hook = &Stat::new(Format::Text, false);
    static TEXT_TIMED: &dyn Hook = &Stat::new(Format::Text, true);
    static JSON: &dyn Hook = &Stat::new(Format::Json, false);
    static JSON_TIMED: &dyn Hook = &Stat::new(Format::Json, true);
    static TRACE: &dyn Hook = &Trace;
    static INJECT: &dyn Hook = &Inject;
    static POLICY: &dyn Hook = &Policy;
    match (tool, format, timed) {
        (Tool::None, _, _) => None,
        (Tool::Trace, _, _) => Some(&TRACE),
        (Tool::Inject, _, _) => Some(&INJECT),
        (Tool::Policy, _, _) => Some(&POLICY),
        (Tool::Stat, Format::Text | Format::Perfetto, false) => Some(&TEXT),
        (Tool::Stat, Format::Text | Format::Perfetto, true) => Some(&TEXT_TIMED),
        (Tool::Stat, Format::Json, false) => Some(&JSON),
        (Tool::Stat, Format::Json, true) => Some(&JSON_TIMED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tool_has_its_hook() {
        assert!(hook(Tool::None, Format::Json, true).is_none());
        for format in [Format::Text, Format::Json] {
            let words = |timed| hook(Tool::Stat, format, timed).unwrap().thread_words();
            assert!(words(false) < words(true));
        }
    }
}
