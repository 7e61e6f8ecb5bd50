//! The commands that a report prints, to be pasted into a shell as they are.

use crate::config::BaselineSetting;
use crate::git::Against;
use crate::load::Place;
use crate::run::Request;
use crate::text::{folded, is_hidden, relative_path};
use std::path::PathBuf;

/// At most so many paths are named; beyond that the whole project is checked again.
const MAX_PATHS: usize = 5;

/// How to check again what a run checked: the same project, configuration and rules.
#[derive(Debug, Clone)]
pub struct Recheck {
    prefix: String,
    /// The command that fixes; none where what was judged is not what lies on disk.
    fix: Option<String>,
    project_dir: PathBuf,
    cwd: PathBuf,
}

impl Recheck {
    /// For a run of `request` over the project at `place`.
    pub fn new(request: &Request, place: &Place) -> Self {
        let cwd = request.cwd.canonicalize();
        let cwd = cwd.unwrap_or_else(|_| request.cwd.clone());
        let mut prefix = "harness-lint check".to_owned();
        let mut add = |flag: &str, value: &str| {
            prefix.push_str(&format!(" {flag} {}", quoted(value)));
        };
        if place.project_dir != cwd {
            add("--project-dir", &relative_path(&place.project_dir, &cwd));
        }
        if let Some(path) = &request.config {
            add("--config", &path.to_string_lossy());
        }
        match &request.manifest {
            Some(crate::config::ManifestSetting::Path(path)) => add("--manifest", path),
            Some(crate::config::ManifestSetting::Off) => add("--manifest", "off"),
            Some(crate::config::ManifestSetting::Auto) => add("--manifest", "auto"),
            None => {}
        }
        match &request.baseline {
            Some(BaselineSetting::Path(path)) => add("--baseline", path),
            Some(BaselineSetting::Off) => add("--baseline", "off"),
            Some(BaselineSetting::Auto) | None => {}
        }
        if !request.vars.is_empty() {
            add(
                "--vars",
                &serde_json::Value::from(request.vars.clone()).to_string(),
            );
        }
        if let Some(target) = &request.target {
            add("--target", target);
        }
        let on_disk = request.stdin.is_none();
        let mut fix = prefix.replacen("check", "check --fix", 1);
        if let Some(Against::Ref(name)) = &request.against {
            let name = name.as_ref().map(|n| format!("={}", quoted(n)));
            fix.push_str(&format!(" --changed{}", name.unwrap_or_default()));
        }
        match &request.against {
            Some(Against::Staged) => prefix.push_str(" --staged"),
            Some(Against::Ref(None)) => prefix.push_str(" --changed"),
            Some(Against::Ref(Some(name))) => {
                prefix.push_str(&format!(" --changed={}", quoted(name)));
            }
            None => {}
        }
        let mut add = |flag: &str, value: &str| {
            prefix.push_str(&format!(" {flag} {}", quoted(value)));
        };
        for rule in &request.filter.only {
            add("--rule", rule);
        }
        for rule in &request.filter.ignore {
            add("--ignore", rule);
        }
        Self {
            prefix,
            fix: on_disk.then_some(fix),
            project_dir: place.project_dir.clone(),
            cwd,
        }
    }

    /// The command for these paths, which count from the project directory; for the whole project
    /// where they are too many or cannot be pasted.
    pub fn paths(&self, paths: &[&str]) -> String {
        self.over(&self.prefix, paths)
    }

    /// The command that makes a rule's safe fixes in these paths.
    pub fn fix(&self, rule: &str, paths: &[&str]) -> Option<String> {
        let command = format!("{} --rule {}", self.fix.as_ref()?, quoted(rule));
        Some(self.over(&command, paths))
    }

    fn over(&self, command: &str, paths: &[&str]) -> String {
        let from_here: Vec<String> = paths.iter().map(|p| self.as_typed(p)).collect();
        if paths.len() > MAX_PATHS || !from_here.iter().all(|p| can_be_pasted(p)) {
            return command.to_owned();
        }
        let mut command = command.to_owned();
        for path in from_here {
            command.push(' ');
            command.push_str(&quoted(&path));
        }
        command
    }

    fn as_typed(&self, path: &str) -> String {
        let path = relative_path(&folded(&self.project_dir.join(path)), &self.cwd);
        match path.starts_with('-') {
            true => format!("./{path}"),
            false => path,
        }
    }
}

/// A name with hidden characters, or of bytes that are no text, cannot be pasted.
fn can_be_pasted(path: &str) -> bool {
    !path.contains(is_hidden) && !path.contains(char::REPLACEMENT_CHARACTER) && !path.contains("##")
}

/// A word for a POSIX shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./@+,:%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recheck(cwd: &str) -> Recheck {
        let place = Place::new("/r/dbt".into(), "/r".into());
        let request = Request {
            cwd: cwd.into(),
            ..Request::default()
        };
        Recheck::new(&request, &place)
    }

    #[test]
    fn paths_count_from_the_working_directory() {
        let command = |cwd: &str, path: &str| recheck(cwd).paths(&[path]);
        assert_eq!(
            command("/r/dbt", "models/a.sql"),
            "harness-lint check models/a.sql"
        );
        let above = "harness-lint check --project-dir dbt dbt/models/a.sql";
        assert_eq!(command("/r", "models/a.sql"), above);
        let below = "harness-lint check --project-dir .. a.sql";
        assert_eq!(command("/r/dbt/models", "models/a.sql"), below);
        assert_eq!(
            command("/r/dbt", "../AGENTS.md"),
            "harness-lint check ../AGENTS.md"
        );
    }

    #[test]
    fn what_a_shell_would_obey_is_quoted() {
        let command = |path: &str| recheck("/r/dbt").paths(&[path]);
        assert_eq!(command("a b.sql"), "harness-lint check 'a b.sql'");
        assert_eq!(
            command("it's$(x).sql"),
            r"harness-lint check 'it'\''s$(x).sql'"
        );
        assert_eq!(command("-x.sql"), "harness-lint check ./-x.sql");
        assert_eq!(command("a\nb.sql"), "harness-lint check");
    }

    #[test]
    fn fixes_are_asked_for_by_rule() {
        let command = |request: &Request| {
            let place = Place::new("/r/dbt".into(), "/r".into());
            Recheck::new(request, &place).fix("structure/tags", &["models/a.sql"])
        };
        let mut request = Request {
            cwd: "/r".into(),
            against: Some(Against::Ref(Some("main".to_owned()))),
            ..Request::default()
        };
        request.filter.only = vec!["structure/*".to_owned()];
        let wanted = "harness-lint check --fix --project-dir dbt --changed=main \
                      --rule structure/tags dbt/models/a.sql";
        assert_eq!(command(&request).as_deref(), Some(wanted));
        // The index is not what is fixed, the work tree is.
        request.against = Some(Against::Staged);
        let wanted =
            "harness-lint check --fix --project-dir dbt --rule structure/tags dbt/models/a.sql";
        assert_eq!(command(&request).as_deref(), Some(wanted));
        request.stdin = Some(crate::run::Stdin {
            path: "a.sql".into(),
            bytes: (&b""[..]).into(),
        });
        assert_eq!(command(&request), None);
    }

    #[test]
    fn many_paths_are_the_whole_project() {
        let six = ["a", "b", "c", "d", "e", "f"];
        assert_eq!(recheck("/r/dbt").paths(&six), "harness-lint check");
        assert_eq!(
            recheck("/r/dbt").paths(&six[..5]),
            "harness-lint check a b c d e"
        );
    }
}
