//! What a build tells, shown as it happens: lines, bars, JSON, the log file; and JUnit's XML at the end.

use std::time::Duration;

use camino::Utf8Path;
use owo_colors::OwoColorize as _;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::build::{BuildError, Difference, Event, Progress};
use crate::diagnostic::with_causes;
use crate::report::{Bars, Format, Log, json_line};

/// What was told so far.
pub(super) struct Shown {
    format: Format,
    bars: Bars,
    log: Option<Log>,
    told: Vec<Event>,
}

impl Shown {
    pub(super) fn new(format: Format, log: Option<Log>) -> Self {
        Self { format, bars: Bars::new(format), log, told: Vec::new() }
    }

    /// How many packages failed or could not be begun.
    pub(super) fn failed(&self) -> usize {
        let failed =
            |event: &&Event| matches!(event, Event::PackageFailed { .. } | Event::PackageSkipped { .. });
        self.told.iter().filter(failed).count()
    }

    /// Errors and warnings of rpmlint in what was built.
    pub(super) fn lint(&self) -> (usize, usize) {
        let found = self.told.iter().filter_map(|event| match event {
            Event::PackageBuilt { lint, .. } => *lint,
            _ => None,
        });
        found.fold((0, 0), |(errors, warnings), lint| (errors + lint.errors, warnings + lint.warnings))
    }

    /// Shows one event.
    pub(super) fn event(&mut self, event: Event) {
        // What goes by many times a second says nothing once it is over.
        if !matches!(event, Event::PackageProgress { .. }) {
            self.log.iter_mut().for_each(|log| log.line(&event));
        }
        match self.format {
            Format::Json => json_line(&event),
            Format::Terminal | Format::Lines => self.show(&event),
        }
        if !matches!(event, Event::PackageProgress { .. }) {
            self.told.push(event);
        }
    }

    fn show(&mut self, event: &Event) {
        match event {
            Event::Note { message } => self.bars.line(&format!("{} {message}", "note:".cyan())),
            Event::Warning { message } => self.bars.line(&format!("{} {message}", "warning:".yellow())),
            Event::Explained { package, reason, differences } => {
                let reason =
                    reason.map_or_else(|| "the repository has it".to_owned(), |reason| reason.to_string());
                self.bars.line(&format!("{package}: {reason}{}", listed(differences)));
            }
            Event::PackageStarted { package, reason, differences } => {
                let what = differences.first().map(|first| format!(": {first}")).unwrap_or_default();
                let more = differences.len().saturating_sub(1);
                let more = if more > 0 { format!(", and {more} more") } else { String::new() };
                self.bars.line(&format!("building  {package} ({reason}{what}{more})"));
                self.bars.show(package.as_str(), String::new(), None);
            }
            Event::PackageProgress { package, progress: Progress { step, done, total } } => {
                let counted = total.map(|total| (*done, total));
                let message = match (done, total) {
                    (1.., None) => format!("{step}, {done} files compiled"),
                    _ => step.to_string(),
                };
                self.bars.show(package.as_str(), message, counted);
            }
            Event::PackageBuilt { package, rpms, duration_ms, lint } => {
                self.bars.end(package.as_str());
                let rpms = rpms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let seconds = format!("{}.{} s", duration_ms / 1000, duration_ms % 1000 / 100);
                let errors = lint.map_or(0, |lint| lint.errors);
                let lint = if errors > 0 { format!(", rpmlint: {errors} errors") } else { String::new() };
                self.bars.line(&format!("{}     {package}: {rpms} ({seconds}{lint})", "built".green()));
            }
            Event::PackageUnchanged { package } => self.bars.line(&format!("unchanged {package}")),
            Event::PackageFailed { package, error, .. } => {
                self.bars.end(package.as_str());
                self.bars.line(&format!("{}    {package}: {error}", "failed".red()));
            }
            Event::PackageSkipped { package, failed } => {
                self.bars
                    .line(&format!("{}   {package}: it needs {failed}, which failed", "skipped".yellow()));
            }
            Event::Published { folder } => self.bars.line(&format!("published {folder}")),
            Event::Compared { file, differences } if differences.is_empty() => {
                self.bars.line(&format!("{}      {file}", "same".green()));
            }
            Event::Compared { file, differences } => {
                let lines: String = differences.iter().map(|line| format!("\n  {line}")).collect();
                self.bars.line(&format!("{} {file}{lines}", "different".red()));
            }
        }
    }

    /// Writes what became of every package, and `error` where the run ended with one that is no package's.
    pub(super) fn junit(&self, file: &Utf8Path, error: Option<&BuildError>) -> Result<(), String> {
        let mut suite = TestSuite::new("build");
        suite.add_test_cases(self.told.iter().filter_map(case));
        if let Some(error) = error.filter(|error| !matches!(error, BuildError::Failed { .. })) {
            suite.add_test_case(TestCase::new("build", failure(NonSuccessKind::Error, with_causes(error))));
        }
        let mut report = Report::new("calico-mesos-install");
        report.add_test_suite(suite);
        let text = report.to_string().map_err(|error| format!("writing {file}: {error}"))?;
        fs_err::write(file, text).map_err(|error| with_causes(&error))
    }
}

/// What an event says of a package, in JUnit's terms.
fn case(event: &Event) -> Option<TestCase> {
    let mut case = match event {
        Event::PackageUnchanged { package } => TestCase::new(package.as_str(), TestCaseStatus::success()),
        Event::PackageBuilt { package, .. } => TestCase::new(package.as_str(), TestCaseStatus::success()),
        Event::PackageFailed { package, error, .. } => {
            TestCase::new(package.as_str(), failure(NonSuccessKind::Failure, error.clone()))
        }
        Event::PackageSkipped { package, failed } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("it needs {failed}, which failed"));
            TestCase::new(package.as_str(), status)
        }
        Event::Compared { file, differences } if differences.is_empty() => {
            TestCase::new(file.as_str(), TestCaseStatus::success())
        }
        Event::Compared { file, differences } => {
            TestCase::new(file.as_str(), failure(NonSuccessKind::Failure, differences.join("\n")))
        }
        _ => return None,
    };
    if let Event::PackageBuilt { duration_ms, .. } | Event::PackageFailed { duration_ms, .. } = event {
        case.set_time(Duration::from_millis(u64::try_from(*duration_ms).unwrap_or(u64::MAX)));
    }
    case.set_classname("build");
    Some(case)
}

fn failure(kind: NonSuccessKind, text: String) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(text.lines().next().unwrap_or_default().to_owned()).set_description(text);
    status
}

/// The differences, a line each.
fn listed(differences: &[Difference]) -> String {
    differences.iter().map(|difference| format!("\n  {difference}")).collect()
}
