//! Sample applications: which there are, their Marathon definitions for one cluster and one version of Marathon, and
//! what Marathon is asked and answers about them.
//!
//! Pure: [`Catalogue`] reads the templates, [`Samples::render`] makes definitions of them, [`AppDefinition`] refuses
//! what Marathon would refuse, [`api`] has Marathon's requests and answers. Sources: Marathon's REST API and its
//! AppDefinition schema of 1.1 to 1.5, and the networking pages of the same versions.

pub mod api;
mod catalogue;
mod definition;
mod probe;
mod samples;
mod version;

pub use catalogue::{Catalogue, Sample, UnknownSample};
pub use definition::{AppDefinition, BadDefinition};
pub use probe::probe_command;
pub use samples::{Rendered, Samples};
pub use version::{MarathonVersion, MarathonVersionError};
