//! Shows what happens: events in, progress, lines or JSON out. The only part that knows the terminal.

mod bars;
mod findings;
mod json;
mod lines;
mod log;
mod plan;
mod progress;
mod table;
mod transfers;

pub use bars::Bars;
pub use findings::show_findings;
pub use log::Log;
pub use plan::show_plan;
pub use table::{
    EarlierRun, HostStatus, Service, show_apps, show_checks, show_earlier_runs, show_hosts, show_runs,
    show_services, show_table,
};
pub use transfers::Transfers;

use std::io::IsTerminal as _;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde::Serialize;

use crate::diagnostic::elapsed;
use crate::event::{Event, Events, Message, Summary};

/// How a run is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Live progress on standard error, results on standard output.
    Terminal,
    /// A line for each thing that happens on standard error, results on standard output.
    Lines,
    /// Events on standard output, one JSON object a line.
    Json,
}

impl Format {
    /// JSON where it is asked for, else what standard error can show.
    pub fn detect(json: bool) -> Self {
        match json {
            true => Self::Json,
            false if std::io::stderr().is_terminal() => Self::Terminal,
            false => Self::Lines,
        }
    }
}

/// Shows events, on a thread of its own.
pub struct Reporter {
    events: Option<Events>,
    thread: Option<JoinHandle<()>>,
    format: Format,
}

/// What shows events in one format.
trait Show: Send {
    /// Shows one event.
    fn event(&mut self, event: &Event);

    /// Makes way for text that others print.
    fn flush(&mut self) {}
}

impl Reporter {
    /// Begins to show events in `format` and to write them to `logs`. `verbosity` counts the `-v` on the command line.
    pub fn new(format: Format, verbosity: u8, mut logs: Vec<Log>) -> Self {
        let (events, messages) = Events::channel();
        let mut show: Box<dyn Show> = match format {
            Format::Terminal => Box::new(progress::Progress::default()),
            Format::Lines => Box::new(lines::Lines::new(verbosity)),
            Format::Json => Box::new(json::Json),
        };
        let thread = thread::spawn(move || {
            for message in messages {
                match message {
                    Message::Event(event) => {
                        // What goes by many times a second says nothing once it is over.
                        if !matches!(*event, Event::StepProgress { .. }) {
                            logs.iter_mut().for_each(|log| log.line(&event));
                        }
                        show.event(&event);
                    }
                    Message::Record(line) => logs.iter_mut().for_each(|log| log.line(&line)),
                    Message::Flush(shown) => {
                        show.flush();
                        // Whoever asked may have given up waiting.
                        let _ = shown.send(());
                    }
                }
            }
        });
        Self { events: Some(events), thread: Some(thread), format }
    }

    /// The format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Where workers send events.
    pub fn events(&self) -> Events {
        match &self.events {
            Some(events) => events.clone(),
            // Only `finish` takes it, and that takes the reporter with it.
            None => Events::channel().0,
        }
    }

    /// Shows one event.
    pub fn send(&self, event: Event) {
        self.events.iter().for_each(|events| events.send(event.clone()));
    }

    /// Puts a line into the logs, of something that is shown otherwise: a check, the summary.
    pub fn record(&self, line: &impl Serialize) {
        self.events.iter().for_each(|events| events.record(line));
    }

    /// Waits until everything that was sent is shown, and makes way for text that others print.
    pub fn flush(&self) {
        self.events.iter().for_each(Events::flush);
    }

    /// Waits until everything that was sent is shown, and ends.
    pub fn finish(mut self) {
        self.close();
    }

    fn close(&mut self) {
        self.events = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed already and must not become one here.
            let _ = thread.join();
        }
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.close();
    }
}

/// Prints one JSON object as a line on standard output.
pub fn json_line(value: &impl Serialize) {
    // Events are made of strings, numbers and maps with string keys: nothing that JSON could refuse.
    anstream::println!("{}", serde_json::to_string(value).unwrap_or_default());
}

/// Shows the totals of a run.
pub fn show_summary(format: Format, summary: &Summary) {
    if format == Format::Json {
        json_line(summary);
        return;
    }
    let t = summary.hosts;
    let parts = [
        (t.changed, "changed"),
        (t.unchanged, "unchanged"),
        (t.failed, "failed"),
        (t.unreachable, "unreachable"),
        (t.skipped, "skipped"),
    ];
    let hosts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let took = elapsed(Duration::from_millis(summary.duration_ms));
    anstream::println!("{}: {} in {took}", summary.command, hosts.join(", "));
}
