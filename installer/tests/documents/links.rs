//! Links and anchors lead somewhere, looked up without a network; the book has every document.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::page::{self, Page};

#[test]
fn links_and_anchors_lead_somewhere() {
    let pages: BTreeMap<PathBuf, Page> =
        page::pages().into_iter().map(|page| (page.path.clone(), page)).collect();
    let mut broken = Vec::new();
    for page in pages.values() {
        for (line, link) in page.links.iter().filter(|(_, link)| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => page.path.clone(),
                file => normal(&page.path.parent().unwrap_or(Path::new("")).join(file)),
            };
            let found = match pages.get(&target) {
                Some(page) => anchor.is_empty() || page.anchors.iter().any(|known| known == anchor),
                None => anchor.is_empty() && page::root().join(&target).exists(),
            };
            if !found {
                broken.push(format!("{}:{line}: {link}", page.path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// A path without `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            std::path::Component::ParentDir => {
                normal.pop();
            }
            component => normal.push(component),
        }
    }
    normal
}

#[test]
fn the_book_has_every_document() {
    let has: BTreeSet<PathBuf> = page::book().into_iter().map(|page| page.path).collect();
    let there = page::pages().into_iter().map(|page| page.path);
    let there = there.filter(|path| path.starts_with("docs") && !path.ends_with("SUMMARY.md"));
    let missing: Vec<PathBuf> = there.filter(|path| !has.contains(path)).collect();
    assert!(missing.is_empty(), "write them into docs/SUMMARY.md: {missing:?}");
}

/// A link out of the book's folder works in the repository, but not in the book.
#[test]
fn documents_of_the_book_link_to_each_other_only() {
    let mut out = Vec::new();
    for page in page::book() {
        for (line, link) in page.links.iter().filter(|(_, link)| !link.contains("://")) {
            let file = link.split('#').next().unwrap_or_default();
            if !normal(&page.path.parent().unwrap_or(Path::new("")).join(file)).starts_with("docs") {
                out.push(format!("{}:{line}: {link}", page.path.display()));
            }
        }
    }
    assert!(out.is_empty(), "write the path as code instead:\n{}", out.join("\n"));
}

/// What the code says about where to read on.
#[test]
fn what_messages_link_to_is_there() {
    let guide = Page::read(Path::new("docs/troubleshooting.md"));
    let mut links = BTreeSet::new();
    for entry in walkdir::WalkDir::new(page::root().join("installer/src")) {
        let path = entry.unwrap().into_path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs_err::read_to_string(&path).unwrap();
            let anchors = text.split("docs/troubleshooting.md#").skip(1);
            // What is put together while the tool runs is the name of a check.
            let anchors = anchors.filter(|rest| !rest.starts_with('{'));
            links.extend(anchors.map(|rest| {
                rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect::<String>()
            }));
        }
    }
    links.extend(calico_mesos_install::verify::NAMES.iter().map(|name| (*name).to_owned()));
    assert!(links.len() > 8, "{links:?}");
    let missing: Vec<&String> = links.iter().filter(|link| !guide.anchors.contains(link)).collect();
    assert!(missing.is_empty(), "write these entries: {missing:?}");
}
