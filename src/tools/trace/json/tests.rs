use super::super::clock::Pair;
use super::super::ring::Base;
use super::*;
use std::cell::RefCell;

const CLOCK: Clock = Clock {
    start: Pair {
        ticks: 0,
        ns: 1_700_000_000_000_000_000,
    },
    now: Pair {
        ticks: 1_000_000,
        ns: 1_700_000_000_001_000_000,
    },
};

fn record(kind: Kind, number: u32, result: i64) -> Record {
    Record {
        kind,
        number,
        who: Who { tid: 11, pid: 10 },
        time: 2500,
        since: 1500,
        result,
        base: Base::Decimal,
    }
}

fn written(write: impl FnOnce(&mut Out)) -> String {
    let mut out = Box::new(Out::new());
    write(&mut out);
    let bytes = RefCell::new(Vec::new());
    out.flush(&|part| bytes.borrow_mut().extend_from_slice(part));
    String::from_utf8(bytes.into_inner()).unwrap()
}

fn line(record: &Record, texts: [&[u8]; 3]) -> String {
    written(|out| call(out, record, &CLOCK, texts, None))
}

#[test]
fn a_call_is_an_object_with_its_arguments_apart() {
    assert_eq!(
        line(&record(Kind::Exit, 0, 2), [b"3\x02", b"\"a\\\"\\n\"\x022", b""]),
        concat!(
            r#"{"pid":10,"tid":11,"time":1700000000.000001,"name":"read","args":["3","\"a\\\"\\n\"","2"],"#,
            r#""result":2,"errno":null,"duration":1e-6}"#,
            "\n"
        )
    );
}

#[test]
fn a_signal_is_an_object_and_an_instant() {
    let info = b"si_signo=SIGUSR1\x02si_code=SI_QUEUE\x02si_ptr=0x4d";
    let record = record(Kind::Signal, 10, 0);
    assert_eq!(
        written(|out| signal(out, &record, &CLOCK, info, None)),
        concat!(
            r#"{"pid":10,"tid":11,"time":1700000000.000002,"signal":"SIGUSR1","#,
            r#""info":{"si_code":"SI_QUEUE","si_ptr":"0x4d"}}"#,
            "\n"
        )
    );
    assert_eq!(
        written(|out| Events::new().signal(out, &record, &CLOCK, info, None)),
        concat!(
            "[\n",
            r#"{"ph":"i","s":"t","cat":"signal","name":"SIGUSR1","pid":10,"tid":11,"ts":0.0,"#,
            r#""args":{"info":{"si_code":"SI_QUEUE","si_ptr":"0x4d"}}}"#
        )
    );
}

#[test]
fn where_a_call_comes_from_is_a_list() {
    let stack = Some(Stack("/lib/libc.so.6(write+0x14) [0x64]\n"));
    let none: [&[u8]; 3] = [b"", b"", b""];
    let line = written(|out| call(out, &record(Kind::Exit, 39, 10), &CLOCK, none, stack));
    assert!(
        line.ends_with(",\"stack\":[\"/lib/libc.so.6(write+0x14) [0x64]\"]}\n"),
        "{line}"
    );
}

#[test]
fn errors_notes_and_what_has_no_result_are_told() {
    let tail = |record, texts| {
        let line = line(&record, texts);
        line[line.find("\"name\"").unwrap()..].to_owned()
    };
    let none: [&[u8]; 3] = [b"", b"", b""];
    assert_eq!(
        tail(record(Kind::Exit, 0, -2), none),
        "\"name\":\"read\",\"args\":[],\"result\":-1,\"errno\":\"ENOENT\",\"duration\":1e-6}\n"
    );
    assert_eq!(
        tail(record(Kind::Exit, 500, -4000), none),
        "\"name\":\"syscall_0x1f4\",\"args\":[],\"result\":-1,\"errno\":\"4000\",\"duration\":1e-6}\n"
    );
    assert_eq!(
        tail(record(Kind::Restart, 0, -4), none),
        "\"name\":\"read\",\"args\":[],\"result\":-1,\"errno\":\"ERESTARTSYS\",\"duration\":1e-6}\n"
    );
    assert_eq!(
        tail(record(Kind::Enter, 0, 3), [b"3\x02", b"", b""]),
        "\"name\":\"read\",\"args\":[\"3\"],\"result\":null,\"errno\":null,\"duration\":null}\n"
    );
    assert_eq!(
        tail(
            record(Kind::Exit, 72, 1),
            [b"3\x02F_GETFD", b"", b" (flags FD_CLOEXEC)"]
        ),
        concat!(
            "\"name\":\"fcntl\",\"args\":[\"3\",\"F_GETFD\"],\"result\":1,\"errno\":null,",
            "\"duration\":1e-6,\"note\":\"flags FD_CLOEXEC\"}\n"
        )
    );
}

#[test]
fn the_longest_call_fits() {
    let text = [b'"'; MOST_TEXT];
    let texts: [&[u8]; 3] = [&text, &text, b""];
    let longest = line(&record(Kind::Exit, 0, i64::MIN), texts);
    assert!(longest.ends_with("}\n") && longest.len() < MOST);
}

#[test]
fn events_are_an_array_and_times_begin_with_the_first() {
    let text = written(|out| {
        let mut events = Events::new();
        events.name(out, &record(Kind::Begin, 0, 0), &CLOCK, b"na\"me");
        events.call(out, &record(Kind::Exit, 39, 10), &CLOCK, [b"", b"", b""], None);
        let who = Who { tid: 10, pid: 10 };
        let killed = End::Killed {
            signal: b"KILL",
            dumped: false,
        };
        events.ended(out, who, killed, CLOCK.ns(3000));
        events.close(out);
    });
    assert_eq!(
        text,
        r#"[
{"ph":"M","name":"thread_name","pid":10,"tid":11,"args":{"name":"na\"me"}},
{"ph":"X","cat":"syscall","name":"getpid","pid":10,"tid":11,"ts":0.0,"dur":1.0,"args":{"args":[],"result":10}},
{"ph":"i","s":"t","cat":"end","name":"killed by SIGKILL","pid":10,"tid":10,"ts":0.5}
]
"#
    );
    assert_eq!(written(|out| Events::new().close(out)), "[\n]\n");
}

#[test]
fn the_document_shows_this_format() {
    let document = include_str!("../../../../docs/trace-json.md");
    let none: [&[u8]; 3] = [b"", b"", b""];
    let who = Who { tid: 11, pid: 10 };
    let killed = End::Killed {
        signal: b"KILL",
        dumped: false,
    };
    for line in [
        line(&record(Kind::Exit, 0, 2), [b"3\x02", b"\"a\\\"\\n\"\x022", b""]),
        line(
            &record(Kind::Exit, 72, 1),
            [b"3\x02F_GETFD", b"", b" (flags FD_CLOEXEC)"],
        ),
        line(
            &record(Kind::Exit, 257, -2),
            [b"AT_FDCWD\x02\"/x\"\x02O_RDONLY", b"", b""],
        ),
        written(|out| ended(out, who, End::Exited(0), CLOCK.ns(1500))),
        written(|out| ended(out, who, killed, CLOCK.ns(1500))),
    ] {
        assert!(document.contains(&line), "{line}");
        for member in line.split('"').filter(|part| line.contains(&format!("\"{part}\":"))) {
            assert!(document.contains(&format!("`{member}`")), "{member}");
        }
    }
    let event = written(|out| Events::new().call(out, &record(Kind::Exit, 39, 10), &CLOCK, none, None));
    assert!(document.contains(event.trim_start_matches("[\n")), "{event}");
}
