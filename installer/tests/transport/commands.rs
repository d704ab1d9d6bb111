//! Running commands: streams, status, quoting.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use calico_mesos_install::transport::{Command, Session};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::server::Server;

fn script(text: &str) -> Command {
    Command::script(text, Vec::<String>::new())
}

#[test]
fn streams_stay_apart_and_the_status_is_told() {
    let server = Server::start();
    let mut session = server.session();
    let output = session.run(&script("echo out; echo err >&2; exit 3")).unwrap();
    assert_eq!((output.status, &output.stdout[..], &output.stderr[..]), (3, &b"out\n"[..], &b"err\n"[..]));
    assert!(session.run(&Command::new("true")).unwrap().success());
    assert_eq!(session.run(&Command::new("no-such-program")).unwrap().status, 127);
    assert_eq!(session.run(&script("exit 255")).unwrap().status, 255);
}

#[test]
fn a_signal_is_128_and_its_number() {
    let server = Server::start();
    let mut session = server.session();
    for (signal, status) in [("TERM", 143), ("KILL", 137), ("HUP", 129), ("SEGV", 139)] {
        assert_eq!(session.run(&script(&format!("kill -{signal} $$"))).unwrap().status, status, "{signal}");
    }
}

#[test]
fn much_on_both_streams_at_once() {
    const MUCH: usize = 20_000_000;
    let server = Server::start();
    let mut session = server.session();
    let output = session
        .run(&script(&format!("head -c {MUCH} /dev/zero & tr '\\0' x </dev/zero | head -c {MUCH} >&2; wait")))
        .unwrap();
    assert_eq!((output.stdout.len(), output.stderr.len()), (MUCH, MUCH));
    assert!(output.stdout.iter().all(|byte| *byte == 0) && output.stderr.iter().all(|byte| *byte == b'x'));
    let output = session.run(&script(&format!("head -c {MUCH} /dev/zero >&2"))).unwrap();
    assert_eq!((output.stdout.len(), output.stderr.len()), (0, MUCH));
}

/// Bytes without a pattern that a mistake could hide in.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..length.div_ceil(8)).flat_map(|_| next()).take(length).collect()
}

#[test]
fn ten_megabytes_there_and_back() {
    let server = Server::start();
    let mut session = server.session();
    let input = noise(10_000_000);
    let output = session.run(&Command::new("cat").stdin(input.clone())).unwrap();
    assert!(output.stdout == input);
    let output = session.run(&script("tee /dev/stderr").stdin(input.clone())).unwrap();
    assert!(output.stdout == input && output.stderr == input);
}

#[test]
fn a_command_may_leave_its_input_unread() {
    let server = Server::start();
    let mut session = server.session();
    for text in ["true", "exec <&-; echo x; exit 4", "head -c 5 >/dev/null; exit 5"] {
        let begin = Instant::now();
        session.run(&script(text).stdin(noise(10_000_000))).unwrap();
        assert!(begin.elapsed() < Duration::from_secs(5), "{text}");
    }
    assert_eq!(session.run(&Command::new("echo").arg("still here")).unwrap().stdout, b"still here\n");
}

#[test]
fn a_command_may_close_its_output_and_go_on_reading() {
    let server = Server::start();
    let mut session = server.session();
    let file = server.folder.path.join("copy");
    let input = noise(10_000_000);
    let copy = Command::script("exec >\"$1\" 2>&1; cat; exit 6", [file.as_str()]).stdin(input.clone());
    assert_eq!(session.run(&copy).unwrap().status, 6);
    assert!(fs_err::read(&file).unwrap() == input);
}

#[test]
fn sessions_run_side_by_side() {
    let server = Server::start();
    std::thread::scope(|scope| {
        for index in 0..16 {
            let server = &server;
            scope.spawn(move || {
                let mut session = server.session();
                let output = session.run(&Command::new("echo").arg(index.to_string())).unwrap();
                assert_eq!(output.stdout, format!("{index}\n").into_bytes());
            });
        }
    });
}

#[test]
fn arguments_arrive_as_they_were_given() {
    let server = Server::start();
    let session = RefCell::new(server.session());
    let mut runner = TestRunner::new(Config { cases: 100, failure_persistence: None, ..Config::default() });
    runner
        .run(&prop::collection::vec("\\PC*|[ -~\n\t]*|[!$`\"'\\\\~*#&;|<>]+", 1..4), |words| {
            let words: Vec<String> = words.into_iter().map(|word| word.replace('\0', "")).collect();
            let command = Command::new("printf").arg("%s\\0").args(words.clone());
            let output = session.borrow_mut().run(&command).unwrap();
            let expected: String = words.iter().map(|word| format!("{word}\0")).collect();
            prop_assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
            Ok(())
        })
        .unwrap();
}

#[test]
fn an_idle_session_stays_usable_and_ends_without_waiting() {
    let server = Server::start();
    let mut session: Box<dyn Session> = server.session();
    session.run(&Command::new("true")).unwrap();
    let begin = Instant::now();
    drop(session);
    assert!(begin.elapsed() < Duration::from_millis(100));
}
