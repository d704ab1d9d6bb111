//! The whole line on booted hosts: `lab up`, `build`, `apply`, and what may go wrong on the way.
//!
//! Every test has a lab of its own, with a subnet of its own, which is taken away however the test ends. Root and
//! the packages that `lab up` names are needed; without them the tests fail with its message. The packages
//! of release `lab` are built once and shared.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests stop at the first surprise"
)]

mod balancer;
mod checks;
mod cluster;
mod docker;
mod ensemble;
mod everything;
mod firewall;
mod guides;
mod harness;
mod interruption;
mod life;
mod network;
mod own_role;
#[path = "../common/page.rs"]
mod page;
mod refusals;
mod signed;
mod sudo;
mod taking_back;
mod tasks;
mod tls;
mod unreachable;
