//! A TCP proxy that can drop connections, hold packets back and end connections.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// What is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Held {
    #[default]
    Nothing,
    /// What the client sends.
    Client,
    Everything,
}

#[derive(Default)]
struct Shared {
    held: Mutex<Held>,
    changed: Condvar,
    streams: Mutex<Vec<TcpStream>>,
}

pub struct Proxy {
    pub port: u16,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Forwards to `port` on loopback, except for the first `drops` connections, which it closes at once.
    pub fn to(port: u16, drops: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self { port: listener.local_addr().unwrap().port(), shared: Arc::default() };
        let shared = Arc::clone(&proxy.shared);
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok).skip(drops) {
                shared.streams.lock().unwrap().push(near.try_clone().unwrap());
                let far = TcpStream::connect(("127.0.0.1", port)).unwrap();
                let there = (near.try_clone().unwrap(), far.try_clone().unwrap(), &[Held::Nothing][..]);
                let back = (far, near, &[Held::Nothing, Held::Client][..]);
                for (from, to, passing) in [there, back] {
                    let shared = Arc::clone(&shared);
                    std::thread::spawn(move || copy(from, to, passing, &shared));
                }
            }
        });
        proxy
    }

    /// Ends all connections there are.
    pub fn cut(&self) {
        for stream in self.shared.streams.lock().unwrap().drain(..) {
            stream.shutdown(Shutdown::Both).unwrap();
        }
    }

    /// From now on nothing passes, and nobody is told.
    pub fn freeze(&self) {
        self.hold(Held::Everything);
    }

    /// From now on nothing that the client sends passes.
    pub fn freeze_client(&self) {
        self.hold(Held::Client);
    }

    /// Everything passes again.
    pub fn thaw(&self) {
        self.hold(Held::Nothing);
    }

    fn hold(&self, held: Held) {
        *self.shared.held.lock().unwrap() = held;
        self.shared.changed.notify_all();
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, passing: &[Held], shared: &Shared) {
    let mut buffer = [0; 65536];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let held = shared.held.lock().unwrap();
        drop(shared.changed.wait_while(held, |held| !passing.contains(held)).unwrap());
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
