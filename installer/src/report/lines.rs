//! Events as plain lines on standard error, for logs and pipes.

use anstream::eprintln;

use super::Show;
use crate::diagnostic::elapsed;
use crate::event::{Event, Phase};

pub(super) struct Lines {
    verbosity: u8,
}

impl Lines {
    pub(super) fn new(verbosity: u8) -> Self {
        Self { verbosity }
    }
}

impl Show for Lines {
    fn event(&mut self, event: &Event) {
        match event {
            Event::Phase { phase, hosts } => eprintln!("{}", phase_line(*phase, *hosts)),
            Event::Facts { host, os } if self.verbosity > 0 => eprintln!("{host}: {os}"),
            Event::StepStarted { host, step, .. } if self.verbosity > 0 => {
                eprintln!("{host}: {} ({}) …", step.action, step.reason);
            }
            Event::StepFinished { host, step, duration, error: None, .. } => {
                eprintln!("{host}: {step} ({})", elapsed(*duration));
            }
            Event::StepFinished { host, step, error: Some(_), .. } => eprintln!("{host}: {step}: failed"),
            _ => {}
        }
    }
}

/// What a phase does, in one line.
pub(super) fn phase_line(phase: Phase, hosts: usize) -> String {
    let hosts = if hosts == 1 { "1 host".to_owned() } else { format!("{hosts} hosts") };
    match phase {
        Phase::Facts => format!("gathering facts from {hosts}"),
        Phase::Survey => format!("asking {hosts} about one another"),
        Phase::Execute => format!("changing {hosts}"),
        Phase::Confirm => format!("gathering facts again from {hosts}, to see that nothing is left to do"),
    }
}
