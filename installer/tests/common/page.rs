//! What a document says, as the tests of documents see it: blocks, links, anchors and the commands that it shows.
//!
//! A block ```` ```console ```` shows commands behind `$ `, and what they print. The comment before it says which
//! test runs it:
//!
//! - none: it runs without hosts, in a folder with an `inventory.toml` as `init` prints it
//! - `<!-- lab -->`: on a lab of one master and two agents, after the blocks of the documents before it
//! - `<!-- run by installer/tests/FILE.rs -->`: that test does what it shows
//! - `<!-- not run: WHY -->`: nothing runs it; its commands are checked as those of all documents are
//!
//! A command goes on behind `\` and on lines that begin with `>`. A first line `? N` of the output is the exit status,
//! 0 unless given. In the output `...` stands for any lines and `[..]` for anything in a line; without an output only
//! the status is looked at.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "not every test uses all of it; a test may stop at the first surprise"
)]

use std::ops::Range;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).canonicalize().unwrap()
}

/// A Markdown document.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// Its path, relative to the repository.
    pub(crate) path: PathBuf,
    pub(crate) blocks: Vec<Block>,
    /// Line and address.
    pub(crate) links: Vec<(usize, String)>,
    /// What links may name behind `#`.
    pub(crate) anchors: Vec<String>,
    /// Whether a test makes it.
    pub(crate) generated: bool,
    /// Line and text of code within sentences.
    pub(crate) words: Vec<(usize, String)>,
}

/// A block of code.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) line: usize,
    /// What stands behind the fence; empty for an indented block.
    pub(crate) kind: String,
    pub(crate) text: String,
    /// The comment right before it.
    pub(crate) marker: Option<String>,
}

/// A command that a block shows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// For `sh`.
    pub(crate) command: String,
    pub(crate) status: i32,
    /// What it prints; none where the document does not show it.
    pub(crate) output: Option<String>,
}

impl Page {
    /// Reads a document of the repository.
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs_err::read_to_string(root().join(path)).unwrap();
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Self {
        let generated = text.starts_with("<!-- Generated");
        let mut page = Self { path: path.to_owned(), generated, ..Self::default() };
        let line = |range: &Range<usize>| text[..range.start].matches('\n').count() + 1;
        let mut marker = None;
        let mut heading: Option<String> = None;
        let mut code: Option<Block> = None;
        for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
            match event {
                Event::Start(Tag::CodeBlock(kind)) => {
                    let kind = match kind {
                        CodeBlockKind::Fenced(kind) => kind.into_string(),
                        CodeBlockKind::Indented => String::new(),
                    };
                    code =
                        Some(Block { line: line(&range), kind, text: String::new(), marker: marker.take() });
                }
                Event::End(TagEnd::CodeBlock) => page.blocks.extend(code.take()),
                Event::Text(said) if code.is_some() => {
                    code.iter_mut().for_each(|block| block.text.push_str(&said));
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    page.anchors.extend(heading.take().map(|title| slug(&title)));
                }
                Event::Text(said) | Event::Code(said) if heading.is_some() => {
                    heading.iter_mut().for_each(|title| title.push_str(&said));
                }
                Event::Code(said) => page.words.push((line(&range), said.into_string())),
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push((line(&range), dest_url.into_string()));
                }
                Event::Html(html) | Event::InlineHtml(html) => {
                    let html = html.trim();
                    if let Some(comment) = html.strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->"))
                    {
                        marker = Some(comment.trim().to_owned());
                    }
                    let id = html.strip_prefix("<a id=\"").and_then(|rest| rest.split('"').next());
                    page.anchors.extend(id.map(str::to_owned));
                }
                Event::Start(Tag::Paragraph | Tag::List(_) | Tag::Table(_)) => marker = None,
                _ => {}
            }
        }
        page
    }
}

impl Block {
    /// The commands of a `console` block, with what they print.
    pub(crate) fn shown(&self) -> Vec<Shown> {
        let mut shown: Vec<Shown> = Vec::new();
        let mut lines = self.text.lines().peekable();
        while let Some(line) = lines.next() {
            if let Some(first) = line.strip_prefix("$ ") {
                let mut command = first.to_owned();
                while command.ends_with('\\') {
                    command.push('\n');
                    command.push_str(lines.next().unwrap_or_default());
                }
                while let Some(next) = lines.next_if(|next| next.starts_with('>')) {
                    command.push('\n');
                    command.push_str(next.strip_prefix("> ").unwrap_or(&next[1..]));
                }
                let status = lines.next_if(|next| next.starts_with("? ")).map_or(0, |next| {
                    next[2..].trim().parse().unwrap_or_else(|_| panic!("{next:?} is no exit status"))
                });
                shown.push(Shown { command, status, output: None });
            } else {
                let last = shown.last_mut().unwrap_or_else(|| panic!("{line:?} is no command"));
                let output = last.output.get_or_insert_default();
                output.push_str(line);
                output.push('\n');
            }
        }
        shown
    }
}

/// The anchor of a heading, as GitHub and mdBook make it.
fn slug(title: &str) -> String {
    let kept = title.trim().to_lowercase();
    kept.chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            _ => c.is_alphanumeric().then_some(c),
        })
        .collect()
}

/// Every document of the repository.
pub(crate) fn pages() -> Vec<Page> {
    let mut found: Vec<Page> = walkdir::WalkDir::new(root())
        .into_iter()
        .filter_entry(|entry| {
            let name = entry.file_name().to_string_lossy();
            name != "target" && name != "dist" && (entry.depth() == 0 || !name.starts_with('.'))
        })
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| Page::read(path.strip_prefix(root()).unwrap()))
        .collect();
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The documents in the order of the book.
pub(crate) fn book() -> Vec<Page> {
    let summary = Page::read(Path::new("docs/SUMMARY.md"));
    let paths = summary.links.iter().map(|(_, link)| Path::new("docs").join(link));
    paths.map(|path| Page::read(&path)).collect()
}

/// Runs a command as the document shows it, in a folder, with the tool on the path, and compares what it prints.
#[track_caller]
pub(crate) fn run(page: &Page, block: &Block, shown: &Shown, folder: &Path, tool: &Path) {
    let path = format!("{}:{}", tool.display(), std::env::var("PATH").unwrap_or_default());
    let output = std::process::Command::new("sh")
        .args(["-c", &format!("exec 2>&1\n{}", shown.command)])
        .current_dir(folder)
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let place = format!("{}:{}: {}", page.path.display(), block.line, shown.command);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(shown.status), "{place}\n{said}");
    if let Some(expected) = &shown.output {
        let said: String = said.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        let expected = snapbox::Data::text(expected.clone());
        if let Err(difference) = snapbox::Assert::new().try_eq(None, said.into(), expected) {
            panic!("{place}\n{difference}");
        }
    }
}
