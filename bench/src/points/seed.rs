//! The seeds of runs: a function of what is run, so that adding a value or a repeat changes no
//! other run.

/// The seed of a run: the first 53 bits (all that every reader of JSON keeps) of BLAKE3 over the
/// lines `anthill seed`, the base seed, `path=value` of each parameter in the order of the paths,
/// and the number of the run, from 1. Each line ends in a newline.
pub(crate) fn derived_seed(base: u64, parameters: &[(&str, &str)], run: u32) -> u64 {
    let mut parameters = parameters.to_vec();
    parameters.sort_unstable();
    let mut text = format!("anthill seed\n{base}\n");
    for (path, value) in parameters {
        text += &format!("{path}={value}\n");
    }
    text += &format!("{run}\n");
    let hash = blake3::hash(text.as_bytes());
    let first = hash.as_bytes().iter().take(8).rev();
    first.fold(0u64, |number, byte| number << 8 | u64::from(*byte)) >> 11
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_depends_on_all_that_is_run_and_on_nothing_else() {
        let seed = derived_seed(1, &[("a", "1"), ("b", "2")], 1);
        assert_eq!(seed, derived_seed(1, &[("b", "2"), ("a", "1")], 1));
        assert!(seed < 1 << 53);
        for other in [
            derived_seed(2, &[("a", "1"), ("b", "2")], 1),
            derived_seed(1, &[("a", "1"), ("b", "3")], 1),
            derived_seed(1, &[("a", "1")], 1),
            derived_seed(1, &[("a", "1"), ("b", "2")], 2),
        ] {
            assert_ne!(seed, other);
        }
    }
}
