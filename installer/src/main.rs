//! The binary: everything is in the library, see [`calico_mesos_install::cli::main`].

use std::process::ExitCode;

fn main() -> ExitCode {
    calico_mesos_install::cli::main()
}
