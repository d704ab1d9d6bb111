//! Ctrl-C: the first asks the run to end after the steps that are running, the second ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};

use super::Failure;
use crate::host::Cancel;

/// Listens for SIGINT and SIGTERM.
pub(super) struct Interrupts {
    /// Set by the first signal.
    pub(super) cancel: Cancel,
    /// Whether the next signal ends the process.
    at_once: Arc<AtomicBool>,
}

impl Interrupts {
    /// Listens from now on.
    pub(super) fn listen() -> Result<Self, Failure> {
        let interrupts = Self { cancel: Cancel::default(), at_once: Arc::default() };
        for signal in [SIGINT, SIGTERM] {
            // In this order: whether to end at once is looked at before this very signal sets it.
            signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&interrupts.at_once))
                .and_then(|_| signal_hook::flag::register(signal, interrupts.cancel.flag()))
                .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&interrupts.at_once)))
                .map_err(Failure::usage)?;
        }
        Ok(interrupts)
    }

    /// Does something that waits for the operator and changes nothing: a signal ends the process at once.
    pub(super) fn free<T>(&self, wait: impl FnOnce() -> T) -> T {
        self.at_once.store(true, Ordering::SeqCst);
        let result = wait();
        self.at_once.store(false, Ordering::SeqCst);
        result
    }
}
