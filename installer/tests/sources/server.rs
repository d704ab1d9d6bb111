//! A web server on the loopback device that can be told to misbehave.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What lies under one path.
#[derive(Clone)]
pub(crate) enum Answer {
    /// A file with its `ETag`.
    File(Vec<u8>, &'static str),
    /// The same, but the connection breaks after so many bytes of one answer; only once.
    Cut(Vec<u8>, &'static str, usize),
    /// Go elsewhere.
    Redirect(String),
}

#[derive(Default)]
struct State {
    answers: BTreeMap<String, Answer>,
    /// `path` or `path range`.
    asked: Vec<String>,
}

/// The server; it ends with the test's process.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server =
            Self { url: format!("http://{}", listener.local_addr().unwrap()), state: Arc::default() };
        let same = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // Whoever asks may have gone.
                let _ = same.serve(stream.unwrap());
            }
        });
        server
    }

    /// Puts something under `path`, which begins with `/`, and returns its address.
    pub(crate) fn put(&self, path: &str, answer: Answer) -> String {
        self.state.lock().unwrap().answers.insert(path.to_owned(), answer);
        format!("{}{path}", self.url)
    }

    /// What was asked for so far: the path, and the range where one was given.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.clone()
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        let path = lines.next().unwrap()?.split(' ').nth(1).unwrap().to_owned();
        let (mut range, mut if_range) = (None, String::new());
        for line in lines {
            let line = line?;
            let (name, value) = line.split_once(": ").unwrap_or((&line, ""));
            match name.to_lowercase().as_str() {
                "" => break,
                "range" => range = Some(value.to_owned()),
                "if-range" => if_range = value.to_owned(),
                _ => {}
            }
        }
        let mut state = self.state.lock().unwrap();
        state.asked.push(format!("{path} {}", range.as_deref().unwrap_or_default()).trim().to_owned());
        let answer = state.answers.get(&path).cloned();
        if let Some(Answer::Cut(bytes, tag, _)) = &answer {
            state.answers.insert(path, Answer::File(bytes.clone(), tag));
        }
        drop(state);
        let (bytes, tag, limit) = match answer {
            Some(Answer::File(bytes, tag)) => (bytes, tag, usize::MAX),
            Some(Answer::Cut(bytes, tag, limit)) => (bytes, tag, limit),
            Some(Answer::Redirect(to)) => {
                return write!(
                    stream,
                    "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                );
            }
            None => {
                return write!(
                    stream,
                    "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                );
            }
        };
        let start = range
            .filter(|_| if_range == tag)
            .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
        let total = bytes.len();
        let rest = &bytes[start.unwrap_or(0)..];
        match start {
            Some(start) => {
                write!(
                    stream,
                    "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {start}-{}/{total}\r\n",
                    total - 1
                )?;
            }
            None => write!(stream, "HTTP/1.1 200 OK\r\n")?,
        }
        write!(stream, "ETag: {tag}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", rest.len())?;
        stream.write_all(&rest[..limit.min(rest.len())])
    }
}
