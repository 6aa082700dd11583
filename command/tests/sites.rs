//! `usertrap sites`: what it says of a small program that is made here, of a
//! process, and of what is neither.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A site of each form, refusals, and bytes that only look like a site.
const SOURCE: &str = r#"
    .text
    .globl _start
    .type _start,@function
_start:
    .cfi_startproc
    nop
    mov $39,%eax
    syscall
    mov $15,%rax
    syscall
    mov $202,%eax
    lea 8(%rsp),%rsi
    syscall
    mov $202,%eax
    xor %edx,%edx
    syscall
    {disp32} lea 8(%rsp),%rsi
    syscall
    mov %edi,%eax
    syscall
    .fill 160,1,0xf8
    mov $0x050f,%ebx
    mov $60,%r8d
    mov %r8,%rax
1:  syscall
    jmp 1b
    .cfi_endproc
    .size _start,.-_start
    .p2align 4
    .type padded,@function
padded:
    .cfi_startproc
    xor %eax,%eax
    syscall
    ret
    .cfi_endproc
    .size padded,.-padded
    .p2align 4
    .type last,@function
last:
    .cfi_startproc
    nop
    ret
    .cfi_endproc
    .size last,.-last
"#;

const TEXT: &str = "\
FILE: table 0x7f060000
           address     offset  number  what             function
          0x401006     0x1006      39  number           _start
          0x40100f     0x100f      15  wide-number      _start
          0x40101b     0x101b     202  replay           _start
          0x401024     0x1024     202  span-of-two      _start
          0x40102e     0x102e       -  span             _start
          0x401032     0x1032       -  ! no-room        _start
          0x4010e2     0x10e2       -  short-jump       _start
          0x4010f2     0x10f2       0  short-jump       padded
         8  100.00%  sites
         7   87.50%  rewritten
         1   12.50%    number
         1   12.50%    replay
         2   25.00%    short-jump
         1   12.50%    span
         1   12.50%    span-of-two
         1   12.50%    wide-number
         1   12.50%  refused: no-room
         1           pairs of bytes that are not an instruction
";

struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let root = std::env::temp_dir().join(format!("usertrap-sites-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).expect("a directory for the test");
        Place(root)
    }

    /// The program.
    fn program(&self) -> PathBuf {
        let (source, program) = (self.0.join("program.S"), self.0.join("program"));
        fs::write(&source, SOURCE).expect("its source");
        let made = Command::new("cc")
            .args([
                "-nostdlib",
                "-static",
                "-no-pie",
                "-Wl,--build-id=none,--eh-frame-hdr,-Ttext=0x401000",
                "-o",
            ])
            .args([&program, &source])
            .status();
        assert!(made.expect("a compiler").success());
        program
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn sites(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usertrap"));
    command.arg("sites").args(arguments).stdin(Stdio::null());
    command.output().expect("the command starts")
}

fn name(path: &Path) -> &str {
    path.to_str().expect("a plain name")
}

#[test]
fn each_site_of_a_program_is_told_with_its_form_or_refusal() {
    let place = Place::new("program");
    let program = place.program();
    let said = sites(&[name(&program)]);
    assert!(said.status.success() && said.stderr.is_empty(), "{said:?}");
    let text = String::from_utf8(said.stdout).expect("text");
    let (told, notes) = text.split_once("Each site is judged").expect("notes");
    assert_eq!(told, TEXT.replace("FILE", name(&program)));
    assert!(notes.contains("number-mismatch"));
}

#[test]
fn json_has_the_same() {
    let place = Place::new("json");
    let said = sites(&["--json", name(&place.program())]);
    assert!(said.status.success(), "{said:?}");
    let report: serde_json::Value = serde_json::from_slice(&said.stdout).expect("JSON");
    assert_eq!(report["usertrap_sites"], 1);
    let module = &report["modules"][0];
    assert_eq!(module["totals"], report["totals"]);
    assert_eq!(report["totals"]["sites"], 8);
    assert_eq!(report["totals"]["share"], 87.5);
    assert_eq!(report["totals"]["refused"]["no-room"], 1);
    assert_eq!(report["totals"]["not_an_instruction"], 1);
    let first = &module["sites"][0];
    for (member, value) in [
        ("address", 0x40_1006.into()),
        ("offset", 0x1006.into()),
        ("function", "_start".into()),
        ("number", 39.into()),
        ("fate", "rewrite".into()),
        ("tactic", "number".into()),
        ("refusal", serde_json::Value::Null),
    ] {
        assert_eq!(first[member], value, "{member}");
    }
    let refused = &module["sites"][5];
    assert_eq!(
        (&refused["fate"], &refused["refusal"]),
        (&"refuse".into(), &"no-room".into())
    );
    assert_eq!(refused["number"], serde_json::Value::Null);
}

const VETTED: &str = "\
FILE: 9 pairs
         1  inside
         1  site: number
         1  site: replay
         2  site: short-jump
         1  site: span
         1  site: span-of-two
         1  site: wide-number
         1  trap: no-room
all: 9 pairs, 0 unproven; 0 mappings writable or shared
";

#[test]
fn vetting_tells_what_every_pair_is() {
    let place = Place::new("vet");
    let program = place.program();
    let said = sites(&["--vet", name(&program)]);
    assert!(said.status.success() && said.stderr.is_empty(), "{said:?}");
    let text = String::from_utf8(said.stdout).expect("text");
    assert_eq!(text, VETTED.replace("FILE", name(&program)));
}

#[test]
fn vetting_shows_what_is_not_proved() {
    let place = Place::new("unproven");
    let program = place.program();
    let mut bytes = fs::read(&program).expect("a program");
    // The no-op with which `_start` begins: not an instruction any more.
    bytes[0x1000] = 0x06;
    fs::write(&program, bytes).expect("a program");
    let said = sites(&["--vet", "--json", name(&program)]);
    let report: serde_json::Value = serde_json::from_slice(&said.stdout).expect("JSON");
    assert_eq!(
        (&report["usertrap_vet"], &report["unproven"], &report["changing"]),
        (&1.into(), &8.into(), &0.into())
    );
    let module = &report["modules"][0];
    assert_eq!(module["changes"], serde_json::Value::Null);
    for (member, value) in [
        ("address", serde_json::Value::from(0x40_1006)),
        ("bytes", "0f 05".into()),
        ("function", "_start".into()),
        ("verdict", "unproven".into()),
        ("detail", "undecoded".into()),
    ] {
        assert_eq!(module["pairs"][0][member], value, "{member}");
    }
    let text = String::from_utf8(sites(&["--vet", name(&program)]).stdout).expect("text");
    assert!(
        text.contains("          0x401006  0f 05  undecoded    _start\n"),
        "{text}"
    );
}

#[test]
fn a_process_is_judged_mapping_by_mapping() {
    let mut child = Command::new("sleep").arg("1000").spawn().expect("sleep");
    let pid = child.id().to_string();
    // Until its libc is mapped.
    let said = (0..1000).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        let said = sites(&["--json", "--pid", &pid]);
        let report: serde_json::Value = serde_json::from_slice(&said.stdout).ok()?;
        (report["totals"]["sites"].as_u64()? > 100).then_some(report)
    });
    let ended = child.kill().and_then(|()| child.wait());
    let report = said.expect("the sites of a process");
    ended.expect("the end of sleep");
    let modules = report["modules"].as_array().expect("modules");
    let vdso = modules
        .iter()
        .find(|module| module["name"] == "[vdso]")
        .expect("its vDSO");
    for site in vdso["sites"].as_array().expect("sites") {
        // Proved by the vDSO's own .eh_frame, or left alone.
        assert!(site["fate"] != "refuse" || site["refusal"] == "kernel-made", "{site}");
    }
    let libc = modules
        .iter()
        .find(|module| module["name"].as_str().is_some_and(|name| name.contains("libc.so")));
    let libc = libc.expect("its libc");
    // As in the file, but for the addresses.
    let file = sites(&["--json", libc["name"].as_str().expect("a name")]);
    let file: serde_json::Value = serde_json::from_slice(&file.stdout).expect("JSON");
    let told = |module: &serde_json::Value| -> Vec<_> {
        let sites = module["sites"].as_array().expect("sites").iter();
        sites
            .map(|site| ["offset", "function", "number", "tactic", "refusal"].map(|member| site[member].clone()))
            .collect()
    };
    assert!(told(libc).len() > 100);
    assert_eq!(told(libc), told(&file["modules"][0]));
}

#[test]
fn what_cannot_be_judged_is_told_in_one_line() {
    let place = Place::new("bad");
    let (text, short, object) = (place.0.join("text"), place.0.join("short"), place.0.join("object.o"));
    fs::write(&text, "#!/bin/sh\n").expect("a script");
    fs::write(&short, b"\x7fELF\x02\x01\x01").expect("a stump");
    fs::write(place.0.join("object.S"), "syscall\n").expect("its source");
    let made = Command::new("cc")
        .args(["-c", "-o"])
        .args([&object, &place.0.join("object.S")])
        .status();
    assert!(made.expect("a compiler").success());
    let other = place.0.join("other");
    let mut bytes = fs::read(place.program()).expect("a program");
    bytes[18] = 3; // e_machine: i386
    fs::write(&other, &bytes).expect("one for another machine");
    for (arguments, want) in [
        (
            &["/nonexistent"][..],
            "cannot read /nonexistent: No such file or directory",
        ),
        (&["/"], "cannot read /: Is a directory"),
        (&[name(&text)], "not an ELF file of 64 bits"),
        (&[name(&short)], "not an ELF file of 64 bits"),
        (&[name(&object)], "nothing of it is loaded: an object file?"),
        (&[name(&other)], "not for x86-64"),
        (&["--pid", "4194305"], "cannot look at process 4194305: there is none"),
    ] {
        let said = sites(arguments);
        let line = String::from_utf8(said.stderr).expect("text");
        assert_eq!(said.status.code(), Some(125), "{line}");
        assert!(said.stdout.is_empty() && line.lines().count() == 1, "{line}");
        assert!(line.starts_with("usertrap: ") && line.contains(want), "{line}");
    }
    for arguments in [
        &[][..],
        &["--pid", "0"],
        &["--pid", "1", "/bin/sh"],
        &["--table", "7", "/bin/sh"],
    ] {
        assert_eq!(sites(arguments).status.code(), Some(125), "{arguments:?}");
    }
}

#[test]
fn files_that_are_cut_or_broken_end_nothing() {
    let place = Place::new("broken");
    let program = place.program();
    let bytes = fs::read(&program).expect("a program");
    let broken = place.0.join("broken");
    // Each header's byte in turn, and lengths from nothing to all.
    for at in (0..64 + 4 * 56).step_by(3) {
        let mut bytes = bytes.clone();
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 0xff;
        }
        fs::write(&broken, &bytes).expect("a file");
        let status = sites(&[name(&broken)]).status;
        assert!(matches!(status.code(), Some(0 | 125)), "byte {at}: {status:?}");
    }
    for length in (0..bytes.len()).step_by(bytes.len() / 40) {
        fs::write(&broken, &bytes[..length]).expect("a file");
        let status = sites(&[name(&broken)]).status;
        assert!(matches!(status.code(), Some(0 | 125)), "{length} bytes: {status:?}");
    }
}
