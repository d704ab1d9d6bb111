//! What a host is asked besides its facts: what services answer, what a process has loaded, what programs print.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{Answer, ParseFactsError};
use crate::model::UnitName;
use crate::transport::Command;

const SCRIPT: &str = include_str!("inquiry.sh");

/// How long a service may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// One thing to be asked on a host, so that it needs no way to the host but the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inquiry {
    /// A request over HTTP; the answer is head and body.
    Http(HttpRequest),
    /// One datagram over UDP; the answer is the first one that comes back.
    Datagram {
        /// The address.
        address: IpAddr,
        /// The port.
        port: u16,
        /// What is sent.
        bytes: Vec<u8>,
    },
    /// The shared libraries that the main process of a unit has loaded, a path a line.
    Libraries(UnitName),
    /// What `docker info` prints.
    DockerInfo,
    /// What `calicoctl status` prints.
    BgpStatus,
    /// The servers that the host asks for names, an address a line.
    Resolvers,
    /// The IPv4 addresses that the host's resolver knows for a name, one a line.
    Resolve(String),
}

/// A request over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The address.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
    /// The method, for example `GET`.
    pub method: &'static str,
    /// The path with its query, beginning with `/`.
    pub path: String,
    /// JSON, or nothing.
    pub body: String,
}

impl HttpRequest {
    /// The bytes on the wire. Version 1.0, so that the answer ends with the connection and is not cut into chunks.
    fn bytes(&self) -> Vec<u8> {
        let Self { address, port, method, path, body } = self;
        let mut text =
            format!("{method} {path} HTTP/1.0\r\nHost: {address}:{port}\r\nAccept: application/json\r\n");
        if !body.is_empty() {
            text.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()));
        }
        text.push_str("Connection: close\r\n\r\n");
        text.push_str(body);
        text.into_bytes()
    }
}

impl Inquiry {
    /// The command that asks `inquiries`, after the host has waited for `pause`.
    pub fn command(inquiries: &[Self], pause: Duration) -> Command {
        let mut records = String::new();
        let seconds = PATIENCE.as_secs();
        for (id, inquiry) in inquiries.iter().enumerate() {
            let _ = match inquiry {
                Self::Http(request) => {
                    let HttpRequest { address, port, .. } = request;
                    let bytes = BASE64.encode(request.bytes());
                    writeln!(records, "exchange\t{id}\ttcp\t{address}\t{port}\t{seconds}\t{bytes}")
                }
                Self::Datagram { address, port, bytes } => {
                    let bytes = BASE64.encode(bytes);
                    writeln!(records, "exchange\t{id}\tudp\t{address}\t{port}\t{seconds}\t{bytes}")
                }
                Self::Libraries(unit) => writeln!(records, "libraries\t{id}\t{unit}"),
                Self::DockerInfo => writeln!(records, "docker\t{id}"),
                Self::BgpStatus => writeln!(records, "bgp\t{id}"),
                Self::Resolvers => writeln!(records, "resolvers\t{id}"),
                Self::Resolve(name) => writeln!(records, "resolve\t{id}\t{name}"),
            };
        }
        Command::script(SCRIPT, [pause.as_secs_f32().to_string()]).stdin(records)
    }

    /// Reads what the script answered to so many inquiries.
    ///
    /// # Errors
    /// A record that cannot be read, or an answer that was cut off.
    pub fn answers(text: &str, count: usize) -> Result<Vec<Answer>, ParseFactsError> {
        let mut answers = vec![Answer::Nothing; count];
        let mut ended = false;
        for record in text.lines() {
            let mut fields = record.split('\t');
            match fields.next() {
                Some("inquiry") => {
                    let wrong = |why: &str| ParseFactsError::Record {
                        record: record.chars().take(60).collect(),
                        why: why.to_owned(),
                    };
                    let id = fields.next().and_then(|id| id.parse::<usize>().ok());
                    let answer =
                        id.and_then(|id| answers.get_mut(id)).ok_or_else(|| wrong("an unknown number"))?;
                    if let (Some("ok"), Some(bytes)) = (fields.next(), fields.next()) {
                        *answer =
                            Answer::Bytes(BASE64.decode(bytes).map_err(|error| wrong(&error.to_string()))?);
                    }
                }
                Some("end") => ended = true,
                _ => {}
            }
        }
        if ended { Ok(answers) } else { Err(ParseFactsError::Incomplete) }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, UdpSocket};
    use std::process::{Command as Local, Stdio};

    use super::*;

    /// Runs the script on this machine.
    fn ask(inquiries: &[Inquiry]) -> Vec<Answer> {
        let command = Inquiry::command(inquiries, Duration::ZERO);
        let [program, arguments @ ..] = command.words() else { panic!("no program") };
        let mut child =
            Local::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(command.input()).unwrap();
        let output = child.wait_with_output().unwrap();
        Inquiry::answers(&String::from_utf8_lossy(&output.stdout), inquiries.len()).unwrap()
    }

    #[test]
    fn services_are_asked_and_their_bytes_come_back_as_they_are() {
        let http = TcpListener::bind("127.0.0.1:0").unwrap();
        let dns = UdpSocket::bind("127.0.0.1:0").unwrap();
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let closed = silent.local_addr().unwrap().port();
        drop(silent);
        let address = [127, 0, 0, 1].into();
        let body = "{\"id\": \"it's ä\"}\n%s\\n";
        let request = HttpRequest {
            address,
            port: http.local_addr().unwrap().port(),
            method: "PUT",
            path: "/v2/apps/x?force=true".to_owned(),
            body: body.to_owned(),
        };
        let inquiries = [
            Inquiry::Http(request.clone()),
            Inquiry::Datagram {
                address,
                port: dns.local_addr().unwrap().port(),
                bytes: vec![0, 9, 10, 255, 0],
            },
            Inquiry::Http(HttpRequest { port: closed, ..request }),
        ];
        let (wanted, answers) = std::thread::scope(|scope| {
            let served = scope.spawn(|| {
                let mut stream = http.accept().unwrap().0;
                let mut seen = vec![0; 4096];
                let mut length = 0;
                while !seen[..length].ends_with(b"\\n") {
                    length += stream.read(&mut seen[length..]).unwrap();
                }
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n\0\xffbytes").unwrap();
                drop(stream);
                seen.truncate(length);
                let mut datagram = [0; 64];
                let (size, from) = dns.recv_from(&mut datagram).unwrap();
                datagram[..size].reverse();
                dns.send_to(&datagram[..size], from).unwrap();
                String::from_utf8(seen).unwrap()
            });
            let answers = ask(&inquiries);
            (served.join().unwrap(), answers)
        });
        assert!(wanted.starts_with("PUT /v2/apps/x?force=true HTTP/1.0\r\n"), "{wanted}");
        assert!(
            wanted.ends_with(&format!("Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())),
            "{wanted}"
        );
        let bytes = |bytes: &[u8]| Answer::Bytes(bytes.to_vec());
        assert_eq!(answers[0], bytes(b"HTTP/1.1 200 OK\r\n\r\n\0\xffbytes"));
        assert_eq!(answers[1..], [bytes(&[0, 255, 10, 9, 0]), Answer::Nothing]);
    }

    #[test]
    fn all_are_asked_at_once_and_their_answers_do_not_mix() {
        let address = [127, 0, 0, 1].into();
        let services: Vec<TcpListener> = (0..4).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let inquiry = |service: &TcpListener| {
            let port = service.local_addr().unwrap().port();
            let (path, body) = ("/".to_owned(), String::new());
            Inquiry::Http(HttpRequest { address, port, method: "GET", path, body })
        };
        let inquiries: Vec<Inquiry> = services.iter().map(inquiry).collect();
        // Nobody answers before everybody was asked, and no answer fits into one piece.
        let everybody = std::sync::Barrier::new(services.len());
        let answer = |number: usize| vec![b'a' + u8::try_from(number).unwrap(); 300_000];
        let answers = std::thread::scope(|scope| {
            for (number, service) in services.iter().enumerate() {
                let everybody = &everybody;
                scope.spawn(move || {
                    let mut stream = service.accept().unwrap().0;
                    everybody.wait();
                    stream.write_all(&answer(number)).unwrap();
                    // What was asked must have been read, or the answer is cut off.
                    let _ = stream.read(&mut [0; 4096]).unwrap();
                });
            }
            ask(&inquiries)
        });
        for (number, seen) in answers.iter().enumerate() {
            assert_eq!(*seen, Answer::Bytes(answer(number)));
        }
    }

    #[test]
    fn names_are_asked_of_the_hosts_own_resolver() {
        let name = |name: &str| Inquiry::Resolve(name.to_owned());
        let answers = ask(&[name("localhost"), name("no-such-host.invalid"), Inquiry::Resolvers]);
        assert_eq!(answers[..2], [Answer::Bytes(b"127.0.0.1\n".to_vec()), Answer::Nothing]);
        let resolvers = answers[2].text().unwrap_or_default();
        assert!(resolvers.lines().all(|line| line.parse::<IpAddr>().is_ok()), "{resolvers}");
    }

    #[test]
    fn an_answer_that_was_cut_off_is_none() {
        assert_eq!(Inquiry::answers("inquiry\t0\tok\taQ==\n", 1), Err(ParseFactsError::Incomplete));
        assert_eq!(
            Inquiry::answers("motd\ninquiry\t0\tok\taQ==\nend\n", 1),
            Ok(vec![Answer::Bytes(b"i".to_vec())])
        );
        assert!(matches!(
            Inquiry::answers("inquiry\t7\tok\t\nend\n", 1),
            Err(ParseFactsError::Record { .. })
        ));
    }
}
