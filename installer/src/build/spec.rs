//! Spec templates → specs: one typed context, macros escaped, files that a spec asks for.
//!
//! The delimiters are `{{ }}`, `[% %]` and `[# #]`: Tera's own `{% %}` and `{# #}` occur in RPM macros.

use std::borrow::Cow;
use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;
use tera::{Context, Delimiters, Tera};

use super::distro::{Distro, Requires};
use super::release::Release;
use super::{BuildError, SpecFiles};
use crate::model::PackageName;

/// A rendered spec and what lies beside it in rpmbuild's `SOURCES`, the fetched sources aside.
#[derive(Debug, Clone)]
pub struct RenderedSpec {
    /// The spec.
    pub text: String,
    /// Files of `specs/files/` that the spec names as sources, rendered where they are templates.
    pub files: BTreeMap<String, Vec<u8>>,
}

#[derive(Serialize)]
struct SpecContext<'a> {
    package: PackageContext<'a>,
    release: ReleaseContext<'a>,
    distro: DistroContext<'a>,
    /// Every package's version in this release, by name with `-` as `_`.
    versions: BTreeMap<String, &'a str>,
}

#[derive(Serialize)]
struct PackageContext<'a> {
    name: &'a str,
    version: &'a str,
    /// RPM's `Release`: the revision, and `.standin` for a stand-in.
    release: String,
    stand_in: bool,
    /// The file names of the fetched sources, in order.
    sources: &'a [String],
}

#[derive(Serialize)]
struct ReleaseContext<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct DistroContext<'a> {
    name: &'a str,
    libdir: &'a str,
    loader_searches_libdir: bool,
    requires: &'a Requires,
}

/// Renders `specs/<package>.spec.tera` and the files that it names.
///
/// `sources` are the file names of the fetched sources.
///
/// # Errors
/// There is no such template, it does not render, or it names a source that nobody has.
pub fn render(
    files: &SpecFiles,
    release: &Release,
    distro: &Distro,
    package: &PackageName,
    sources: &[String],
) -> Result<RenderedSpec, BuildError> {
    let file = Utf8PathBuf::from(format!("{package}.spec.tera"));
    let Some(recipe) = release.packages.get(package) else {
        return Err(BuildError::Data { file, problem: format!("release {} has no {package}", release.name) });
    };
    let suffix = if recipe.stand_in { ".standin" } else { "" };
    let context = SpecContext {
        package: PackageContext {
            name: package.as_str(),
            version: &recipe.version,
            release: format!("{}{suffix}", recipe.revision),
            stand_in: recipe.stand_in,
            sources,
        },
        release: ReleaseContext { name: &release.name },
        distro: DistroContext {
            name: &distro.name,
            libdir: &distro.libdir,
            loader_searches_libdir: distro.loader_searches_libdir,
            requires: &distro.requires,
        },
        versions: release
            .packages
            .iter()
            .map(|(name, r)| (name.as_str().replace('-', "_"), &*r.version))
            .collect(),
    };
    let plain = serde_json::to_value(&context)
        .map_err(|error| BuildError::Data { file: file.clone(), problem: error.to_string() })?;
    let escaped =
        escape_macros(plain.clone()).map_err(|problem| BuildError::Data { file: file.clone(), problem })?;
    let templates = Templates::new(files, package)?;
    let text = templates.render(&file, &escaped)?;
    let mut beside = BTreeMap::new();
    for name in source_names(&text).filter(|name| !sources.iter().any(|source| source == name)) {
        let bytes = templates.source_file(files, name, &plain)?.ok_or_else(|| BuildError::Data {
            file: file.clone(),
            problem: format!("names the source `{name}`, which neither the release nor specs/files/ has"),
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

/// All templates of `specs/`, ready to be rendered for one package.
struct Templates<'a> {
    tera: Tera,
    package: &'a PackageName,
}

impl<'a> Templates<'a> {
    fn new(files: &SpecFiles, package: &'a PackageName) -> Result<Self, BuildError> {
        let fail = |file: &Utf8Path, source| {
            let (package, file) = (package.clone(), file.to_owned());
            BuildError::Render { package, file, source }
        };
        let mut tera = Tera::new();
        tera.autoescape_on(Vec::<Cow<'static, str>>::new());
        let delimiters = Delimiters {
            block_start: "[%".into(),
            block_end: "%]".into(),
            comment_start: "[#".into(),
            comment_end: "#]".into(),
            ..Delimiters::default()
        };
        tera.set_delimiters(delimiters).map_err(|source| fail(Utf8Path::new(""), source))?;
        let all = Utf8Path::new("");
        let paths: Vec<_> = files
            .below(all)
            .map(|(path, _)| path)
            .filter(|path| path.as_str().ends_with(".tera") && !path.starts_with("lab"))
            .collect();
        // Partial templates go first: a template may include only what is there already.
        let (specs, parts): (Vec<_>, Vec<_>) =
            paths.into_iter().partition(|path| path.as_str().ends_with(".spec.tera"));
        for path in parts.into_iter().chain(specs) {
            let text = files.text(path)?.unwrap_or_default();
            tera.add_raw_template(path.as_str(), text).map_err(|source| fail(path, source))?;
        }
        Ok(Self { tera, package })
    }

    fn render(&self, file: &Utf8Path, context: &serde_json::Value) -> Result<String, BuildError> {
        let render = || {
            if !self.tera.contains_template(file.as_str()) {
                return Err(tera::Error::message(format!("there is no file specs/{file}")));
            }
            self.tera.render(file.as_str(), &Context::from_serialize(context)?)
        };
        render().map_err(|source| {
            let (package, file) = (self.package.clone(), file.to_owned());
            BuildError::Render { package, file, source }
        })
    }

    /// `specs/files/<name>`, or `specs/files/<name>.tera` rendered; JSON must be JSON.
    fn source_file(
        &self,
        files: &SpecFiles,
        name: &str,
        context: &serde_json::Value,
    ) -> Result<Option<Vec<u8>>, BuildError> {
        let path = Utf8PathBuf::from(format!("files/{name}"));
        if let Some(bytes) = files.get(&path) {
            return Ok(Some(bytes.to_vec()));
        }
        let path = Utf8PathBuf::from(format!("{path}.tera"));
        if files.get(&path).is_none() {
            return Ok(None);
        }
        let text = self.render(&path, context)?;
        if name.ends_with(".json")
            && let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&text)
        {
            let problem = format!("does not render to JSON for package `{}`: {error}", self.package);
            return Err(BuildError::Data { file: path, problem });
        }
        Ok(Some(text.into_bytes()))
    }
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
        Distro::load(&SpecFiles::embedded(), "debian12").unwrap()
    }

    fn render_own(spec: &str, distro: &Distro) -> Result<RenderedSpec, BuildError> {
        let files = SpecFiles::from_memory(&[
            ("releases/t.toml", RELEASE),
            ("x.spec.tera", spec),
            ("files/broken.json.tera", "{\"name\": {{ package.name }}}"),
            ("files/plain", "100%"),
        ]);
        let release = Release::load(&files, "t").unwrap();
        render(&files, &release, distro, &"x".parse().unwrap(), &["s-1.tar".to_owned()])
    }

    /// Every spec of the release `lab`, and the files beside it, as rpmbuild gets them.
    #[test]
    fn specs_of_the_lab_release() {
        let files = SpecFiles::embedded();
        let release = Release::load(&files, "lab").unwrap();
        let distro = distro();
        for package in release.select(&[]).unwrap() {
            let rendered = render(&files, &release, &distro, package, &["source".to_owned()]).unwrap();
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
        let files = SpecFiles::embedded();
        let mut release = Release::load(&files, "lab").unwrap();
        release.packages.values_mut().for_each(|recipe| recipe.stand_in = false);
        for package in release.packages.keys() {
            let text = render(&files, &release, &distro(), package, &["source".to_owned()]).unwrap().text;
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
            report.push_str(&format!("== {name}\n{}\n\n", crate::build::with_causes(&error)));
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
