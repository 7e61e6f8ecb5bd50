//! Parse, run, exit code.

use clap::Parser;
use harness_lint::cli::{Cli, ColorWhen};
use harness_lint::error::RunError;
use harness_lint::text::MAX_FILE_BYTES;
use harness_lint::threads;
use harness_lint::verbs::{self, Printed};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    report_panics();
    let mut cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => {
            // Help and version come this way too; a reader that has gone away needs neither.
            let _ = message.print();
            return ExitCode::from(u8::try_from(message.exit_code()).unwrap_or(2));
        }
    };
    let done = read_stdin(&mut cli).and_then(|()| run(&cli));
    let done = done.and_then(|printed| {
        write(io::stdout(), &printed.text)?;
        Ok(printed)
    });
    match done {
        Ok(printed) => {
            let _ = write(io::stderr(), &printed.notes);
            ExitCode::from(printed.exit)
        }
        Err(error) => {
            let error = error.printable();
            let _ = write(io::stderr(), &shown(&error, cli.color));
            ExitCode::from(error.exit_code())
        }
    }
}

/// Reads stdin where a path is `-`, as far as a file is read.
fn read_stdin(cli: &mut Cli) -> Result<(), RunError> {
    let Some(args) = cli.check_mut().filter(|args| args.reads_stdin()) else {
        return Ok(());
    };
    if args.stdin_filename.is_none() {
        // What is wrong is said without waiting for an end of input.
        return Ok(());
    }
    let unread = |why: String| RunError::Input {
        path: "stdin".to_owned(),
        why,
        help: None,
    };
    let mut bytes = Vec::new();
    let mut bounded = io::stdin().lock().take(MAX_FILE_BYTES + 1);
    let read = bounded.read_to_end(&mut bytes);
    read.map_err(|e| unread(e.to_string()))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(unread(format!("holds more than {MAX_FILE_BYTES} bytes")));
    }
    args.stdin = Some(bytes);
    Ok(())
}

fn run(cli: &Cli) -> Result<Printed, RunError> {
    let cwd = std::env::current_dir().map_err(|e| RunError::Input {
        path: "the working directory".to_owned(),
        why: e.to_string(),
        help: None,
    })?;
    let color = colors(cli.color, io::stdout().is_terminal());
    threads::on_pool(verbs::threads(cli), || verbs::run(cli, &cwd, color))
}

/// Writes all of it. A pipe that the reader has closed (`| head`) is no error: the answer was
/// complete, and enough of it was read.
fn write(mut to: impl Write, text: &str) -> io::Result<()> {
    match to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// Is an output coloured? NO_COLOR (no-color.org) counts when it is not empty.
fn colors(when: ColorWhen, terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty());
    match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => {
            let dumb = set("TERM").is_some_and(|t| t == "dumb");
            terminal && !dumb && set("NO_COLOR").is_none()
        }
    }
}

/// An error: with the text around it for a person at a terminal, in plain lines otherwise.
fn shown(error: &RunError, when: ColorWhen) -> String {
    let terminal = io::stderr().is_terminal();
    if terminal || when == ColorWhen::Always {
        let theme = match colors(when, terminal) {
            true => GraphicalTheme::unicode(),
            false => GraphicalTheme::unicode_nocolor(),
        };
        let handler = GraphicalReportHandler::new_themed(theme).with_links(false);
        let mut out = String::new();
        if handler.render_report(&mut out, error).is_ok() {
            return out;
        }
    }
    let help = error.help().map(|h| format!("help: {h}\n"));
    format!("error: {error}\n{}", help.unwrap_or_default())
}

/// A panic is a mistake of ours; it says so, where it happened, and what to do.
fn report_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        usual(info);
        let advice = "this is a mistake in harness-lint, not in your repository: please report it \
                      with the command and the lines above\n";
        let _ = io::stderr().write_all(advice.as_bytes());
    }));
}
