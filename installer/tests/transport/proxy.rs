//! A TCP proxy that can drop connections and lose packets.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

pub struct Proxy {
    pub port: u16,
    frozen: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    /// Forwards to `port` on loopback, except for the first `drops` connections, which it closes at once.
    pub fn to(port: u16, drops: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            frozen: Arc::default(),
            streams: Arc::default(),
        };
        let (frozen, streams) = (Arc::clone(&proxy.frozen), Arc::clone(&proxy.streams));
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok).skip(drops) {
                streams.lock().unwrap().push(near.try_clone().unwrap());
                let far = TcpStream::connect(("127.0.0.1", port)).unwrap();
                for (from, to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
                    let frozen = Arc::clone(&frozen);
                    std::thread::spawn(move || copy(from, to, &frozen));
                }
            }
        });
        proxy
    }

    /// Ends all connections there are.
    pub fn cut(&self) {
        for stream in self.streams.lock().unwrap().drain(..) {
            stream.shutdown(Shutdown::Both).unwrap();
        }
    }

    /// From now on nothing passes, and nobody is told.
    pub fn freeze(&self) {
        self.frozen.store(true, Ordering::SeqCst);
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, frozen: &AtomicBool) {
    let mut buffer = [0; 65536];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        while frozen.load(Ordering::SeqCst) {
            std::thread::park();
        }
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    if !frozen.load(Ordering::SeqCst) {
        let _ = to.shutdown(Shutdown::Both);
    }
}
