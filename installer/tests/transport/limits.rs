//! Time limits and lost connections: nothing hangs.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use calico_mesos_install::model::HostPath;
use calico_mesos_install::transport::ssh::SshOptions;
use calico_mesos_install::transport::{Command, Session, TransportError, Upload};

use super::commands::noise;
use super::proxy::Proxy;
use super::server::{Server, connect, refusal};

const SOON: Duration = Duration::from_millis(500);

/// Runs `action`, which has to end long before a limit of the test's machinery does.
fn in_time<T>(action: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let result = action();
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    result
}

fn through(server: &Server, proxy: &Proxy) -> SshOptions {
    let mut options = server.options();
    let line = format!("[127.0.0.1]:{} {}\n", proxy.port, server.host_key("ed25519"));
    options.known_hosts = vec![server.folder.write("proxied", line)];
    options.targets.values_mut().for_each(|target| target.port = Some(proxy.port));
    options
}

fn broken(result: Result<impl Sized, TransportError>) -> String {
    let error = result.err().unwrap();
    assert!(!error.is_unreachable());
    error.to_string()
}

#[test]
fn a_command_that_takes_too_long() {
    let server = Server::start();
    let mut session = server.session();
    let text = in_time(|| broken(session.run(&Command::new("sleep").arg("30").limit(SOON))));
    assert!(text.contains("`sleep 30` on host (127.0.0.1 port"), "{text}");
    assert!(text.contains("took longer than 500 ms"), "{text}");
    // What that command still sends must not be taken for the next one's.
    let text = in_time(|| broken(session.run(&Command::new("true"))));
    assert!(text.contains("given up") && text.contains("connect again"), "{text}");
    in_time(|| drop(session));
}

#[test]
fn a_command_that_talks_all_the_time_is_limited_too() {
    let server = Server::start();
    let mut session = server.session();
    let text = in_time(|| broken(session.run(&Command::new("yes").limit(SOON))));
    assert!(text.contains("`yes` on host"), "{text}");
}

#[test]
fn a_silent_command_is_given_up_and_one_that_talks_is_not() {
    let server = Server::start();
    let mut options = server.options();
    options.limits.silence = Duration::from_secs(1);
    let mut session = connect(options).unwrap();
    let talk = "for i in 1 2 3 4 5 6 7 8; do echo; sleep 0.2; done";
    assert!(session.run(&Command::script(talk, Vec::<String>::new())).unwrap().success());
    let text = in_time(|| broken(session.run(&Command::new("sleep").arg("30"))));
    assert!(text.contains("nothing was heard for 1 s"), "{text}");
}

#[test]
fn a_server_that_never_greets() {
    let server = Server::start();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = server.options();
    options.limits.connect = SOON;
    let port = silent.local_addr().unwrap().port();
    options.targets.values_mut().for_each(|target| target.port = Some(port));
    let text = in_time(|| refusal(options));
    assert!(text.contains("the key exchange was not done within 500 ms"), "{text}");
}

#[test]
fn a_port_where_nothing_listens() {
    let server = Server::start();
    let mut options = server.options();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    options.targets.values_mut().for_each(|target| target.port = Some(port));
    let text = in_time(|| refusal(options));
    assert!(text.contains("cannot reach host") && text.contains("nothing listens there"), "{text}");
}

#[test]
fn a_name_without_an_address() {
    let server = Server::start();
    let mut options = server.options();
    options.targets.values_mut().for_each(|target| target.address = "no-such-host.invalid".to_owned());
    options.limits.connect = Duration::from_secs(3);
    let text = in_time(|| refusal(options));
    assert!(text.contains("no-such-host.invalid"), "{text}");
}

#[test]
fn a_busy_server_is_tried_again() {
    let server = Server::start();
    let proxy = Proxy::to(server.port, 3);
    connect(through(&server, &proxy)).unwrap();
    let proxy = Proxy::to(server.port, usize::MAX);
    let text = refusal(through(&server, &proxy));
    assert!(text.contains("drops the connection before it greets (8 tries)"), "{text}");
}

#[test]
fn a_host_that_vanishes_during_a_command() {
    let server = Server::start();
    let proxy = Proxy::to(server.port, 0);
    let mut options = through(&server, &proxy);
    options.limits.silence = SOON;
    let mut session = connect(options).unwrap();
    assert!(session.run(&Command::new("true")).unwrap().success());
    proxy.freeze();
    let text = in_time(|| broken(session.run(&Command::new("true"))));
    assert!(text.contains("nothing was heard for 500 ms"), "{text}");
    in_time(|| drop(session));
}

#[test]
fn a_host_that_vanishes_during_an_upload() {
    let server = Server::start();
    let proxy = Proxy::to(server.port, 0);
    let mut options = through(&server, &proxy);
    options.limits.silence = SOON;
    let mut session = connect(options).unwrap();
    let source = server.folder.write("source", noise(50_000_000));
    let target: HostPath = server.folder.path.join("target").as_str().parse().unwrap();
    let upload = Upload { source: &source, offset: 0, target: &target };
    let mut freeze = |sent: u64| {
        if sent > 5_000_000 {
            proxy.freeze();
        }
    };
    let text = in_time(|| broken(session.upload(&upload, &mut freeze)));
    assert!(text.contains("nothing was heard for 500 ms"), "{text}");
    in_time(|| drop(session));
}

#[test]
fn dropping_a_session_of_a_vanished_host_does_not_wait() {
    let server = Server::start();
    let proxy = Proxy::to(server.port, 0);
    let session: Box<dyn Session> = connect(through(&server, &proxy)).unwrap();
    proxy.freeze();
    let begin = Instant::now();
    drop(session);
    assert!(begin.elapsed() < Duration::from_millis(100));
}

#[test]
fn a_connection_that_is_killed_during_a_command() {
    let server = Server::start();
    let mut session = server.session();
    // The shell's parent is the sshd that serves the session.
    let kill = Command::script("kill -9 $PPID; sleep 5", Vec::<String>::new());
    let text = in_time(|| broken(session.run(&kill)));
    assert!(
        text.contains("the connection to host (127.0.0.1 port") && text.contains("was lost during"),
        "{text}"
    );
}
