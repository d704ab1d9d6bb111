//! The transport against real sshd processes on loopback, each with keys and settings of its own.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod commands;
mod elevation;
mod host_keys;
mod jump;
mod limits;
mod login;
mod proxy;
mod server;
mod transfers;
