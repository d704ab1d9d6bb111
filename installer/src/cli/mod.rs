//! The command line: arguments, one file a command, exit statuses. The only place that prints.

mod apply;
mod apps;
mod build;
mod build_show;
mod cache;
mod checks;
mod completions;
mod data;
mod events;
mod examples;
mod exit;
mod explain;
mod finish;
mod hosts;
mod init;
mod interrupt;
mod lab;
mod load;
mod man;
mod mistakes;
mod mixed;
mod plan;
mod render;
mod report;
mod reset;
mod rollback;
mod runs;
mod saved;
mod schema;
mod source_args;
mod sources;
mod ssh;
mod status;
mod validate;
mod verify;

pub use events::event_schemas;
pub use exit::{Exit, Failure};

use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Instant;

use anstream::ColorChoice;
use camino::Utf8PathBuf;
use clap::{Parser, Subcommand, ValueHint};
use secrecy::SecretString;

use crate::event::{Summary, Totals};
use crate::report::{Format, Log, Reporter, json_line};

/// What `--help` and the man page end with.
fn after_help() -> String {
    let statuses = Exit::ALL.map(|exit| format!("  {:<4} {}", exit as u8, exit.meaning()));
    format!("{EXAMPLES}\n\nExit status:\n{}", statuses.join("\n"))
}

const EXAMPLES: &str = "\
Examples:
  calico-mesos-install lab up --masters 1 --agents 2
  calico-mesos-install build --release lab --out dist
  calico-mesos-install plan .lab/inventory.toml
  calico-mesos-install apply .lab/inventory.toml --yes
  calico-mesos-install apply .lab/inventory.toml --limit '@agent,!agent-1'
  calico-mesos-install verify .lab/inventory.toml";

/// Builds, installs and proves Apache Mesos clusters with Calico networking.
#[derive(Debug, Parser)]
#[command(name = "calico-mesos-install", version, arg_required_else_help = true, after_long_help = after_help())]
pub struct Cli {
    /// Options that every command takes.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes.
#[derive(Debug, clap::Args)]
pub struct Common {
    /// Print newline-delimited JSON events on standard output, the last one a summary.
    #[arg(long, global = true)]
    pub json: bool,
    /// A folder with `roles/`, `templates/` and `specs/` whose files take the place of those in
    /// /etc/calico-mesos-install, /usr/share/calico-mesos-install and the program itself.
    #[arg(long, global = true, value_name = "DIR", env = "CALICO_MESOS_INSTALL_DATA", value_hint = ValueHint::DirPath)]
    pub data: Option<Utf8PathBuf>,
    /// A folder of role files, with their `templates/` inside or beside it, in addition to the built-in ones.
    #[arg(long, global = true, value_name = "DIR", env = "CALICO_MESOS_INSTALL_ROLES")]
    pub roles: Option<Utf8PathBuf>,
    /// Append every event to this file, as JSON with the time.
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub log_file: Option<Utf8PathBuf>,
    /// Show more of what happens.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// When to use colours. `NO_COLOR` is honoured.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
    /// The journal of the run, once there is one: also a refusal is written to it.
    #[arg(skip)]
    journal: OnceLock<Utf8PathBuf>,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Common {
    /// Begins to show events as these options ask for.
    fn reporter(&self) -> Result<Reporter, Failure> {
        self.reporter_with(None)
    }

    /// The same, with a journal of the run.
    fn reporter_with(&self, journal: Option<Log>) -> Result<Reporter, Failure> {
        let log = self.log()?;
        Ok(Reporter::new(Format::detect(self.json), self.verbose, log.into_iter().chain(journal).collect()))
    }

    /// The log file, where one is asked for.
    fn log(&self) -> Result<Option<Log>, Failure> {
        self.log_file.as_deref().map(Log::open).transpose().map_err(Failure::usage)
    }
}

/// The commands, each in a file of its own.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print a commented inventory.
    Init(init::Args),
    /// Check an inventory offline, all mistakes at once.
    #[command(after_long_help = examples::VALIDATE)]
    Validate(validate::Args),
    /// Write every file of every host below a folder.
    #[command(after_long_help = examples::RENDER)]
    Render(render::Args),
    /// What releases are made from: list, fetch, lock and verify it.
    Sources(sources::Args),
    /// Build the packages of a release.
    #[command(after_long_help = examples::BUILD)]
    Build(build::Args),
    /// Show what `apply` would change, and why.
    #[command(after_long_help = examples::PLAN)]
    Plan(plan::Args),
    /// Bring every host to what the inventory says.
    #[command(after_long_help = examples::APPLY)]
    Apply(apply::Args),
    /// Take away what the tool installed, and nothing else.
    #[command(after_long_help = examples::RESET)]
    Reset(reset::Args),
    /// Return hosts to the packages and files of an earlier run.
    #[command(after_long_help = examples::ROLLBACK)]
    Rollback(rollback::Args),
    /// Show the services of every host as they are now.
    #[command(after_long_help = examples::STATUS)]
    Status(status::Args),
    /// Prove that the cluster works.
    #[command(after_long_help = examples::VERIFY)]
    Verify(verify::Args),
    /// Print a host's installation as steps to be done by hand.
    Explain(explain::Args),
    /// Show a past run, also as a page to look at.
    Report(report::Args),
    /// Sample applications for Marathon, and your own.
    #[command(after_long_help = examples::APPS)]
    Apps(apps::Args),
    /// Local hosts for trying and testing.
    #[command(after_long_help = examples::LAB)]
    Lab(lab::Args),
    /// Print the JSON schema of the inventory or of role files.
    Schema(schema::Args),
    /// Print completions for a shell.
    #[command(after_long_help = examples::COMPLETIONS)]
    Completions(completions::Args),
    /// Write the man pages into a folder.
    #[command(after_long_help = examples::MAN)]
    Man(man::Args),
}

/// Runs the tool on this process's arguments and returns its exit status.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.common.color {
        Color::Auto => {}
        Color::Always => ColorChoice::Always.write_global(),
        Color::Never => ColorChoice::Never.write_global(),
    }
    match run(&cli) {
        Ok(exit) => exit.into(),
        Err(failure) => failure.show(),
    }
}

fn run(cli: &Cli) -> Result<Exit, Failure> {
    match &cli.command {
        Command::Init(args) => init::run(&cli.common, args),
        Command::Validate(args) => validate::run(&cli.common, args),
        Command::Render(args) => whole(&cli.common, "render", |common| render::run(common, args)),
        Command::Sources(args) => whole(&cli.common, "sources", |common| sources::run(common, args)),
        Command::Build(args) => build::run(&cli.common, args),
        Command::Plan(args) => whole(&cli.common, "plan", |common| plan::run(common, args)),
        Command::Apply(args) => whole(&cli.common, "apply", |common| apply::run(common, args)),
        Command::Reset(args) => whole(&cli.common, "reset", |common| reset::run(common, args)),
        Command::Rollback(args) => whole(&cli.common, "rollback", |common| rollback::run(common, args)),
        Command::Status(args) => whole(&cli.common, "status", |common| status::run(common, args)),
        Command::Verify(args) => whole(&cli.common, "verify", |common| verify::run(common, args)),
        Command::Explain(args) => explain::run(&cli.common, args),
        Command::Report(args) => report::run(args),
        Command::Apps(args) => whole(&cli.common, "apps", |common| apps::run(common, args)),
        Command::Lab(args) => lab::run(&cli.common, args),
        Command::Schema(args) => schema::run(&cli.common, args),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
    }
}

/// Runs a command whose `--json` output and journal must end with a summary also when the run is refused: first the
/// error as an event, then the summary of a run that did nothing.
fn whole(
    common: &Common,
    command: &'static str,
    run: impl FnOnce(&Common) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let begun = Instant::now();
    run(common).inspect_err(|failure| {
        let summary = Summary::new(command, Totals::default(), 0, begun);
        if let Some(mut journal) = common.journal.get().and_then(|file| Log::open(file).ok()) {
            journal.line(&failure.line());
            journal.line(&summary);
        }
        if common.json {
            failure.json_lines();
            json_line(&summary);
        }
    })
}

/// Who runs this, for the locks on hosts: `user@machine, process 1234, since …`.
fn who() -> String {
    let user =
        std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "somebody".to_owned());
    let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let since = jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S %Z").to_string();
    format!("{user}@{machine}, process {}, since {since}", std::process::id())
}

/// Asks a question on the terminal; only `y` or `yes` is a yes.
fn ask(question: &str) -> Result<bool, Failure> {
    anstream::eprint!("{question} [y/N] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(Failure::usage)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Asks for a secret on the terminal, without echo.
fn ask_secret(question: &str) -> Result<SecretString, Failure> {
    rpassword::prompt_password(question).map(SecretString::from).map_err(|error| {
        Failure::usage(format!("no password can be asked for without a terminal: {error}\nGive it in a file or in the environment."))
    })
}
