//! sshd and ssh-agent as child processes, and options that fit them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calico_mesos_install::model::HostName;
use calico_mesos_install::transport::ssh::{Limits, SshConnector, SshOptions, Target};
use calico_mesos_install::transport::{Connector, Session, TransportError};
use camino::{Utf8Path, Utf8PathBuf};

/// A folder that goes away with the test.
pub struct Folder {
    _folder: tempfile::TempDir,
    pub path: Utf8PathBuf,
}

impl Folder {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("ssh-").tempdir_in("/tmp").unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        Self { _folder: folder, path }
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> Utf8PathBuf {
        let path = self.path.join(name);
        fs_err::write(&path, text).unwrap();
        path
    }
}

/// Ends a child process with its owner.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a program of OpenSSH's; what it prints.
pub fn openssh(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}: apt-get install openssh-client openssh-server"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A new key pair; the private key's file.
pub fn key_pair(folder: &Folder, name: &str, kind: &str, passphrase: &str) -> Utf8PathBuf {
    let file = folder.path.join(name);
    openssh("ssh-keygen", &["-q", "-t", kind, "-N", passphrase, "-C", name, "-f", file.as_str()]);
    file
}

pub fn public(key: &Utf8Path) -> String {
    fs_err::read_to_string(format!("{key}.pub")).unwrap()
}

pub fn user() -> String {
    openssh("id", &["-un"]).trim().to_owned()
}

/// One sshd.
pub struct Server {
    pub folder: Folder,
    pub port: u16,
    pub client_key: Utf8PathBuf,
    pub log: Arc<Mutex<String>>,
    _process: Running,
}

impl Server {
    pub fn start() -> Self {
        Self::with("")
    }

    /// With more lines for its configuration, which come first and so win.
    pub fn with(settings: &str) -> Self {
        Self::run(settings, &["ed25519"], |config| {
            let mut command = Command::new("/usr/sbin/sshd");
            command.args(["-D", "-e", "-f", config.as_str()]);
            command
        })
    }

    /// With host keys of these types, started as `command` says from its configuration.
    pub fn run(settings: &str, kinds: &[&str], command: impl FnOnce(&Utf8Path) -> Command) -> Self {
        let folder = Folder::new();
        // Without privilege separation's folder sshd refuses to start.
        let _ = fs_err::create_dir_all("/run/sshd");
        let client_key = key_pair(&folder, "client", "ed25519", "");
        let authorized = folder.write("authorized", public(&client_key));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut config = format!(
            "{settings}\nListenAddress 127.0.0.1\nPort {port}\nAuthorizedKeysFile {authorized}\nStrictModes no\n\
             UsePAM no\nPidFile none\nPermitRootLogin yes\nPasswordAuthentication no\nLogLevel VERBOSE\n\
             KbdInteractiveAuthentication no\nMaxStartups 100\nUseDNS no\nSetEnv HOME={}\n",
            folder.path
        );
        for kind in kinds {
            config += &format!("HostKey {}\n", key_pair(&folder, &format!("host_{kind}"), kind, ""));
        }
        let config = folder.write("sshd_config", config);
        let mut process = command(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("sshd is needed: apt-get install openssh-server");
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let process = Running(process);
        let mut begin = String::new();
        while !begin.contains("Server listening on") {
            let line = lines.next().unwrap_or_else(|| panic!("sshd ended: {begin}")).unwrap();
            begin += &line;
        }
        let log = Arc::new(Mutex::new(String::new()));
        let copy = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                *copy.lock().unwrap() += &format!("{line}\n");
            }
        });
        let server = Self { folder, port, client_key, log, _process: process };
        if let Some(kind) = kinds.first() {
            let line = format!("[127.0.0.1]:{port} {}\n", server.host_key(kind));
            server.folder.write("known_hosts", line);
        }
        server
    }

    pub fn host_key(&self, kind: &str) -> String {
        let line = public(&self.folder.path.join(format!("host_{kind}")));
        line.split(' ').take(2).collect::<Vec<_>>().join(" ")
    }

    /// A file of known hosts that lists the server's first key.
    pub fn known_hosts(&self) -> Utf8PathBuf {
        self.folder.path.join("known_hosts")
    }

    pub fn target(&self) -> Target {
        Target {
            address: "127.0.0.1".to_owned(),
            port: Some(self.port),
            user: Some(user()),
            identity_file: Some(self.client_key.clone()),
        }
    }

    /// Options that reach the server as `host`, and nothing of this machine's own.
    pub fn options(&self) -> SshOptions {
        SshOptions { known_hosts: vec![self.known_hosts()], ..plain([("host", self.target())]) }
    }

    pub fn session(&self) -> Box<dyn Session> {
        connect(self.options()).unwrap()
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

/// Options for these hosts that take nothing from the environment.
pub fn plain<'a>(targets: impl IntoIterator<Item = (&'a str, Target)>) -> SshOptions {
    let targets: BTreeMap<HostName, Target> =
        targets.into_iter().map(|(name, target)| (name.parse().unwrap(), target)).collect();
    SshOptions {
        config: None,
        home: None,
        agent: None,
        limits: Limits {
            connect: Duration::from_secs(20),
            command: Duration::from_secs(60),
            silence: Duration::from_secs(30),
        },
        ..SshOptions::of_this_user(targets)
    }
}

pub fn connect(options: SshOptions) -> Result<Box<dyn Session>, TransportError> {
    SshConnector::new(options)?.connect(&"host".parse().unwrap())
}

/// The text of the error that connecting ends with.
pub fn refusal(options: SshOptions) -> String {
    match connect(options) {
        Ok(_) => panic!("connected"),
        Err(error) => {
            assert!(error.is_unreachable());
            error.to_string()
        }
    }
}
