//! Where the SQL of an example lies: where its rule looks.

use crate::config::Layer;

/// The path of a model in a layer, by the layer's own pattern where one is configured.
pub(super) fn path_in_layer(layers: Option<&[Layer]>, role: &str) -> String {
    let layer = layers.and_then(|all| all.iter().find(|l| l.role == role));
    match layer.and_then(|l| l.paths.first()) {
        Some(glob) => path_of(glob.as_str()),
        None => format!("models/{role}/example.sql"),
    }
}

/// A path of SQL that a glob matches.
pub(super) fn path_of(glob: &str) -> String {
    let segment = |s: &str| -> Option<String> {
        if s == "**" || s.is_empty() {
            return None;
        }
        let mut out = String::new();
        let mut rest = s;
        while let Some(at) = rest.find(['*', '?', '{']) {
            out.push_str(&rest[..at]);
            let from = &rest[at..];
            let end = match from.starts_with('{') {
                true => from.find('}').map_or(from.len(), |e| e + 1),
                false => 1,
            };
            let inner = from[..end].trim_matches(['{', '}']);
            out.push_str(match (inner, inner.split_once(',')) {
                ("*", _) => "example",
                ("?", _) => "x",
                (_, Some((first, _))) => first,
                (name, None) => name,
            });
            rest = &from[end..];
        }
        out.push_str(rest);
        Some(out)
    };
    let parts: Vec<String> = glob.split('/').filter_map(segment).collect();
    let path = parts.join("/");
    match path.rsplit('/').next().is_some_and(|n| n.contains('.')) {
        true => path,
        false => format!("{path}/example.sql"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_has_a_path() {
        assert_eq!(
            path_of("models/**/staging/{source}/**"),
            "models/staging/source/example.sql"
        );
        assert_eq!(path_of("models/{a,b}/*.sql"), "models/a/example.sql");
        assert_eq!(path_in_layer(None, "marts"), "models/marts/example.sql");
    }
}
