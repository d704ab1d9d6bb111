//! Sources on their way: a bar each on a terminal, a line each elsewhere, JSON where it is asked for.

use std::sync::{Mutex, PoisonError};

use owo_colors::OwoColorize as _;

use super::{Bars, Format, json_line};
use crate::sources::{Event, How};

/// Shows how sources arrive; its events may come from many threads.
pub struct Transfers {
    format: Format,
    bars: Mutex<Bars>,
}

impl Transfers {
    /// Begins to show events, as JSON or as standard error can.
    pub fn new(json: bool) -> Self {
        let format = Format::detect(json);
        Self { format, bars: Mutex::new(Bars::new(format)) }
    }

    /// Shows one event.
    pub fn event(&self, event: &Event) {
        if self.format == Format::Json {
            return json_line(event);
        }
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::SourceStarted { source, from } => {
                bars.show(source, from.clone(), None);
                if self.format == Format::Lines {
                    bars.line(&format!("fetching  {source} from {from}"));
                }
            }
            Event::SourceProgress { source, bytes, total } => {
                bars.show(source, String::new(), total.map(|total| (*bytes, total)));
            }
            Event::SourceObtained { source, how, .. } => {
                let how = match how {
                    How::Store => "fetched before",
                    How::Local => "on this machine",
                    How::Mirror => "from a mirror",
                    How::Upstream => "from upstream",
                };
                bars.end(source);
                bars.line(&format!("{}      {source} ({how})", "here".green()));
            }
            Event::SourceFailed { source, error } => {
                bars.end(source);
                bars.line(&format!("{}    {error}", "failed".red()));
            }
        }
    }
}
