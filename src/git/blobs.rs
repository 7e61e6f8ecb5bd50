//! What git keeps of files: blobs, read by one process, as they were committed.

use super::command;
use crate::text::MAX_FILE_BYTES;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

/// The contents of blobs by their ids. One that is not here, as in a partial clone, is left out; no
/// filter and no text conversion runs over any. Of one that is too large to be read as text the
/// first bytes are given, one more than may be read.
pub(super) fn blobs(root: &Path, ids: &[&str]) -> io::Result<BTreeMap<String, Arc<[u8]>>> {
    let mut out = BTreeMap::new();
    if ids.is_empty() {
        return Ok(out);
    }
    let mut git = command(root, &[], &["cat-file", "--batch"]);
    let mut child = git.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let asked = ids.iter().map(|id| format!("{id}\n")).collect::<String>();
    // Both pipes are short: git answers while it is still being asked.
    let asking = child.stdin.take().map(|mut stdin| {
        std::thread::spawn(move || {
            // git went away: that shows in its answers.
            let _ = stdin.write_all(asked.as_bytes());
        })
    });
    let mut read = Ok(());
    if let Some(stdout) = child.stdout.take() {
        let mut answers = BufReader::new(stdout);
        read = ids.iter().try_for_each(|_| {
            if let Some((id, bytes)) = answer(&mut answers)? {
                out.insert(id, bytes);
            }
            Ok(())
        });
    }
    if let Some(asking) = asking {
        let _ = asking.join();
    }
    child.wait()?;
    read.map(|()| out)
}

/// `<id> blob <size>`, the content, a line end; `<id> missing` for what is not here.
fn answer(from: &mut impl BufRead) -> io::Result<Option<(String, Arc<[u8]>)>> {
    let mut head = String::new();
    if from.read_line(&mut head)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut words = head.split_whitespace();
    let (id, kind, size) = (words.next(), words.next(), words.next());
    let (Some(id), Some(kind), Some(Ok(size))) = (id, kind, size.map(str::parse::<u64>)) else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    let wanted = size.min(MAX_FILE_BYTES + 1);
    from.by_ref().take(wanted).read_to_end(&mut bytes)?;
    let rest = size - wanted + 1;
    io::copy(&mut from.by_ref().take(rest), &mut io::sink())?;
    Ok((kind == "blob").then(|| (id.to_owned(), bytes.into())))
}
