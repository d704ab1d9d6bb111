//! Live bars by name, for what is not about hosts: packages that are built, sources that are fetched.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::Format;

/// Bars on a terminal, each with a name, and lines that scroll away above them. Anywhere else only the lines.
pub struct Bars {
    screen: Option<MultiProgress>,
    bars: BTreeMap<String, ProgressBar>,
}

impl Bars {
    /// Bars where `format` has room for them.
    pub fn new(format: Format) -> Self {
        let screen = (format == Format::Terminal).then(MultiProgress::new);
        Self { screen, bars: BTreeMap::new() }
    }

    /// Shows what `name` is at, and how much of how much is done where that is known.
    pub fn show(&mut self, name: &str, message: String, done: Option<(u64, u64)>) {
        let Some(screen) = &self.screen else { return };
        let bar = self.bars.entry(name.to_owned()).or_insert_with(|| {
            let bar = screen.add(ProgressBar::new_spinner());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar.set_prefix(name.to_owned());
            bar
        });
        match done {
            Some((done, total)) => {
                bar.set_style(style("  {prefix:16!} {spinner} {msg} {wide_bar} {pos}/{len} {elapsed}"));
                bar.set_length(total);
                bar.set_position(done);
            }
            None => bar.set_style(style("  {prefix:16!} {spinner} {wide_msg} {elapsed}")),
        }
        bar.set_message(message);
    }

    /// Takes the bar of `name` away.
    pub fn end(&mut self, name: &str) {
        if let Some(bar) = self.bars.remove(name) {
            bar.finish_and_clear();
        }
    }

    /// Prints a line on standard error, above the bars.
    pub fn line(&self, text: &str) {
        let Some(screen) = &self.screen else {
            anstream::eprintln!("{text}");
            return;
        };
        let plain = anstream::AutoStream::choice(&std::io::stderr()) == anstream::ColorChoice::Never;
        let text = if plain { anstream::adapter::strip_str(text).to_string() } else { text.to_owned() };
        // A terminal that is gone cannot be told so.
        let _ = screen.println(text);
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        std::mem::take(&mut self.bars).into_values().for_each(|bar| bar.finish_and_clear());
    }
}

/// A style from a template of this file; should one be wrong, the bar falls back to its default looks.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .progress_chars("━╸ ")
}
