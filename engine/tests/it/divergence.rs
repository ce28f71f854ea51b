//! The divergence finder names the first differing event.

use anthill_engine::divergence::{Divergence, find};
use anthill_protocol::phold::Phold;

use crate::Ready;

const TEXT: &str = "nodes = 500\nuntil = \"200ms\"\n[protocol]\nname = \"phold\"\n\
                    [network]\nmodel = \"exponential\"\n";

#[test]
fn equal_runs_do_not_diverge() {
    let ready = Ready::<Phold>::new(TEXT);
    let found = find(|c| ready.try_sequential(c), |c| ready.try_sharded(3, 2, true, c));
    assert_eq!(found.expect("runs"), None);
}

/// Two runs that are equal until the shorter one's end: the first event beyond it is named.
#[test]
fn the_first_event_beyond_a_shorter_run_is_named() {
    let (long, short) =
        (Ready::<Phold>::new(TEXT), Ready::<Phold>::new(&TEXT.replace("200ms", "150ms")));
    let found = find(|c| long.try_sequential(c), |c| short.try_sharded(3, 2, true, c));
    let Ok(Some(Divergence::Event { key, first: Some(_), second: None })) = found else {
        panic!("{found:?}");
    };
    assert!((150_000_000..150_100_000).contains(&key.time.0), "{key}");
}

/// Different seeds: nothing in common, so the very first event of either is named.
#[test]
fn runs_with_nothing_in_common_part_at_their_first_event() {
    let (a, b) = (
        Ready::<Phold>::new(&format!("seed = 1\n{TEXT}")),
        Ready::<Phold>::new(&format!("seed = 2\n{TEXT}")),
    );
    let found = find(|c| a.try_sharded(1, 1, true, c), |c| b.try_sharded(1, 1, true, c));
    let Ok(Some(Divergence::Event { key, .. })) = found else { panic!("{found:?}") };
    assert!(key.time.0 >= 1_000_000 && key.time.0 < 1_200_000, "{key}");
}
