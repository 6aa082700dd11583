use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use super::*;

/// A directory of a test's own, removed at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("usertrap-find-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a directory for the test");
        Scratch(path)
    }

    /// A file with this mode, its directories made.
    fn file(&self, name: &str, mode: u32, contents: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("directories");
        fs::write(&path, contents).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn searched(name: &str, path: &str) -> Result<OsString, u8> {
    let environment = [OsString::from("X=1"), OsString::from(format!("PATH={path}"))];
    program(OsStr::new(name), Searcher::from_environment(&environment)).map_err(|failure| failure.status())
}

#[test]
fn directories_are_tried_in_order() {
    let scratch = Scratch::new("order");
    let first = scratch.file("b/tool", 0o755, b"");
    scratch.file("c/tool", 0o755, b"");
    scratch.file("a/other", 0o755, b"");
    let root = scratch.0.display();
    let path = format!("{root}/a:{root}/none:{root}/b:{root}/c");
    assert_eq!(searched("tool", &path), Ok(first.into()));
    assert_eq!(searched("nothing", &path), Err(127));
    assert_eq!(searched("", &path), Err(127));
}

#[test]
fn what_cannot_be_executed_is_passed_over_and_remembered() {
    let scratch = Scratch::new("modes");
    scratch.file("a/tool", 0o644, b"");
    fs::create_dir_all(scratch.0.join("b/tool")).expect("a directory");
    let root = scratch.0.display();
    assert_eq!(searched("tool", &format!("{root}/a:{root}/b")), Err(126));
    assert_eq!(searched("tool", &format!("{root}/a/tool:{root}/none")), Err(127));
    let good = scratch.file("c/tool", 0o755, b"");
    assert_eq!(
        searched("tool", &format!("{root}/a:{root}/b:{root}/c")),
        Ok(good.into())
    );
}

#[test]
fn a_name_with_a_slash_is_taken_as_it_is() {
    let scratch = Scratch::new("slash");
    let tool = scratch.file("tool", 0o755, b"");
    let plain = scratch.file("plain", 0o644, b"");
    let text = |path: &PathBuf| path.display().to_string();
    assert_eq!(searched(&text(&tool), "/nonexistent"), Ok(tool.clone().into()));
    assert_eq!(searched(&text(&plain), ""), Err(126));
    assert_eq!(searched(&text(&scratch.0), ""), Err(126));
    assert_eq!(searched(&format!("{}/x", tool.display()), ""), Err(126));
    assert_eq!(searched("./nonexistent-file", "/bin"), Err(127));
}

#[test]
fn empty_directories_are_the_current_one() {
    let environment = [OsString::from("PATH=:/a::/b/:"), OsString::from("PATH=/late")];
    let searcher = Searcher::from_environment(&environment);
    let all: Vec<OsString> = searcher.candidates(OsStr::new("x")).collect();
    assert_eq!(all, ["x", "/a/x", "x", "/b//x", "x"]);
}

#[test]
fn without_a_path_there_is_the_systems() {
    assert_eq!(Searcher::from_environment(&["PATHS=/x".into()]).path, DEFAULT_PATH);
    assert_eq!(Searcher::from_environment(&["PATH=".into()]).path, "");
}

#[test]
fn the_object_lies_beside_the_command_or_in_lib() {
    let scratch = Scratch::new("object");
    let bin = scratch.0.join("bin");
    fs::create_dir_all(&bin).expect("a directory");
    let looked = match beside(&bin) {
        Err(Failure::NoObject { looked }) => looked,
        other => panic!("found {other:?}"),
    };
    let root = &scratch.0;
    let places = [
        "bin/./libusertrap.so",
        "lib/usertrap/libusertrap.so",
        "lib/libusertrap.so",
    ];
    assert_eq!(looked, places.map(|place| root.join(place)));
    // From the last place to the first: each is preferred to those before.
    for name in places.iter().rev() {
        let file = scratch.file(name, 0o755, b"");
        assert_eq!(beside(&bin).expect("an object"), file);
    }
}

#[test]
fn an_object_without_an_entry_point_is_for_preloading_only() {
    let scratch = Scratch::new("entry");
    let mut header = [0; 64];
    header[..5].copy_from_slice(b"\x7fELF\x02");
    let without = scratch.file("without.so", 0o755, &header);
    assert!(matches!(library(Some(&without)), Err(Failure::PreloadOnly { .. })));
    header[24] = 0x40;
    let with = scratch.file("with.so", 0o755, &header);
    assert_eq!(library(Some(&with)).expect("an object"), with);
    let script = scratch.file("script.so", 0o755, b"#!/bin/sh\n");
    assert_eq!(library(Some(&script)).expect("an object"), script);
}

#[test]
fn links_to_programs_are_programs() {
    let scratch = Scratch::new("links");
    let tool = scratch.file("real/tool", 0o755, b"");
    fs::create_dir_all(scratch.0.join("bin")).expect("a directory");
    let link = scratch.0.join("bin/tool");
    symlink(tool, &link).expect("a link");
    assert_eq!(
        searched("tool", &format!("{}/bin", scratch.0.display())),
        Ok(link.into())
    );
}
