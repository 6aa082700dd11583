//! The report of the stat tool as a page to look at: one file with its data,
//! its style and its script in it, which asks nothing of the network.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

const FRAME: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// The page of a report, which is JSON as `docs/stat-json.md` has it.
///
/// # Errors
/// If it is none.
pub(crate) fn page(report: &[u8], command: &[OsString], made: SystemTime) -> Result<String, serde_json::Error> {
    let report: Value = serde_json::from_slice(report)?;
    let seconds = made.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let data = json!({
        "report": report,
        "meta": {
            "command": line(command),
            "made": seconds,
            "version": env!("CARGO_PKG_VERSION"),
        },
    });
    // Nothing in it can end the element that holds it.
    let data = data.to_string().replace('<', "\\u003c");
    // In this order: what is put in is not looked at again.
    let (before, rest) = cut(FRAME, "/*STYLE*/");
    let (middle, rest) = cut(rest, "/*DATA*/");
    let (between, after) = cut(rest, "/*SCRIPT*/");
    Ok([before, STYLE, middle, &data, between, SCRIPT, after].concat())
}

fn cut<'a>(text: &'a str, mark: &str) -> (&'a str, &'a str) {
    text.split_once(mark).unwrap_or((text, ""))
}

/// The command line, quoted as a shell has to be given it.
fn line(command: &[OsString]) -> String {
    let words = command.iter().map(|word| shlex::bytes::try_quote(word.as_bytes()));
    // None has a zero in it: they were arguments.
    let words: Vec<_> = words.map(Result::unwrap_or_default).collect();
    String::from_utf8_lossy(&words.join(&b' ')).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &[u8] = br#"{"usertrap_stat":2,"processes":[{"pid":1,"activity":[[0,21845,900]]}]}"#;

    #[test]
    fn the_page_has_all_of_it_and_asks_for_nothing() {
        let page = page(REPORT, &["make".into(), "-j2".into()], UNIX_EPOCH).unwrap();
        for part in ["\"made\":0", "\"command\":\"make -j2\"", "\"activity\":", STYLE, SCRIPT] {
            assert!(page.contains(part), "{part:.40}");
        }
        for mark in ["/*STYLE*/", "/*DATA*/", "/*SCRIPT*/", " src=", "@import", "url("] {
            assert!(!page.contains(mark), "{mark}");
        }
        // The namespace of SVG is a name and no address.
        assert_eq!(
            page.matches("http").count(),
            page.matches("http://www.w3.org/2000/svg").count() + 1
        );
        assert!(page.contains("http-equiv"));
    }

    #[test]
    fn no_name_ends_the_script() {
        let page = page(br#"{"name":"</script><b>"}"#, &["</script>".into()], UNIX_EPOCH).unwrap();
        assert_eq!(page.matches("</script>").count(), 2);
        assert!(page.contains(r"\u003c/script>\u003cb>"));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        assert!(page(b"usertrap stat: pid 1", &[], UNIX_EPOCH).is_err());
    }

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        let command = ["sh", "-c", "a b", "", "$x"].map(OsString::from);
        assert_eq!(line(&command), "sh -c 'a b' '' '$x'");
    }
}
