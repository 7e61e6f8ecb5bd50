//! Edits of block YAML that keep its author's layout. On text and places alone: whoever asks knows
//! what stands there.

use super::Node;

/// Where to insert `lines` as further lines of a block mapping or list, and the text. The lines are
/// indented as far as its own. None where it is written in brackets or on the line of something
/// else.
pub fn append(text: &str, node: Node, lines: &[String]) -> Option<(usize, String)> {
    if node.is_alias() || node.is_flow() || !(node.is_mapping() || node.is_sequence()) {
        return None;
    }
    let indent = match node.items().next() {
        None => column(text, node.span().start as usize)?,
        Some(first) => {
            // The list may begin where its key does, so its dash is looked for.
            let before = text.get(..first.span().start as usize)?;
            let before = before.trim_end_matches(' ').strip_suffix('-')?;
            column(text, before.len())?
        }
    };
    let at = line_end(text, node.span().end as usize)?;
    Some((at, block(text, indent, lines)))
}

/// The column of a place, where only spaces and dashes of lists stand before it.
pub fn column(text: &str, at: usize) -> Option<usize> {
    let before = text.get(..at)?;
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    let lead = before[start..].trim_start_matches('\u{feff}');
    lead.bytes()
        .all(|b| matches!(b, b' ' | b'-'))
        .then_some(lead.len())
}

/// The end of the line that a place lies on, before its line break.
pub fn line_end(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let end = rest.find('\n').map_or(text.len(), |i| at + i);
    Some(match text[..end].ends_with('\r') {
        true => end - 1,
        false => end,
    })
}

/// Lines, each after a line break of the file's kind.
pub fn block(text: &str, indent: usize, lines: &[String]) -> String {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let lines = lines.iter();
    lines
        .map(|line| format!("{newline}{}{line}", " ".repeat(indent)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::yaml;
    use crate::text::FileId;

    fn appended(text: &str, path: &[&str], lines: &[&str]) -> Option<String> {
        let tree = yaml::parse(FileId(0), text);
        let mut node = tree.root()?;
        for key in path {
            node = match key.parse::<usize>() {
                Ok(i) => node.items().nth(i)?,
                Err(_) => node.get(key)?,
            };
        }
        let lines: Vec<String> = lines.iter().map(|l| (*l).to_owned()).collect();
        let (at, insert) = append(text, node, &lines)?;
        let mut out = text.to_owned();
        out.insert_str(at, &insert);
        Some(out)
    }

    #[test]
    fn lines_join_the_block_they_belong_to() {
        let text = "a:\n  - name: x # why\n    b: |\n      t\n\n  - name: y\n";
        assert_eq!(
            appended(text, &["a", "0"], &["c:", "  - 1"]).unwrap(),
            "a:\n  - name: x # why\n    b: |\n      t\n    c:\n      - 1\n\n  - name: y\n"
        );
        assert_eq!(
            appended(text, &["a"], &["- name: z"]).unwrap(),
            "a:\n  - name: x # why\n    b: |\n      t\n\n  - name: y\n  - name: z\n"
        );
        assert_eq!(
            appended("a:\r\n- x # c\r\nb: 1\r\n", &["a"], &["- y"]).unwrap(),
            "a:\r\n- x # c\r\n- y\r\nb: 1\r\n"
        );
        assert_eq!(appended("a: [x]\n", &["a"], &["- y"]), None);
        assert_eq!(appended("a: {x: 1}\n", &["a"], &["y: 2"]), None);
    }
}
