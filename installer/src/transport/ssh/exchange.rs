//! One command on one channel: feeds its input and drains both of its streams at once.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use super::link::{Call, Interrupted, Link};
use super::options::after;

/// Read from disk at once; libssh2 sends it in packets of 32 KiB.
const CHUNK: usize = 256 * 1024;

/// Packets in one direction before the other is looked after.
const BURST: usize = 8;

/// A command that ended. Its standard output went where it was told to.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) status: i32,
    pub(super) stderr: Vec<u8>,
}

/// Why a command's end was not seen. The connection is of no use afterwards.
#[derive(Debug)]
pub(super) enum Broken {
    /// It took longer than it may in all.
    Limit,
    /// Nothing was heard from it for too long.
    Silence,
    /// The connection was lost.
    Lost(Box<dyn std::error::Error + Send + Sync>),
    /// The server does not run commands.
    Refused(ssh2::Error),
    /// What the command should read could not be read here.
    Input(io::Error),
    /// What the command wrote could not be written here.
    Output(io::Error),
}

/// How long a command may take, in all and without a byte.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) limit: Duration,
    pub(super) silence: Duration,
}

/// Runs `line` in the user's shell; `input` is what it reads, `stdout` gets what it writes.
///
/// # Errors
/// See [`Broken`]. A status other than zero is none.
pub(super) fn run(
    link: &Link,
    line: &str,
    input: &mut dyn Read,
    stdout: &mut dyn Write,
    patience: Patience,
) -> Result<Finished, Broken> {
    let mut exchange = Exchange::start(link, line, Feed::new(input), stdout, patience)?;
    while !exchange.step()? {}
    exchange.finish()
}

/// What became of a command that was to go on.
pub(super) enum Held {
    /// It wrote a line and goes on for as long as its channel is kept.
    Holding(ssh2::Channel),
    /// It ended.
    Ended(Finished),
}

/// Runs `line` until it has written its first line, and leaves it running: its input stays open.
///
/// # Errors
/// See [`Broken`].
pub(super) fn hold(
    link: &Link,
    line: &str,
    input: &mut dyn Read,
    stdout: &mut Vec<u8>,
    patience: Patience,
) -> Result<Held, Broken> {
    let mut first = FirstLine { bytes: stdout, seen: false };
    let mut feed = Feed::new(input);
    feed.stays_open = true;
    let mut exchange = Exchange::start(link, line, feed, &mut first, patience)?;
    loop {
        if exchange.step()? {
            return exchange.finish().map(Held::Ended);
        }
        if exchange.stdout.seen && exchange.link.half_sent().is_none() {
            return Ok(Held::Holding(exchange.channel));
        }
    }
}

/// Keeps what is written and knows whether that is a line yet.
struct FirstLine<'a> {
    bytes: &'a mut Vec<u8>,
    seen: bool,
}

impl Write for FirstLine<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.seen |= bytes.contains(&b'\n');
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens a channel and starts `line` on it.
fn start(link: &Link, line: &str, patience: Patience) -> Result<(ssh2::Channel, Clock), Broken> {
    let begin = Instant::now();
    let clock = Clock { patience, end: after(patience.limit), heard: begin };
    let until = clock.next();
    let start = |interrupted| match interrupted {
        Interrupted::TimedOut => clock.which(),
        // LIBSSH2_ERROR_CHANNEL_FAILURE, …_REQUEST_DENIED
        Interrupted::Failed(error) if [-21, -22].map(ssh2::ErrorCode::Session).contains(&error.code()) => {
            Broken::Refused(error)
        }
        Interrupted::Failed(error) => Broken::Lost(error.into()),
    };
    let mut channel = link.wait(Call::Session, until, || link.session().channel_session()).map_err(start)?;
    link.wait(Call::Session, until, || channel.exec(line)).map_err(start)?;
    Ok((channel, clock))
}

/// When to give up.
#[derive(Debug, Clone, Copy)]
struct Clock {
    patience: Patience,
    end: Instant,
    heard: Instant,
}

impl Clock {
    fn next(&self) -> Instant {
        self.heard.checked_add(self.patience.silence).map_or(self.end, |end| end.min(self.end))
    }

    /// Which of the two limits has passed.
    fn which(&self) -> Broken {
        if Instant::now() >= self.end { Broken::Limit } else { Broken::Silence }
    }
}

/// What is still to be sent.
struct Feed<'a> {
    source: &'a mut dyn Read,
    buffer: Vec<u8>,
    sent: usize,
    state: FeedState,
    /// The command is not told when the source has ended.
    stays_open: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FeedState {
    Reading,
    /// The source is at its end and the command has not been told yet.
    Ending,
    Done,
}

impl<'a> Feed<'a> {
    fn new(source: &'a mut dyn Read) -> Self {
        Self { source, buffer: Vec::new(), sent: 0, state: FeedState::Reading, stays_open: false }
    }

    /// Makes sure that there is something to send, unless the source has ended.
    fn fill(&mut self) -> io::Result<()> {
        if self.state == FeedState::Reading && self.sent == self.buffer.len() {
            self.buffer.resize(CHUNK, 0);
            let count = self.source.read(&mut self.buffer)?;
            self.buffer.truncate(count);
            self.sent = 0;
            if count == 0 {
                self.state = if self.stays_open { FeedState::Done } else { FeedState::Ending };
            }
        }
        Ok(())
    }
}

struct Exchange<'a, W: Write + ?Sized> {
    link: &'a Link,
    channel: ssh2::Channel,
    clock: Clock,
    stderr: Vec<u8>,
    feed: Feed<'a>,
    stdout: &'a mut W,
    buffer: Vec<u8>,
    closed: bool,
}

impl<'a, W: Write + ?Sized> Exchange<'a, W> {
    fn start(
        link: &'a Link,
        line: &str,
        feed: Feed<'a>,
        stdout: &'a mut W,
        patience: Patience,
    ) -> Result<Self, Broken> {
        let (channel, clock) = start(link, line, patience)?;
        let buffer = vec![0; 64 * 1024];
        Ok(Self { link, channel, clock, stderr: Vec::new(), feed, stdout, buffer, closed: false })
    }

    /// Receives and sends what goes now, and waits where nothing does; true once the command has ended.
    fn step(&mut self) -> Result<bool, Broken> {
        let received = self.receive()?;
        let sent = self.send(self.closed)?;
        if received || sent {
            self.clock.heard = Instant::now();
        }
        // Last, because every call above may have taken the closing off the socket.
        let was_closed = self.closed;
        self.closed = was_closed || self.is_closed()?;
        let half_sent = self.link.half_sent().is_some();
        if self.closed && !half_sent {
            return Ok(true);
        }
        if Instant::now() >= self.clock.next() {
            return Err(self.clock.which());
        }
        // Every call takes all that has arrived off the socket, also what belongs to the other
        // stream: the socket need not become readable again for that.
        let queued = !half_sent && self.channel.read_window().available > 0;
        let moved = received || sent || queued || self.closed != was_closed;
        if !moved && !self.link.poll(self.clock.next()) {
            return Err(self.clock.which());
        }
        Ok(false)
    }

    /// Takes what both streams hold; whether that was anything.
    fn receive(&mut self) -> Result<bool, Broken> {
        if self.channel.eof() {
            self.flush_window()?;
            return Ok(false);
        }
        let mut any = false;
        for _ in 0..BURST {
            let Some(count @ 1..) = self.read(0)? else { break };
            self.stdout.write_all(self.buffer.get(..count).unwrap_or_default()).map_err(Broken::Output)?;
            any = true;
        }
        for _ in 0..BURST {
            let Some(count @ 1..) = self.read(ssh2::EXTENDED_DATA_STDERR)? else { break };
            self.stderr.extend_from_slice(self.buffer.get(..count).unwrap_or_default());
            any = true;
        }
        Ok(any)
    }

    fn read(&mut self, stream: i32) -> Result<Option<usize>, Broken> {
        let mut stream = self.channel.stream(stream);
        let buffer = &mut self.buffer;
        self.link
            .attempt_io(Call::Read(0), || stream.read(buffer))
            .map_err(|error| Broken::Lost(error.into()))
    }

    /// At the end of the streams nothing is read any more, but a half-sent window adjustment must go.
    fn flush_window(&mut self) -> Result<(), Broken> {
        if self.link.half_sent() == Some(Call::Read(0)) {
            let channel = &mut self.channel;
            self.link
                .attempt(Call::Read(0), || channel.adjust_receive_window(0, false))
                .map_err(|error| Broken::Lost(error.into()))?;
        }
        Ok(())
    }

    fn is_closed(&mut self) -> Result<bool, Broken> {
        if !self.channel.eof() {
            return Ok(false);
        }
        let channel = &mut self.channel;
        // This only reads, so a half-sent packet does not stand in its way.
        match channel.wait_close() {
            Ok(()) => Ok(true),
            Err(error) if error.code() == ssh2::ErrorCode::Session(-37) => Ok(false),
            Err(error) => Err(Broken::Lost(error.into())),
        }
    }

    /// Sends some input; whether anything went. A command may stop reading before its input ends: after
    /// `closed` only what is half sent is completed.
    fn send(&mut self, closed: bool) -> Result<bool, Broken> {
        let mut any = false;
        for _ in 0..BURST {
            let unfinished = matches!(self.link.half_sent(), Some(Call::Write(_) | Call::Close(_)));
            if (closed && !unfinished) || !self.send_packet()? {
                break;
            }
            any = true;
        }
        Ok(any)
    }

    fn send_packet(&mut self) -> Result<bool, Broken> {
        self.feed.fill().map_err(Broken::Input)?;
        let (link, channel, feed) = (self.link, &mut self.channel, &mut self.feed);
        match feed.state {
            FeedState::Reading => {
                let bytes = feed.buffer.get(feed.sent..).unwrap_or_default();
                let sent = link
                    .attempt_io(Call::Write(0), || channel.write(bytes))
                    .map_err(|error| Broken::Lost(error.into()))?;
                feed.sent += sent.unwrap_or(0);
                Ok(sent.is_some_and(|count| count > 0))
            }
            FeedState::Ending => {
                let done = link
                    .attempt(Call::Close(0), || channel.send_eof())
                    .map_err(|error| Broken::Lost(error.into()))?;
                if done.is_some() {
                    feed.state = FeedState::Done;
                }
                Ok(done.is_some())
            }
            FeedState::Done => Ok(false),
        }
    }

    /// The status, and the channel closed on this side too.
    fn finish(mut self) -> Result<Finished, Broken> {
        let lost = |error: ssh2::Error| Broken::Lost(error.into());
        let signal = self.channel.exit_signal().map_err(lost)?.exit_signal;
        let status = match signal {
            Some(signal) => 128 + signal_number(&signal),
            None => self.channel.exit_status().map_err(lost)?,
        };
        let (link, channel) = (self.link, &mut self.channel);
        link.wait(Call::Close(0), self.clock.next(), || channel.close()).map_err(|error| match error {
            Interrupted::TimedOut => self.clock.which(),
            Interrupted::Failed(error) => Broken::Lost(error.into()),
        })?;
        Ok(Finished { status, stderr: self.stderr })
    }
}

/// Signal numbers (Linux) of the names in RFC 4254, section 6.10.
fn signal_number(name: &str) -> i32 {
    match name {
        "HUP" => 1,
        "INT" => 2,
        "QUIT" => 3,
        "ILL" => 4,
        "ABRT" => 6,
        "FPE" => 8,
        "KILL" => 9,
        "USR1" => 10,
        "SEGV" => 11,
        "USR2" => 12,
        "PIPE" => 13,
        "ALRM" => 14,
        "TERM" => 15,
        // Any other has a name of the server's own, which holds no number.
        _ => 127,
    }
}
