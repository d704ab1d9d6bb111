//! Live progress on a terminal: a line for each host at work, and one for all.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use owo_colors::OwoColorize as _;

use super::Show;
use super::lines::phase_line;
use crate::diagnostic::elapsed;
use crate::event::{Event, Phase};
use crate::model::HostName;
use crate::plan::Action;

#[derive(Default)]
pub(super) struct Progress {
    screen: MultiProgress,
    total: Option<ProgressBar>,
    hosts: BTreeMap<HostName, ProgressBar>,
    /// Steps of all plans, which the execution counts off.
    steps: usize,
}

impl Progress {
    fn phase(&mut self, phase: Phase, hosts: usize) {
        self.clear();
        let length = if phase == Phase::Execute { self.steps } else { hosts };
        let bar = self.screen.add(ProgressBar::new(length as u64));
        bar.set_style(style("{spinner} {msg} {wide_bar} {pos}/{len}"));
        bar.set_message(phase_line(phase, hosts));
        bar.enable_steady_tick(Duration::from_millis(120));
        self.total = Some(bar);
    }

    fn clear(&mut self) {
        for bar in std::mem::take(&mut self.hosts).into_values().chain(self.total.take()) {
            bar.finish_and_clear();
        }
    }

    fn line(&self, text: String) {
        let plain = anstream::AutoStream::choice(&std::io::stderr()) == anstream::ColorChoice::Never;
        let text = if plain { anstream::adapter::strip_str(&text).to_string() } else { text };
        // A terminal that is gone cannot be told so.
        let _ = self.screen.println(text);
    }

    fn host(&mut self, host: &HostName) -> &ProgressBar {
        let screen = &self.screen;
        self.hosts.entry(host.clone()).or_insert_with(|| {
            let bar = screen.add(ProgressBar::new_spinner());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        })
    }
}

impl Show for Progress {
    fn flush(&mut self) {
        self.clear();
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::Phase { phase, hosts } => self.phase(*phase, *hosts),
            Event::Facts { .. } => self.total.iter().for_each(|bar| bar.inc(1)),
            Event::StepStarted { host, step, .. } => {
                let bar = self.host(host);
                match &step.action {
                    Action::Upload { size, .. } => {
                        bar.set_style(style(
                            "  {prefix:16!} {msg} {wide_bar} {bytes}/{total_bytes} {binary_bytes_per_sec}",
                        ));
                        bar.set_length(*size);
                        bar.set_position(0);
                    }
                    _ => bar.set_style(style("  {prefix:16!} {spinner} {wide_msg}")),
                }
                bar.set_prefix(host.to_string());
                bar.set_message(step.action.to_string());
            }
            Event::StepProgress { host, sent, .. } => self.host(host).set_position(*sent),
            Event::StepFinished { host, step, duration, error, .. } => {
                let mark = if error.is_none() { "✓".green().to_string() } else { "✗".red().to_string() };
                self.line(format!("{mark} {host}: {step} {}", elapsed(*duration).dimmed()));
                self.total.iter().for_each(|bar| bar.inc(1));
                if let Some(bar) = self.hosts.remove(host) {
                    bar.finish_and_clear();
                }
            }
            Event::Plan { plan } => self.steps += plan.steps.len(),
            // The command shows what checks found, all of it together.
            Event::Check { .. } | Event::Run(_) | Event::Host(_) => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A style from a template of this file; should one be wrong, the bar falls back to its default looks.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸ ")
}
