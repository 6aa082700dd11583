//! Writes which files are opened how often to the file that its options name, when a
//! process ends.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;

use usertrap_hook::calls::{Open, Openat};
use usertrap_hook::{Address, Call, Hook, Verdict, hook, number};

struct Opens {
    file: PathBuf,
    counts: Mutex<BTreeMap<String, u64>>,
}

/// The path that a call opens.
fn path(call: &Call) -> Option<Address> {
    call.typed::<Openat>()
        .map(|open| open.path)
        .or_else(|| call.typed::<Open>().map(|open| open.path))
}

impl Hook for Opens {
    const NAME: &str = "opens";
    const NUMBERS: Option<&[u16]> = Some(&[number::<Open>(), number::<Openat>()]);

    fn init(options: &str) -> Result<Opens, String> {
        if !options.starts_with('/') {
            return Err("say where to: --hook libopens.so:/path/to/FILE".into());
        }
        Ok(Opens {
            file: options.into(),
            counts: Mutex::default(),
        })
    }

    fn enter(&self, _: &mut Call) -> Verdict {
        Verdict::PassThenExit
    }

    fn exit(&self, call: &mut Call) {
        if let (Some(Ok(_)), Some(path)) = (call.result(), path(call))
            && let (Ok(path), Ok(mut counts)) = (path.string(4096), self.counts.lock())
        {
            *counts.entry(path.to_string_lossy().into_owned()).or_default() += 1;
        }
    }

    fn fork_child(&self) {
        if let Ok(mut counts) = self.counts.lock() {
            counts.clear();
        }
    }

    fn fini(&self) {
        let Ok(counts) = self.counts.lock() else { return };
        let text: String = counts.iter().map(|(path, count)| format!("{count} {path}\n")).collect();
        let file = OpenOptions::new().create(true).append(true).open(&self.file);
        // One write: other processes write there too.
        if file.and_then(|mut file| file.write_all(text.as_bytes())).is_err() {
            usertrap_hook::log(&format!("cannot write to {}", self.file.display()));
        }
    }
}

hook!(Opens);
