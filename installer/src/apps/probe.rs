//! The probe: a task that tells whom it reaches.

/// A command for a task that runs the probe's program, for `sh -c`.
pub fn probe_command(program: &str) -> String {
    let code: Vec<&str> = program.lines().filter(|line| !line.starts_with('#')).collect();
    format!("exec $(command -v python3 || command -v python) -c '\n{}\n'", code.join("\n").replace('\'', ""))
}
