use std::collections::BTreeMap;

use super::*;

#[derive(Clone, Debug, PartialEq)]
struct Number(u64);

impl Value for Number {
    fn digest(&self) -> Digest {
        Digest(blake3::hash(&self.0.to_le_bytes()).into())
    }
}

fn key(i: u64) -> Digest {
    Digest(blake3::hash(&i.to_le_bytes()).into())
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    blake3::hash(&parts.concat()).into()
}

fn filled(keys: impl IntoIterator<Item = u64>) -> Trie<Number> {
    let mut trie = Trie::new();
    trie.update(keys.into_iter().map(|i| (key(i), Some(Number(i)))).collect());
    trie
}

/// The definition, word by word, over a sorted map.
fn defined_root(content: &BTreeMap<Digest, u64>, prefix: &[bool]) -> [u8; 32] {
    let inside: Vec<_> = content
        .iter()
        .filter(|(key, _)| prefix.iter().enumerate().all(|(i, side)| bit(key, i) == *side))
        .collect();
    match inside[..] {
        [] => [0; 32],
        [(key, value)] => hash(&[&[0], &key.0, &hash(&[&value.to_le_bytes()])]),
        _ => {
            let side = |side| defined_root(content, &[prefix, &[side]].concat());
            hash(&[&[1], &side(false), &side(true)])
        }
    }
}

#[test]
fn the_root_is_what_the_definition_says() {
    for n in [0, 1, 2, 3, 17] {
        let content = (0..n).map(|i| (key(i), i)).collect();
        assert_eq!(filled(0..n).root().0, defined_root(&content, &[]), "{n} keys");
    }
    // Keys that share 255 bits.
    let (mut low, mut high) = (key(1), key(1));
    (low.0[31], high.0[31]) = (low.0[31] & !1, high.0[31] | 1);
    let mut trie = Trie::new();
    trie.update(vec![(low, Some(Number(5))), (high, Some(Number(6)))]);
    assert_eq!(trie.root().0, defined_root(&[(low, 5), (high, 6)].into(), &[]));
    assert_eq!(trie.mean_depth(), 256.0);
    trie.remove(high);
    assert_eq!(trie.root(), leaf_hash(&low, &Number(5).digest()));
}

#[test]
fn any_order_and_any_batches_of_changes_give_the_same_root() {
    let mut content = BTreeMap::new();
    let (mut shared, mut alone) = (Trie::new(), Trie::new());
    let mut old = Vec::new();
    for step in 0..400_u64 {
        let choice = step.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let batch: Vec<_> = (0..choice % 7)
            .map(|i| {
                let which = (choice >> 3).wrapping_add(i * i) % 60;
                (key(which), ((choice + i) % 3 != 0).then_some(Number(step)))
            })
            .collect();
        for (key, value) in &batch {
            match value {
                Some(value) => content.insert(*key, value.0),
                None => content.remove(key),
            };
            match value.clone() {
                Some(value) => alone.insert(*key, value),
                None => alone.remove(*key),
            }
        }
        old.push((shared.clone(), shared.root()));
        shared.update(batch);
        assert_eq!(shared.root().0, defined_root(&content, &[]), "step {step}");
        assert_eq!(shared.root(), alone.root(), "step {step}");
    }
    let mut listed = Vec::new();
    shared.for_each(|key, value| listed.push((*key, value.0)));
    assert_eq!(listed, content.into_iter().collect::<Vec<_>>());
    for (trie, root) in old {
        assert_eq!(trie.root(), root, "an older version was changed");
        let mut batch = Vec::new();
        trie.for_each(|key, value| batch.push((*key, Some(value.clone()))));
        let mut again = Trie::new();
        again.update(batch);
        assert_eq!(again.root(), root);
    }
}

/// Batches with new keys, other values and removals.
#[test]
fn large_batches_give_the_same_root_in_place_and_copied() {
    let mut content = BTreeMap::new();
    let (mut copied, mut in_place) = (Trie::new(), Trie::new());
    for step in 0..6_u64 {
        let batch: Vec<_> = (0..300)
            .map(|i| (i * 7 + step * 450) % 1_000)
            .map(|which| (key(which), ((which + step) % 4 != 0).then_some(Number(which + step))))
            .collect();
        for (key, value) in &batch {
            match value {
                Some(value) => content.insert(*key, value.0),
                None => content.remove(key),
            };
        }
        let before = copied.clone();
        let root = before.root();
        copied.update(batch.clone());
        in_place.update(batch);
        assert_eq!(copied.root().0, defined_root(&content, &[]), "step {step}");
        assert_eq!(copied.root(), in_place.root(), "step {step}");
        assert_eq!(before.root(), root, "step {step}");
        let mut again = Trie::new();
        again.update({
            let mut all = Vec::new();
            before.for_each(|key, value| all.push((*key, Some(value.clone()))));
            all
        });
        assert_eq!(again.root(), root, "what others hold was changed in step {step}");
    }
}

#[test]
fn of_two_changes_to_a_key_the_last_counts() {
    let mut trie = Trie::new();
    trie.update(vec![(key(1), Some(Number(1))), (key(1), Some(Number(2)))]);
    assert_eq!(trie.get(&key(1)), Some(&Number(2)));
    trie.update(vec![(key(1), Some(Number(3))), (key(1), None)]);
    assert_eq!((trie.get(&key(1)), trie.root()), (None, EMPTY));
}

#[test]
fn proofs_of_presence_and_absence_hold_and_altered_ones_do_not() {
    let trie = filled(0..500);
    let root = trie.root();
    for i in 0..1_000 {
        let proof = trie.prove(&key(i));
        let expected = (i < 500).then(|| Number(i).digest());
        assert_eq!(proof.verify(&root, &key(i)), Ok(expected), "key {i}");
        assert!(proof.verify(&filled(0..499).root(), &key(i)).is_err(), "key {i}, other root");
        for at in 0..proof.siblings.len() {
            let mut altered = proof.clone();
            altered.siblings[at].0[7] ^= 4;
            assert_eq!(altered.verify(&root, &key(i)), Err(ProofError::OtherRoot));
        }
        let mut altered = proof.clone();
        altered.end = match proof.end {
            End::Empty => End::Leaf { key: key(i), value: Number(i).digest() },
            End::Leaf { key, .. } => End::Leaf { key, value: Number(9_999).digest() },
        };
        assert_eq!(altered.verify(&root, &key(i)), Err(ProofError::OtherRoot));
        altered.end = End::Empty;
        assert_eq!(altered.verify(&root, &key(i)).is_ok(), proof.end == End::Empty);
    }
}

#[test]
fn a_leaf_off_the_path_proves_no_absence() {
    let trie = filled(0..500);
    let proof = trie.prove(&key(3));
    let other = (500..).map(key).find(|other| bit(other, 0) != bit(&key(3), 0)).expect("half");
    assert_eq!(proof.verify(&trie.root(), &other), Err(ProofError::Astray));
    let long = Proof { siblings: vec![EMPTY; 257], end: End::Empty };
    assert_eq!(long.verify(&EMPTY, &key(3)), Err(ProofError::TooLong(257)));
    assert_eq!(Trie::<Number>::new().prove(&key(3)).verify(&EMPTY, &key(3)), Ok(None));
}

#[test]
fn a_random_trie_is_as_deep_as_random_tries_are() {
    // Σ 1 − (1 − 2⁻ᵏ)^(N−1) = 11.2978 for N = 1,000; the mean of one trie varies by about .08.
    let depth: f64 =
        (0..20).map(|i| filled(1_000 * i..1_000 * (i + 1)).mean_depth()).sum::<f64>() / 20.0;
    assert!((depth - 11.2978).abs() < 0.08, "{depth}");
}
