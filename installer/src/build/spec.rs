//! Spec templates → specs: one typed context, macros escaped, files that a spec asks for.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::distro::{Compiler, Distro, Requires, SYSTEMD_MACROS};
use super::release::Release;
use super::{BuildError, patch};
use crate::data::{Data, DataError};
use crate::diagnostic::Source;
use crate::model::PackageName;
use crate::render::{Shape, Template};

/// A rendered spec and what lies beside it in rpmbuild's `SOURCES`, the fetched sources aside.
#[derive(Debug, Clone)]
pub struct RenderedSpec {
    /// The spec.
    pub text: String,
    /// Files of `specs/files/` that the spec names as sources, rendered where they are templates.
    pub files: BTreeMap<String, Vec<u8>>,
}

#[derive(Serialize, JsonSchema)]
struct SpecContext<'a> {
    package: PackageContext<'a>,
    release: ReleaseContext<'a>,
    distro: DistroContext<'a>,
    /// Every package's version in this release, by name with `-` as `_`.
    versions: BTreeMap<String, &'a str>,
}

#[derive(Serialize, JsonSchema)]
struct PackageContext<'a> {
    name: &'a str,
    version: &'a str,
    /// RPM's `Release`: the revision, and `.standin` for a stand-in.
    release: String,
    stand_in: bool,
    /// The build requirements that it prefers to what its source carries, as far as the distribution has them.
    prefers: &'a BTreeSet<String>,
    /// The file names of the fetched sources, in order.
    sources: &'a [String],
    /// The file names of the patches for this version, in order.
    patches: Vec<&'a str>,
}

#[derive(Serialize, JsonSchema)]
struct ReleaseContext<'a> {
    name: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct DistroContext<'a> {
    name: &'a str,
    libdir: &'a str,
    loader_searches_libdir: bool,
    /// Whether protobuf, glog and Boost are those of `mesos-thirdparty`, and not the distribution's own.
    thirdparty: bool,
    /// Whether scriptlets are systemd's macros for rpm.
    systemd_macros: bool,
    compiler: &'a Compiler,
    requires: &'a Requires,
}

/// Renders `specs/<package>.spec.tera` and the files that it names.
///
/// `sources` are the file names of the fetched sources.
///
/// # Errors
/// There is no such template, it does not render, or it names a source that nobody has.
pub fn render(
    data: &Data,
    release: &Release,
    distro: &Distro,
    package: &PackageName,
    sources: &[String],
) -> Result<RenderedSpec, BuildError> {
    let template = data.text(format!("specs/{package}.spec.tera"))?;
    let fail = |problem: String| BuildError::File { file: template.name().to_owned(), problem };
    let Some(recipe) = release.packages.get(package) else {
        return Err(fail(format!("release {} has no {package}", release.name)));
    };
    let patches = if recipe.stand_in { Vec::new() } else { patch::patches(data, package, recipe)? };
    let suffix = if recipe.stand_in { ".standin" } else { "" };
    let context = SpecContext {
        package: PackageContext {
            name: package.as_str(),
            version: &recipe.version,
            release: format!("{}{suffix}", recipe.revision),
            stand_in: recipe.stand_in,
            prefers: &recipe.prefers,
            sources,
            patches: patches.iter().map(|patch| &*patch.name).collect(),
        },
        release: ReleaseContext { name: &release.name },
        distro: DistroContext {
            name: &distro.name,
            libdir: &distro.libdir,
            loader_searches_libdir: distro.loader_searches_libdir,
            thirdparty: !distro.has.contains_key("mesos-thirdparty"),
            systemd_macros: distro.build_requires.contains_key(SYSTEMD_MACROS),
            compiler: &distro.compiler,
            requires: &distro.requires,
        },
        versions: release.packages.iter().map(|(name, r)| (version_key(name), &*r.version)).collect(),
    };
    let plain = serde_json::to_value(&context).map_err(|error| fail(error.to_string()))?;
    let escaped = escape_macros(plain.clone()).map_err(fail)?;
    let templates = Templates::new(data, release)?;
    let text = templates.render(&template, &escaped)?;
    let named: Vec<&str> = source_names(&text).collect();
    if let Some(unused) = patches.iter().find(|patch| !named.contains(&&*patch.name)) {
        return Err(fail(format!(
            "applies no patches, and there is specs/patches/{package}/{}\n\
             name `package.patches` as sources and apply them in %prep, or remove the patch",
            unused.name
        )));
    }
    let mut beside: BTreeMap<_, _> =
        patches.iter().map(|patch| (patch.name.clone(), patch.text.clone().into_bytes())).collect();
    for name in named {
        if beside.contains_key(name) || sources.iter().any(|source| source == name) {
            continue;
        }
        let bytes = templates.source_file(name, package, &plain)?.ok_or_else(|| {
            fail(format!(
                "names the source `{name}`, which neither the release nor specs/files/ has\n\
                 add it to one of them, or correct the name"
            ))
        })?;
        beside.insert(name.to_owned(), bytes);
    }
    Ok(RenderedSpec { text, files: beside })
}

/// The names after `SourceN:` and `PatchN:`. That is all that is read of a spec: no macros, no conditions.
fn source_names(spec: &str) -> impl Iterator<Item = &str> {
    spec.lines().filter_map(|line| {
        let (tag, name) = line.split_once(':')?;
        let number = tag.strip_prefix("Source").or_else(|| tag.strip_prefix("Patch"))?;
        number.bytes().all(|b| b.is_ascii_digit()).then_some(name.trim())
    })
}

/// How the templates of `specs/` are rendered for one release.
struct Templates<'a> {
    data: &'a Data,
    /// What a template may name.
    shape: Shape,
    /// What a template may include: the templates right inside `specs/` that are no specs.
    parts: BTreeMap<String, Source>,
}

impl<'a> Templates<'a> {
    fn new(data: &'a Data, release: &Release) -> Result<Self, BuildError> {
        let versions = release.packages.keys().map(|name| (version_key(name), Shape::Scalar)).collect();
        let shape = Shape::of::<SpecContext<'_>>().with("versions", Some(Shape::Record(versions)));
        let names = data.stems("specs", ".tera").filter(|name| !name.ends_with(".spec"));
        let part = |name: &str| {
            let name = format!("{name}.tera");
            Ok((name.clone(), data.text(format!("specs/{name}"))?))
        };
        let parts = names.map(part).collect::<Result<_, BuildError>>()?;
        Ok(Self { data, shape, parts })
    }

    fn render(&self, source: &Source, context: &serde_json::Value) -> Result<String, BuildError> {
        let template = Template::parse_with(source, self.parts.clone())?;
        template.unknown_names(&self.shape).or(())?;
        Ok(template.render(context)?)
    }

    /// `specs/files/<name>`, or `specs/files/<name>.tera` rendered; JSON must be JSON.
    fn source_file(
        &self,
        name: &str,
        package: &PackageName,
        context: &serde_json::Value,
    ) -> Result<Option<Vec<u8>>, BuildError> {
        if let Some(bytes) = found(self.data.bytes(format!("specs/files/{name}")))? {
            return Ok(Some(bytes.to_vec()));
        }
        let Some(source) = found(self.data.text(format!("specs/files/{name}.tera")))? else {
            return Ok(None);
        };
        let text = self.render(&source, context)?;
        if name.ends_with(".json")
            && let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&text)
        {
            let problem = format!("does not render to JSON for package `{package}`: {error}");
            return Err(BuildError::File { file: source.name().to_owned(), problem });
        }
        Ok(Some(text.into_bytes()))
    }
}

/// What was read, `None` when there is no such file.
fn found<T>(read: Result<T, DataError>) -> Result<Option<T>, DataError> {
    match read {
        Err(DataError::Missing(_)) => Ok(None),
        other => other.map(Some),
    }
}

/// The key of a package in the map of versions: names of the template language have no `-`.
fn version_key(package: &PackageName) -> String {
    package.as_str().replace('-', "_")
}

/// `%` doubled in every text, so that no value is taken for a macro; control characters are refused, because a line
/// break would begin a new tag.
fn escape_macros(value: serde_json::Value) -> Result<serde_json::Value, String> {
    use serde_json::Value;
    Ok(match value {
        Value::String(text) if text.chars().any(char::is_control) => {
            return Err(format!(
                "the value {text:?} has a line break or control character in it, which a spec cannot hold"
            ));
        }
        Value::String(text) => Value::String(text.replace('%', "%%")),
        Value::Array(items) => Value::Array(items.into_iter().map(escape_macros).collect::<Result<_, _>>()?),
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(key, value)| Ok((key, escape_macros(value)?)))
                .collect::<Result<_, String>>()?,
        ),
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELEASE: &str = r#"
        description = "d"
        source_date_epoch = 1
        packages.x = { version = "1", sources.s = { kind = "folder", path = "p" } }
    "#;

    fn distro() -> Distro {
        Distro::load(&Data::built_in(), "debian12").unwrap()
    }

    fn render_own(spec: &str, distro: &Distro) -> Result<RenderedSpec, BuildError> {
        let mut data = Data::built_in();
        for (path, text) in [
            ("specs/releases/t.toml", RELEASE),
            ("specs/x.spec.tera", spec),
            ("specs/files/broken.json.tera", "{\"name\": {{ package.name }}}"),
            ("specs/files/plain", "100%"),
        ] {
            data.insert(path, text);
        }
        let release = Release::load(&data, "t").unwrap();
        render(&data, &release, distro, &"x".parse().unwrap(), &["s-1.tar".to_owned()])
    }

    #[test]
    fn a_patch_that_no_spec_applies_is_refused() {
        let mut data = Data::built_in();
        data.insert("specs/releases/t.toml", RELEASE);
        data.insert("specs/x.spec.tera", "Name: x\n%files\n");
        data.insert(
            "specs/patches/x/y.patch",
            "Why: w\nVersions: 1 to 1\n\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n",
        );
        let release = Release::load(&data, "t").unwrap();
        let refused = render(&data, &release, &distro(), &"x".parse().unwrap(), &[]).unwrap_err();
        assert!(
            refused.to_string().contains("applies no patches, and there is specs/patches/x/y.patch"),
            "{refused}"
        );
    }

    /// Every spec of the release `lab`, and the files beside it, as rpmbuild gets them.
    #[test]
    fn specs_of_the_lab_release() {
        let data = Data::built_in();
        let release = Release::load(&data, "lab").unwrap();
        let distro = distro();
        for package in release.select(&[]).unwrap() {
            let recipe = &release.packages[package];
            let of_debian =
                recipe.sources.values().any(|source| matches!(source, crate::sources::Source::Deb { .. }));
            let source = if of_debian { "source.deb" } else { "source" };
            let rendered = render(&data, &release, &distro, package, &[source.to_owned()]).unwrap();
            assert!(!rendered.text.contains("[%") && !rendered.text.contains("{{"), "{}", rendered.text);
            insta::assert_snapshot!(format!("{package}.spec"), rendered.text);
            for (name, bytes) in rendered.files.iter().filter(|(name, _)| name.ends_with(".json")) {
                insta::assert_snapshot!(name.as_str(), String::from_utf8_lossy(bytes));
            }
        }
    }

    /// The same templates for the real components: no trace of a stand-in, and the same files in them.
    #[test]
    fn a_real_component_is_not_called_a_stand_in() {
        let data = Data::built_in();
        let mut release = Release::load(&data, "lab").unwrap();
        release.packages.values_mut().for_each(|recipe| recipe.stand_in = false);
        for package in release.packages.keys() {
            let text = render(&data, &release, &distro(), package, &["source".to_owned()]).unwrap().text;
            for word in ["stand-in", "standin"] {
                assert!(!text.contains(word), "{package}:\n{text}");
            }
        }
    }

    #[test]
    fn what_does_not_render_is_explained() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/build/fails");
        let mut entries: Vec<_> =
            fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        let mut report = String::new();
        for path in entries {
            let spec = fs_err::read_to_string(&path).unwrap();
            let error = render_own(&spec, &distro()).unwrap_err();
            let name = path.file_name().unwrap().to_string_lossy();
            report.push_str(&format!("== {name}\n{}\n\n", crate::diagnostic::with_causes(&error)));
        }
        insta::assert_snapshot!("fails", report);
    }

    #[test]
    fn values_are_no_macros_and_no_lines() {
        let mut distro = distro();
        distro.name = "50%{nil} Linux".to_owned();
        let rendered =
            render_own("Summary: {{ distro.name }}\nSource1: plain\nSource0: s-1.tar\n", &distro).unwrap();
        assert_eq!(rendered.text, "Summary: 50%%{nil} Linux\nSource1: plain\nSource0: s-1.tar\n");
        assert_eq!(rendered.files["plain"], b"100%");
        assert_eq!(rendered.files.len(), 1, "the fetched source is not among them");
        distro.name = "a\n%post\nrm -rf /".to_owned();
        let error = render_own("Summary: {{ distro.name }}\n", &distro).unwrap_err();
        assert!(error.to_string().contains("line break"), "{error}");
    }
}
