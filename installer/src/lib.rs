//! Builds, installs and proves Apache Mesos clusters with Calico networking.
//!
//! The line of data, in the order in which a run walks it:
//!
//! ```text
//! inventory → cluster (resolve) → render → facts → plan → execute → facts again → report
//! ```
//!
//! `docs/architecture.md` says what each module knows and must not know; `tests/architecture.rs`
//! fails the build when a module reaches for one it must not know.

pub mod apps;
pub mod build;
pub mod checks;
pub mod cli;
pub mod cluster;
pub mod data;
pub mod desired;
pub mod diagnostic;
pub mod event;
pub mod execute;
pub mod explain;
pub mod facts;
pub mod fleet;
pub mod history;
pub mod host;
pub mod inventory;
pub mod journal;
pub mod lab;
pub mod model;
pub mod plan;
pub mod process;
pub mod receipt;
pub mod render;
pub mod report;
pub mod repository;
pub mod roles;
pub mod schema;
pub mod sources;
pub mod tls;
pub mod transport;
pub mod verify;
