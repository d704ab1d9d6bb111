//! Jump hosts.

use std::time::{Duration, Instant};

use calico_mesos_install::transport::ssh::{SshConnector, SshOptions, Target};
use calico_mesos_install::transport::{Command, Connector, Session};
use camino::Utf8PathBuf;

use super::commands::noise;
use super::proxy::Proxy;
use super::server::{Folder, Server, connect, plain, refusal, user};

/// A jump host and the hosts behind it, which are one server by many names.
struct Behind {
    gate: Server,
    server: Server,
    folder: Folder,
    known: Utf8PathBuf,
}

impl Behind {
    fn new() -> Self {
        let (gate, server, folder) = (Server::start(), Server::start(), Folder::new());
        let known = folder.write(
            "known_hosts",
            [&gate, &server].map(|end| fs_err::read_to_string(end.known_hosts()).unwrap()).concat(),
        );
        Self { gate, server, folder, known }
    }

    fn options(&self, names: &[&str], config: &str) -> SshOptions {
        let config = format!(
            "Host gate*\n HostName 127.0.0.1\n Port {}\n User {}\n IdentityFile {}\n{config}\n",
            self.gate.port,
            user(),
            self.gate.client_key
        );
        SshOptions {
            config: Some(self.folder.write("config", config)),
            known_hosts: vec![self.known.clone()],
            ..plain(names.iter().map(|name| (*name, self.server.target())))
        }
    }

    /// The same with a proxy in front of the jump host.
    fn proxied(&self, names: &[&str], proxy: &Proxy) -> SshOptions {
        let options = self.options(names, &format!("Match host host*\n ProxyJump gate:{}", proxy.port));
        let known = fs_err::read_to_string(&self.known).unwrap();
        let line = format!("[127.0.0.1]:{} {}\n", proxy.port, self.gate.host_key("ed25519"));
        SshOptions { known_hosts: vec![self.folder.write("proxied", known + &line)], ..options }
    }
}

/// How often sshd has let somebody in.
fn logins(server: &Server) -> usize {
    server.log().matches("Accepted publickey").count()
}

#[test]
fn commands_and_much_data_go_through() {
    let behind = Behind::new();
    let mut session = connect(behind.options(&["host"], "Host host\n ProxyJump gate")).unwrap();
    let input = noise(20_000_000);
    let output = session.run(&Command::new("tee").arg("/dev/stderr").stdin(input.clone())).unwrap();
    assert!(output.stdout == input && output.stderr == input);
    assert_eq!(session.run(&Command::script("exit 9", Vec::<String>::new())).unwrap().status, 9);
    assert_eq!((logins(&behind.gate), logins(&behind.server)), (1, 1));
    // The server sees the jump host's connection, which is closed with the session.
    let begin = Instant::now();
    drop(session);
    assert!(begin.elapsed() < Duration::from_millis(100));
}

#[test]
fn many_hosts_share_a_few_connections() {
    let behind = Behind::new();
    let names: Vec<String> = (0..24).map(|index| format!("host-{index}")).collect();
    let list: Vec<&str> = names.iter().map(String::as_str).collect();
    let options =
        SshOptions { connections_per_jump_host: 3, ..behind.options(&list, "Host host-*\n ProxyJump gate") };
    let connector = SshConnector::new(options).unwrap();
    let mut sessions: Vec<Box<dyn Session>> = Vec::new();
    std::thread::scope(|scope| {
        let threads: Vec<_> = list
            .iter()
            .map(|name| scope.spawn(|| connector.connect(&name.parse().unwrap()).unwrap()))
            .collect();
        sessions.extend(threads.into_iter().map(|thread| thread.join().unwrap()));
    });
    // Sessions outlive their connector, and work all at once.
    drop(connector);
    let input = noise(2_000_000);
    std::thread::scope(|scope| {
        for session in &mut sessions {
            let input = &input;
            scope.spawn(move || {
                let output = session.run(&Command::new("cat").stdin(input.clone())).unwrap();
                assert!(&output.stdout == input);
            });
        }
    });
    assert_eq!((logins(&behind.gate), logins(&behind.server)), (3, 24));
    // One end going away leaves the others be.
    sessions.truncate(1);
    assert!(sessions[0].run(&Command::new("true")).unwrap().success());
}

#[test]
fn chains() {
    let behind = Behind::new();
    let mut session = connect(behind.options(&["host"], "Host host\n ProxyJump gate,gate-2,gate-3")).unwrap();
    let input = noise(1_000_000);
    assert!(session.run(&Command::new("cat").stdin(input.clone())).unwrap().stdout == input);
    assert_eq!(logins(&behind.gate), 3);
}

#[test]
fn the_jump_host_s_key_is_verified_too() {
    let behind = Behind::new();
    let mut options = behind.options(&["host"], "Host host\n ProxyJump gate");
    options.known_hosts = vec![behind.server.known_hosts()];
    let text = refusal(options.clone());
    assert!(
        text.contains(&format!("jump host gate (127.0.0.1 port {}) is not known", behind.gate.port)),
        "{text}"
    );
    options.known_hosts = vec![behind.gate.known_hosts()];
    let text = refusal(options);
    assert!(text.contains("host (127.0.0.1") && text.contains("  ssh -J "), "{text}");
}

#[test]
fn a_host_that_the_jump_host_cannot_reach() {
    let behind = Behind::new();
    let mut options = behind.options(&["host"], "Host host\n ProxyJump gate");
    options.targets.values_mut().for_each(|target| target.port = Some(1));
    let text = refusal(options);
    assert!(text.contains("host (127.0.0.1 port 1) cannot be reached from jump host gate"), "{text}");
}

#[test]
fn dead_hosts_behind_a_jump_host_do_not_keep_others_waiting() {
    let behind = Behind::new();
    let dead: Vec<String> = (0..6).map(|index| format!("dead-{index}")).collect();
    let mut names: Vec<&str> = dead.iter().map(String::as_str).collect();
    names.push("host");
    let mut options = behind.options(&names, "Host host dead-*\n ProxyJump gate");
    options.connections_per_jump_host = 2;
    options.limits.connect = Duration::from_secs(6);
    // A listener whose queue is full answers nobody, as a host that is switched off.
    let full = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::net::listen(&full, 0).unwrap();
    let port = full.local_addr().unwrap().port();
    let _queued: Vec<_> = (0..3)
        .map(|_| {
            std::net::TcpStream::connect_timeout(&([127, 0, 0, 1], port).into(), Duration::from_millis(200))
        })
        .collect();
    for (name, target) in &mut options.targets {
        if name.as_str().starts_with("dead") {
            *target = Target { port: Some(port), ..target.clone() };
        }
    }
    let connector = SshConnector::new(options).unwrap();
    std::thread::scope(|scope| {
        for name in &dead {
            let connector = &connector;
            scope.spawn(move || {
                let text = connector.connect(&name.parse().unwrap()).err().unwrap().to_string();
                assert!(
                    text.contains("did not reach it within 6 s") || text.contains("became free"),
                    "{text}"
                );
            });
        }
        let mut session = connector.connect(&"host".parse().unwrap()).unwrap();
        assert!(session.run(&Command::new("true")).unwrap().success());
    });
    // And the jump host is of use afterwards.
    connector.connect(&"host".parse().unwrap()).unwrap();
}

#[test]
fn a_jump_host_that_is_lost() {
    let behind = Behind::new();
    let proxy = Proxy::to(behind.gate.port, 0);
    let connector = SshConnector::new(behind.proxied(&["host"], &proxy)).unwrap();
    let mut session = connector.connect(&"host".parse().unwrap()).unwrap();
    assert!(session.run(&Command::new("true")).unwrap().success());
    proxy.cut();
    let text = session.run(&Command::new("true")).unwrap_err().to_string();
    assert!(text.contains("the connection to host (127.0.0.1 port") && text.contains("was lost"), "{text}");
    // The next session gets a new connection to the jump host.
    assert!(
        connector.connect(&"host".parse().unwrap()).unwrap().run(&Command::new("true")).unwrap().success()
    );
}

#[test]
fn commands_that_end_while_their_input_is_stuck_on_the_way() {
    let behind = Behind::new();
    let proxy = Proxy::to(behind.gate.port, 0);
    // So many that what is on its way is more than all buffers hold.
    let names: Vec<String> = (0..12).map(|index| format!("host-{index}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut options = behind.proxied(&names, &proxy);
    options.connections_per_jump_host = 1;
    let connector = SshConnector::new(options).unwrap();
    let mut sessions: Vec<_> =
        names.iter().map(|name| connector.connect(&name.parse().unwrap()).unwrap()).collect();
    let stop = behind.folder.path.join("stop");
    let script =
        "exec 3<&0; cat <&3 >/dev/null & while [ ! -e \"$1\" ]; do sleep 0.05; done; kill $!; exit 7";
    let command = Command::script(script, [stop.as_str()]).stdin(noise(50_000_000));
    std::thread::scope(|scope| {
        let (proxy, command) = (&proxy, &command);
        for session in &mut sessions {
            scope.spawn(move || {
                assert_eq!(session.run(command).unwrap().status, 7);
                assert!(session.run(&Command::new("true")).unwrap().success());
            });
        }
        pass(Duration::from_millis(1000));
        proxy.freeze_client();
        pass(Duration::from_millis(1500));
        fs_err::write(&stop, "").unwrap();
        pass(Duration::from_millis(500));
        proxy.thaw();
    });
}

/// Nothing tells when buffers are full, so time has to pass.
#[expect(clippy::disallowed_methods)]
fn pass(time: Duration) {
    std::thread::sleep(time);
}
