//! How far a build is, from what rpmbuild and the compiler print.

use serde::Serialize;

/// A step of a spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
pub enum Step {
    /// Sources are unpacked and patched.
    #[serde(rename = "%prep")]
    Prep,
    /// It compiles.
    #[serde(rename = "%build")]
    Build,
    /// Files are put below the build root.
    #[serde(rename = "%install")]
    Install,
    /// The component's own tests run.
    #[serde(rename = "%check")]
    Check,
    /// The packages are written.
    #[serde(rename = "%files")]
    Files,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Prep => "%prep",
            Self::Build => "%build",
            Self::Install => "%install",
            Self::Check => "%check",
            Self::Files => "%files",
        })
    }
}

/// How far a build is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Progress {
    /// The step.
    pub step: Step,
    /// What was compiled in it: files, or percent where `total` is 100 and the build counts itself.
    pub done: u64,
    /// What there is to compile in it, where that is known.
    pub total: Option<u64>,
}

/// Reads a log as it is written.
#[derive(Debug, Default)]
pub(super) struct Watch {
    step: Option<Step>,
    compiled: u64,
    /// How many files the last build of this package compiled.
    expected: Option<u64>,
    counter: Option<(u64, u64)>,
    told: Option<(Step, u64)>,
}

impl Watch {
    /// Begins to read; `last` is the log of the last build of this package, which tells how much there is to do.
    pub(super) fn new(last: &str) -> Self {
        let whole = last.lines().any(|line| line.starts_with("Wrote: "));
        let compiled = last.lines().filter(|line| compiles(line)).count() as u64;
        Self { expected: (whole && compiled > 0).then_some(compiled), ..Self::default() }
    }

    /// The step that the log has come to.
    pub(super) fn step(&self) -> Option<Step> {
        self.step
    }

    /// Reads one line; how far the build is, when that has changed by as much as a person would see.
    pub(super) fn line(&mut self, line: &str) -> Option<Progress> {
        if let Some(step) = step_begun(line) {
            self.step = Some(step);
            self.counter = None;
        } else if let Some(counter) = own_counter(line) {
            self.counter = Some(counter);
        } else if compiles(line) {
            self.compiled += 1;
        }
        let step = self.step?;
        let (done, total) = match (step, self.counter) {
            (_, Some((done, total))) => (done, Some(total)),
            (Step::Build, None) => (self.compiled, self.expected.filter(|total| *total >= self.compiled)),
            _ => (0, None),
        };
        let seen = total.filter(|total| *total > 0).map_or(done, |total| done * 100 / total);
        (self.told.replace((step, seen)) != Some((step, seen))).then_some(Progress { step, done, total })
    }
}

/// `Executing(%build): /bin/sh -e …`, and what rpmbuild prints when it begins to write packages.
fn step_begun(line: &str) -> Option<Step> {
    if line.starts_with("Processing files: ") {
        return Some(Step::Files);
    }
    match line.strip_prefix("Executing(")?.split_once(')')?.0 {
        "%prep" => Some(Step::Prep),
        "%build" | "%conf" => Some(Step::Build),
        "%install" => Some(Step::Install),
        "%check" => Some(Step::Check),
        _ => None,
    }
}

/// The counters of cmake (`[ 45%] Building …`), and of ninja and meson (`[12/345] …`).
fn own_counter(line: &str) -> Option<(u64, u64)> {
    let inside = line.strip_prefix('[')?.split_once(']')?.0.trim();
    if let Some(percent) = inside.strip_suffix('%') {
        return Some((percent.parse().ok().filter(|percent| *percent <= 100)?, 100));
    }
    let (done, total) = inside.split_once('/')?;
    let (done, total) = (done.trim().parse().ok()?, total.trim().parse().ok()?);
    (done <= total && total > 0).then_some((done, total))
}

/// Whether `make` says here that it compiles one file: a compiler with `-c`, libtool's word for it, or automake's
/// `CXX file.lo`.
fn compiles(line: &str) -> bool {
    let line = line.strip_prefix("libtool: compile: ").unwrap_or(line).trim_start();
    let Some(first) = line.split_whitespace().next() else { return false };
    if matches!(first, "CC" | "CXX") {
        return true;
    }
    let program = first.rsplit('/').next().unwrap_or(first);
    let compiler = ["cc", "c++", "gcc", "g++", "clang", "clang++"];
    let known = compiler.iter().any(|name| {
        let rest = program.strip_prefix(name).or_else(|| {
            program.rsplit_once('-').map(|(_, last)| last).filter(|last| last == name).map(|_| "")
        });
        rest.is_some_and(|rest| {
            rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-' || byte == b'.')
        })
    });
    known && line.split_whitespace().any(|word| word == "-c")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(last: &str, log: &str) -> Vec<String> {
        let mut watch = Watch::new(last);
        let told = log.lines().filter_map(|line| watch.line(line));
        told.map(|Progress { step, done, total }| format!("{step} {done}/{total:?}")).collect()
    }

    const MAKE: &str = "Executing(%prep): /bin/sh -e x\n+ cd x\nExecuting(%build): /bin/sh -e x\n\
        g++ -O2 -c a.cpp -o a.o\nlibtool: compile:  /usr/bin/x86_64-linux-gnu-g++ -fPIC -c b.cpp\n  CXX      c.lo\n\
        g++ a.o b.o -o program\n/bin/sh ../libtool --mode=compile g++ -c d.cpp\nExecuting(%install): /bin/sh\n\
        Processing files: x-1\nWrote: /x.rpm\n";

    #[test]
    fn files_are_counted_against_the_last_build() {
        assert_eq!(
            read("", MAKE),
            [
                "%prep 0/None",
                "%build 0/None",
                "%build 1/None",
                "%build 2/None",
                "%build 3/None",
                "%install 0/None",
                "%files 0/None"
            ]
        );
        let again = read(MAKE, MAKE);
        assert_eq!(again.get(2).map(String::as_str), Some("%build 1/Some(3)"), "{again:?}");
        let cut = MAKE.replace("Wrote", "error");
        assert_eq!(read(&cut, MAKE), read("", MAKE), "a build that failed says nothing of how much there is");
        let less = "Executing(%build): x\ncc -c a.c\nWrote: x\n";
        assert_eq!(
            read(less, MAKE).get(3).map(String::as_str),
            Some("%build 2/None"),
            "more than the last time"
        );
    }

    #[test]
    fn a_build_that_counts_itself_is_believed() {
        let log = "Executing(%build): x\n[  3%] Building CXX object a.o\n[  3%] Built\n[45/100] b\n[1/0] c\n[x] d\n";
        assert_eq!(read("", log), ["%build 0/None", "%build 3/Some(100)", "%build 45/Some(100)"]);
        assert!(
            !compiles("cc1plus -c x") && !compiles("gcc-ar -c x") && compiles("gcc-12 -c x") && !compiles("")
        );
    }
}
