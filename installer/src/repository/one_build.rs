//! Whether the packages of a set are from one build.
//!
//! Every build names the keys of the packages that it was built with. A module that was compiled against another
//! Mesos than the one beside it is found out here, before it reaches an agent that would refuse it.

use super::{Manifest, PackageSet, RepositoryError};
use crate::model::Digest;

impl Manifest {
    /// The digest of the keys of all builds: what identifies the whole set.
    pub fn identify(&self) -> Digest {
        let lines: String =
            self.builds.iter().map(|(package, build)| format!("{package} {}\n", build.key)).collect();
        Digest::of(lines)
    }

    /// What does not fit; `None` when everything is from one build.
    fn mixture(&self) -> Option<String> {
        for (package, build) in &self.builds {
            for (need, key) in &build.needs {
                match self.builds.get(need) {
                    None => return Some(format!("{package} was built with {need}, which is not among them")),
                    Some(other) if other.key != *key => {
                        return Some(format!(
                            "{package} was built with another {need} ({}) than the one beside it ({})",
                            key.short(),
                            other.key.short()
                        ));
                    }
                    Some(_) => {}
                }
            }
        }
        let owned = |file| self.builds.values().any(|build| build.rpms.contains(file));
        // A manifest of a tool that did not write down its builds has nothing to compare.
        let stray = self.packages.iter().find(|package| !self.builds.is_empty() && !owned(&package.file));
        if let Some(stray) = stray {
            return Some(format!("no build says that it made {}", stray.file));
        }
        let identity = self.identity.filter(|identity| *identity != self.identify())?;
        Some(format!(
            "its builds are {}, but it says that it is {}",
            self.identify().short(),
            identity.short()
        ))
    }
}

impl PackageSet {
    /// Refuses packages that are not from one build.
    ///
    /// # Errors
    /// What does not fit.
    pub fn verify_one_build(&self) -> Result<(), RepositoryError> {
        self.manifest
            .mixture()
            .map_or(Ok(()), |problem| Err(RepositoryError::Mixed { folder: self.folder.clone(), problem }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::PackageBuild;

    fn set() -> PackageSet {
        let mut mesos = PackageBuild::new("0.28.2", Digest::of("mesos"));
        mesos.rpms = vec!["mesos.rpm".into()];
        let mut modules = PackageBuild::new("0.2.0", Digest::of("modules"));
        modules.rpms = vec!["modules.rpm".into()];
        modules.needs.insert("mesos".parse().unwrap(), Digest::of("mesos"));
        let text = r#"{"release": "lab", "distro": "d", "arch": "x86_64", "packages": [
            {"nevra": "mesos-1-1.x86_64", "file": "mesos.rpm", "size": 1, "header_sha1": "",
             "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}]}"#;
        let mut manifest: Manifest = serde_json::from_str(text).unwrap();
        manifest.builds = [("mesos", mesos), ("net-modules", modules)]
            .map(|(name, build)| (name.parse().unwrap(), build))
            .into();
        manifest.identity = Some(manifest.identify());
        PackageSet { manifest, folder: "dist".into() }
    }

    fn problem(change: impl FnOnce(&mut Manifest)) -> String {
        let mut set = set();
        change(&mut set.manifest);
        let text = set.verify_one_build().map_or_else(|error| error.to_string(), |()| String::new());
        text.lines().next().unwrap_or_default().to_owned()
    }

    #[test]
    fn what_is_not_from_one_build_is_named() {
        assert_eq!(problem(|_| {}), "");
        assert!(problem(|manifest| manifest.builds.clear()).contains("it says that it is"));
        assert_eq!(
            problem(|manifest| {
                manifest.builds.clear();
                manifest.identity = None;
            }),
            "",
            "an older tool's"
        );
        let another = |manifest: &mut Manifest| {
            manifest.builds.get_mut("mesos").unwrap().key = Digest::of("another");
        };
        insta::assert_snapshot!(problem(another), @"the packages in dist are not from one build: net-modules was built with another mesos (4a640b3bf585) than the one beside it (ae448ac86c4e)");
        insta::assert_snapshot!(problem(|manifest| { manifest.builds.remove("mesos"); }), @"the packages in dist are not from one build: net-modules was built with mesos, which is not among them");
        insta::assert_snapshot!(
            problem(|manifest| manifest.builds.get_mut("mesos").unwrap().rpms.clear()), @"the packages in dist are not from one build: no build says that it made mesos.rpm"
        );
        insta::assert_snapshot!(problem(|manifest| manifest.identity = Some(Digest::of(""))), @"the packages in dist are not from one build: its builds are 48dbc4c10fee, but it says that it is e3b0c44298fc");
    }
}
