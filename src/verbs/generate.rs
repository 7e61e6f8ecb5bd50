//! `generate`: what shells and `man` read of the command line's definition.

use super::Printed;
use crate::cli::{Cli, GenerateArgs, Generated};
use clap_complete::Shell;

/// The name under which the binary is installed.
const BINARY: &str = "harness-lint";

/// Prints it; nothing is installed.
pub fn run(args: &GenerateArgs) -> Printed {
    let mut command = Cli::definition();
    let mut out = Vec::new();
    match shell(args.what) {
        Some(shell) => clap_complete::generate(shell, &mut command, BINARY, &mut out),
        None => {
            // Writing into memory does not fail.
            let _ = clap_mangen::Man::new(command).render(&mut out);
        }
    }
    Printed::text(String::from_utf8_lossy(&out).into_owned())
}

fn shell(what: Generated) -> Option<Shell> {
    match what {
        Generated::Man => None,
        Generated::Bash => Some(Shell::Bash),
        Generated::Elvish => Some(Shell::Elvish),
        Generated::Fish => Some(Shell::Fish),
        Generated::Powershell => Some(Shell::PowerShell),
        Generated::Zsh => Some(Shell::Zsh),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_names_every_verb_and_a_flag_of_check() {
        for what in &[
            Generated::Man,
            Generated::Bash,
            Generated::Elvish,
            Generated::Fish,
            Generated::Powershell,
            Generated::Zsh,
        ] {
            let text = run(&GenerateArgs { what: *what }).text.replace("\\-", "-");
            for verb in Cli::verbs() {
                assert!(text.contains(&verb), "{what:?} lacks {verb}");
            }
            assert!(text.contains("fail-on"), "{what:?}");
        }
    }
}
