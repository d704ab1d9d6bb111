//! Rebuilds the crate when a data file that it embeds comes or goes; changed ones Cargo sees by itself.

fn main() {
    for folder in ["roles", "templates", "specs"] {
        println!("cargo::rerun-if-changed=../{folder}");
    }
}
