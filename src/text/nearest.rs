//! "Did you mean".

use std::cmp::Reverse;

/// The candidate that `wanted` most probably stands for, or `None` when nothing is near.
///
/// Upper and lower case, `-` and `_` count as the same letter; beyond that one edit in three
/// letters is forgiven. Among equally near candidates the one with the longest common beginning
/// wins, then the first given.
pub fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = plain(wanted);
    let letters = wanted.chars().count();
    // With two letters or fewer, one edit makes nearly everything near.
    let forgiven = if letters < 3 { 0 } else { letters.div_ceil(3) };
    candidates
        .into_iter()
        .map(|candidate| {
            let letters = plain(candidate);
            let distance = strsim::damerau_levenshtein(&wanted, &letters);
            (
                distance,
                Reverse(common_start(&wanted, &letters)),
                candidate,
            )
        })
        .filter(|(distance, _, _)| *distance <= forgiven)
        .min_by_key(|&(distance, start, _)| (distance, start))
        .map(|(_, _, candidate)| candidate)
}

fn plain(name: &str) -> String {
    name.trim().replace('-', "_").to_lowercase()
}

fn common_start(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(x, y)| x == y).count()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_finger_finds_its_word() {
        let known = ["severity", "exclude", "include", "rules", "max"];
        assert_eq!(nearest("severty", known), Some("severity"));
        assert_eq!(nearest("Exclude", known), Some("exclude"));
        assert_eq!(nearest("rulse", known), Some("rules"));
        assert_eq!(nearest("mx", known), None);
        assert_eq!(nearest("description", known), None);
        assert_eq!(nearest("x", []), None);
    }

    #[test]
    fn dashes_and_underscores_are_the_same() {
        assert_eq!(nearest("max_lines", ["max-lines"]), Some("max-lines"));
    }

    #[test]
    fn ties_go_to_the_common_beginning_then_to_the_first() {
        assert_eq!(nearest("cat", ["hat", "car"]), Some("car"));
        assert_eq!(nearest("cat", ["cab", "car"]), Some("cab"));
    }
}
