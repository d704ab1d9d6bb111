//! Packages that are not from one build are refused before any host is changed.

use super::hosts::Prepared;
use super::{Exit, Failure};

/// What the operator says of packages that are not from one build.
#[derive(Debug, clap::Args)]
pub(super) struct MixedArgs {
    /// Install packages that are not from one build: modules may have been compiled against another Mesos.
    #[arg(long)]
    allow_mixed_builds: bool,
}

impl MixedArgs {
    /// Makes sure that the packages of every set in the repository belong together.
    pub(super) fn check(&self, prepared: &Prepared) -> Result<(), Failure> {
        if self.allow_mixed_builds {
            return Ok(());
        }
        let sets = prepared.repository.iter().flat_map(|repository| repository.sets());
        let mixed = sets.map(|set| set.verify_one_build()).find_map(Result::err);
        mixed.map_or(Ok(()), |error| Err(Failure::new(Exit::Refused, error)))
    }
}
