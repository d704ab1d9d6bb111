//! Measures the transport: `ssh-bench ADDRESS PORT KEY KNOWN_HOSTS [MEGABYTES] [JUMP]`.
//!
//! Prints how long ten connections with one `true` each take, side by side and one after the other, how
//! long a command takes on an open connection, and how fast a file goes up and down. `JUMP` is a
//! `ProxyJump`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anstream::println;
use calico_mesos_install::model::HostName;
use calico_mesos_install::transport::ssh::{SshConnector, SshOptions, Target};
use calico_mesos_install::transport::{Command, Connector, Upload};
use camino::Utf8PathBuf;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const HOSTS: usize = 10;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, port, key, known_hosts, rest @ ..] = &arguments[..] else {
        return Err("usage: ssh-bench ADDRESS PORT KEY KNOWN_HOSTS [MEGABYTES] [JUMP]".into());
    };
    let megabytes: usize = rest.first().map_or(Ok(256), |text| text.parse())?;
    let names =
        (0..HOSTS).map(|index| format!("host-{index}").parse()).collect::<Result<Vec<HostName>, _>>()?;
    let target = Target {
        address: address.clone(),
        port: Some(port.parse()?),
        user: Some("root".to_owned()),
        identity_file: Some(key.into()),
    };
    let targets: BTreeMap<_, _> = names.iter().map(|name| (name.clone(), target.clone())).collect();
    let folder = tempfile::tempdir()?;
    let path = |name: &str| {
        Utf8PathBuf::from_path_buf(folder.path().join(name)).map_err(|path| format!("{}", path.display()))
    };
    let config = path("config")?;
    let jump = rest.get(1).map_or(String::new(), |jump| {
        format!("Match host host-*\n ProxyJump {jump}\nMatch all\nIdentityFile {key}\n")
    });
    fs_err::write(&config, jump)?;
    let options = SshOptions {
        known_hosts: vec![known_hosts.into()],
        config: Some(config),
        ..SshOptions::of_this_user(targets)
    };
    let connector = SshConnector::new(options)?;
    let once = |name: &HostName| -> Result<(), Failure> {
        connector.connect(name)?.run(&Command::new("true"))?;
        Ok(())
    };

    let begin = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> = names.iter().map(|name| scope.spawn(|| once(name))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| Err("panicked".into())))
    })?;
    println!("connect + true, {HOSTS} side by side: {:?}", begin.elapsed());

    let begin = Instant::now();
    names.iter().try_for_each(once)?;
    println!("connect + true, one after the other: {:?} each", begin.elapsed() / 10);

    let mut session = connector.connect(&names[0])?;
    let begin = Instant::now();
    for _ in 0..50 {
        session.run(&Command::new("true"))?;
    }
    println!("true on an open connection: {:?}", begin.elapsed() / 50);

    let rate =
        |elapsed: Duration| format!("{:.0} MB/s", megabytes as f64 * 1.048_576 / elapsed.as_secs_f64());
    let source = path("source")?;
    fs_err::write(&source, vec![7; megabytes << 20])?;
    let remote = format!("/dev/shm/ssh-bench-{}", std::process::id()).parse()?;
    let begin = Instant::now();
    session.upload(&Upload { source: &source, offset: 0, target: &remote }, &mut |_| ())?;
    println!("upload of {megabytes} MiB: {}", rate(begin.elapsed()));
    let begin = Instant::now();
    session.download(&remote, &mut std::io::sink())?;
    println!("download: {}", rate(begin.elapsed()));
    session.run(&Command::new("rm").arg(remote.as_str()))?;
    Ok(())
}
