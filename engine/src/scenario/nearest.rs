//! "Did you mean …?": the one place that decides which known word a typo was meant to be.

/// Longer words are not typed by hand; comparing them would only cost time.
const LONGEST: usize = 64;

/// The known word most like `word`, if one is near enough to suggest: a third of the letters and
/// one more may differ, but not all. Case, `-` and `_` do not count. Of equally near words the
/// first.
///
/// ```
/// use anthill_engine::scenario::nearest;
/// assert_eq!(nearest("min_dealy", ["min_delay", "loopback"]), Some("min_delay"));
/// assert_eq!(nearest("colour", ["min_delay", "loopback"]), None);
/// ```
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if word.chars().count() > LONGEST {
        return None;
    }
    let plain = |w: &str| w.to_lowercase().replace('_', "-");
    let wanted = plain(word);
    let letters = wanted.chars().count();
    let near = |candidate: &&str| {
        let other = plain(candidate);
        let distance = strsim::damerau_levenshtein(&wanted, &other);
        let length = other.chars().count();
        (distance <= 1 + letters.max(length) / 3 && distance < length).then_some(distance)
    };
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        if let Some(distance) = near(&candidate)
            && best.is_none_or(|(least, _)| distance < least)
        {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// The end of a message about an unknown word: the nearest known one, or all of them.
pub(super) fn suggestion(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_find_their_word() {
        let known = ["seed", "nodes", "until", "network"];
        assert_eq!(nearest("node", known), Some("nodes"));
        assert_eq!(nearest("NODES", known), Some("nodes"));
        assert_eq!(nearest("unitl", known), Some("until"));
        assert_eq!(nearest("newtork", known), Some("network"));
        assert_eq!(nearest("fold", ["gossip", "phold"]), Some("phold"));
        assert_eq!(nearest("deg", ["degree", "kind"]), Some("degree"));
        assert_eq!(nearest("push_pull", ["push", "push-pull"]), Some("push-pull"));
    }

    #[test]
    fn unlike_words_suggest_nothing() {
        assert_eq!(nearest("x", ["seed", "nodes", "p", "ab"]), None);
        assert_eq!(nearest("raft", ["gossip", "phold"]), None);
        assert_eq!(nearest("", ["seed"]), None);
        assert_eq!(nearest("seed", []), None);
        assert_eq!(nearest(&"a".repeat(1_000_000), ["seed"]), None);
        assert_eq!(suggestion("x", &["seed", "nodes"]), "known: seed, nodes");
    }
}
