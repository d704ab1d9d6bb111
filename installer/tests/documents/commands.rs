//! The commands that documents show: every one parses, and those that need no host are run.

use std::path::Path;

use calico_mesos_install::cli::Cli;
use clap::CommandFactory as _;
use clap::error::ErrorKind;

use super::page::{self, Block, Page, Shown};

/// The name of the tool on a command line.
const TOOL: &str = "calico-mesos-install";

/// Every command line of a document, with its line: in blocks and within sentences.
fn command_lines(page: &Page) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for block in &page.blocks {
        match block.kind.as_str() {
            "console" => {
                found.extend(block.shown().into_iter().map(|Shown { command, .. }| (block.line, command)))
            }
            // Usage lines have brackets.
            "" | "sh" | "yaml" | "markdown" => found.extend(
                block
                    .text
                    .lines()
                    .map(|line| line.trim().trim_start_matches("$ ").trim_start_matches("- "))
                    .filter(|line| line.starts_with(TOOL) && !line.contains(['[', '<', '…']))
                    .map(|line| (block.line, line.to_owned())),
            ),
            _ => {}
        }
    }
    let within = page.words.iter().filter(|(_, words)| {
        // A command's name alone is spoken of, not shown.
        words.starts_with(&format!("{TOOL} "))
            && words.split(' ').count() > 2
            && !words.contains(['[', '<', '…', '\\'])
    });
    found.extend(within.cloned());
    found
}

/// The simple commands of a command line, each as its words, without variables before it and `sudo`.
fn simple_commands(line: &str) -> Result<Vec<Vec<String>>, String> {
    // What a command reads from its here-document is not a command.
    let line = line.split("<<").next().unwrap_or_default().replace("\\\n", " ");
    let words = shlex::split(&line).ok_or_else(|| format!("{line:?} is no command line"))?;
    let mut commands = vec![Vec::new()];
    let mut redirected = false;
    for word in words {
        if ["|", "&&", "||", ";", "&"].contains(&word.as_str()) {
            commands.push(Vec::new());
        } else if [">", ">>", "<", "2>"].contains(&word.as_str()) {
            redirected = true;
        } else if redirected || word.starts_with('>') || word.starts_with("2>") {
            redirected = false;
        } else if let Some(command) = commands.last_mut() {
            let before = command.is_empty() && (word == "sudo" || word == "exec" || is_assignment(&word));
            if !before {
                command.push(word);
            }
        }
    }
    Ok(commands)
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
}

/// What is wrong with a command, if anything.
fn mistake(words: &[String]) -> Option<String> {
    let program = words.first()?;
    if Path::new(program).file_name().is_some_and(|name| name == TOOL) {
        let known = match Cli::command().try_get_matches_from(words) {
            Ok(_) => return None,
            Err(error) => error,
        };
        let shows_help = matches!(
            known.kind(),
            ErrorKind::DisplayHelp
                | ErrorKind::DisplayVersion
                | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        );
        // `calico-mesos-install completions SHELL`
        let is_placeholder = known.kind() == ErrorKind::InvalidValue
            && words.iter().any(|word| word.chars().all(|c| c.is_ascii_uppercase()));
        return (!shows_help && !is_placeholder).then(|| known.to_string());
    }
    let ours = ["scripts/", "vagrant/", "bench/", ".ci/", "./lxc-box"];
    let ours = ours.iter().any(|folder| program.starts_with(folder));
    (ours && !page::root().join(program).exists()).then(|| format!("there is no {program}"))
}

#[test]
fn every_command_that_a_document_shows_is_one_of_the_tool() {
    let mut mistakes = Vec::new();
    for page in page::pages() {
        for (line, text) in command_lines(&page) {
            let place = format!("{}:{line}: {text}", page.path.display());
            match simple_commands(&text) {
                Err(error) => mistakes.push(format!("{place}\n{error}")),
                Ok(commands) => mistakes.extend(
                    commands.iter().filter_map(|words| Some(format!("{place}\n{}", mistake(words)?))),
                ),
            }
        }
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

#[test]
fn a_wrong_option_is_found_wherever_it_stands() {
    let wrong = |line: &str| simple_commands(line).unwrap().iter().any(|words| mistake(words).is_some());
    assert!(wrong("calico-mesos-install apply --yess inventory.toml"));
    assert!(wrong("cd x && NO_COLOR=1 sudo target/debug/calico-mesos-install aply"));
    assert!(wrong("calico-mesos-install init > a.toml | scripts/no-such-script"));
    assert!(!wrong("calico-mesos-install init --masters 3 > inventory.toml && scripts/test"));
}

#[test]
fn commands_are_shown_in_blocks_whose_run_is_settled() {
    let mut mistakes = Vec::new();
    for page in page::pages().iter().filter(|page| !page.generated) {
        for block in &page.blocks {
            let place = format!("{}:{}", page.path.display(), block.line);
            match block.kind.as_str() {
                "bash" | "shell" | "sh" => {
                    mistakes.push(format!("{place}: write commands as `console`, behind `$ `"))
                }
                "console" if block.shown().is_empty() => mistakes.push(format!("{place}: no command")),
                "console" => mistakes.extend(unsettled(block).map(|mistake| format!("{place}: {mistake}"))),
                _ => {}
            }
        }
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

/// What is wrong with the comment before a block.
fn unsettled(block: &Block) -> Option<String> {
    let marker = block.marker.as_deref()?;
    if let Some(test) = marker.strip_prefix("run by ") {
        return (!page::root().join(test).exists()).then(|| format!("there is no {test}"));
    }
    if let Some(why) = marker.strip_prefix("not run:") {
        return why.trim().is_empty().then(|| "say why".to_owned());
    }
    (marker != "lab").then(|| format!("what does {marker:?} mean?"))
}

#[test]
fn commands_that_need_no_host_do_what_the_documents_show() {
    let tool = Path::new(env!("CARGO_BIN_EXE_calico-mesos-install")).parent().unwrap();
    for page in page::pages() {
        let folder = tempfile::tempdir().unwrap();
        let init = std::process::Command::new(tool.join(TOOL)).arg("init").output().unwrap();
        fs_err::write(folder.path().join("inventory.toml"), init.stdout).unwrap();
        for block in page.blocks.iter().filter(|block| block.kind == "console" && block.marker.is_none()) {
            for shown in block.shown() {
                page::run(&page, block, &shown, folder.path(), tool);
            }
        }
    }
}

#[test]
fn inventories_that_documents_show_have_no_mistake() {
    for page in page::pages() {
        for block in page.blocks.iter().filter(|block| block.kind == "toml") {
            let place = format!("{}:{}", page.path.display(), block.line);
            let parsed: Result<toml::Table, _> = block.text.parse();
            let table = parsed.unwrap_or_else(|error| panic!("{place}: {error}"));
            if !(table.contains_key("cluster") && table.contains_key("hosts")) {
                continue;
            }
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("inventory.toml");
            fs_err::write(&file, &block.text).unwrap();
            let mut tool = std::process::Command::new(env!("CARGO_BIN_EXE_calico-mesos-install"));
            let output = tool.arg("validate").arg(&file).output().unwrap();
            assert!(output.status.success(), "{place}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}
