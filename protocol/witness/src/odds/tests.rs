use super::*;
use crate::evidence::Tests;
use anthill_protocol::draw::{Purpose, below, draw, stream, threshold};
use anthill_protocol::{NodeId, Span};

/// Asserts that `value` rounds to the figure as printed, to its last digit.
pub(crate) fn assert_printed(value: f64, printed: &str) {
    let mantissa = printed.split('e').next().unwrap().replace('.', "");
    let digits = mantissa.trim_start_matches('0').len();
    let rounded = format!("{value:.*e}", digits - 1);
    let same = rounded.parse::<f64>() == printed.parse::<f64>();
    assert!(same, "{value:e} is not {printed}");
}

fn collusion(verifiers: u32, corrupt: u32) -> Collusion {
    Collusion { verifiers, corrupt, witnesses: 100, redundancy: 62 }
}

/// Seven witnesses of twelve verifiers, five signatures: small enough to enumerate.
const SMALL: Collusion = Collusion { verifiers: 12, corrupt: 5, witnesses: 7, redundancy: 5 };

/// How many are corrupt in each selection of the small model.
fn small_selections() -> Vec<u32> {
    let corrupt = (1u32 << SMALL.corrupt) - 1;
    let all = 0u32..1 << SMALL.verifiers;
    let selected = all.filter(|set| set.count_ones() == SMALL.witnesses);
    selected.map(|set| (set & corrupt).count_ones()).collect()
}

#[test]
fn double_spends_as_in_the_specification() {
    for (verifiers, corrupt, printed) in [
        (2_000, 300, ".01004"),
        (2_000, 500, ".63286"),
        (2_000, 700, ".99444"),
        (1_000, 100, "1.167e-5"),
        (1_000, 200, ".17725"),
        (1_000, 300, ".93485"),
        (5_000, 1_000, ".18684"),
        (5_000, 1_250, ".63046"),
    ] {
        assert_printed(collusion(verifiers, corrupt).accepted(2), printed);
    }
}

#[test]
fn spending_more_often_needs_more_corrupt_witnesses() {
    let model = collusion(2_000, 500);
    assert_eq!([2, 3, 4, 5].map(|spends| model.needed(spends)), [24, 43, 50, 53]);
    // From rational arithmetic.
    assert_printed(model.accepted(3), "4.07317632925e-5");
    assert_printed(collusion(2_000, 200).accepted(3), "4.10920091456e-19");
    // Witnesses so many that both contracts find enough honest ones.
    assert_eq!(Collusion { redundancy: 50, ..model }.needed(2), 0);
    assert_eq!(Collusion { redundancy: 100, ..model }.needed(7), 100);
}

#[test]
fn variants_agree_with_rational_arithmetic() {
    for (corrupt, offline, sprayed, of_67, of_75) in [
        (200, "9.49226116507e-8", "2.91263439111e-6", "1.27664514026e-11", "4.33770262074e-26"),
        (300, "1.69015282274e-4", "1.72245015924e-3", "8.75026781644e-7", "1.76150098862e-17"),
        (400, "1.15411797699e-2", "4.52805771238e-2", "5.33252136171e-4", "4.84885826892e-12"),
        (500, "1.29399460863e-1", "2.42589761862e-1", "2.44852779067e-2", "2.76470910407e-8"),
        (700, "8.11965324886e-1", "8.00799261143e-1", "6.23118404061e-1", "1.11241888179e-3"),
    ] {
        let model = collusion(2_000, corrupt);
        assert_printed(model.accepted_when_online(2, 0.9), offline);
        assert_printed(model.accepted_when_sprayed(), sprayed);
        assert_printed(Collusion { redundancy: 67, ..model }.accepted(2), of_67);
        assert_printed(Collusion { redundancy: 75, ..model }.accepted(2), of_75);
    }
}

#[test]
fn everybody_online_is_the_plain_double_spend() {
    for corrupt in [300, 500, 700] {
        let model = collusion(2_000, corrupt);
        let difference = model.accepted_when_online(2, 1.0) - model.accepted(2);
        assert!(difference.abs() < 1e-14, "{difference:e}");
        assert_eq!(model.accepted_with_lies(0), model.accepted(2));
    }
}

#[test]
fn enumeration_confirms_the_double_spends() {
    let selections = small_selections();
    assert_eq!(selections.len(), 792);
    let (mut plain, mut thrice, mut offline, mut sprayed, mut convicted) = (0, 0, 0.0, 0.0, 0);
    for &corrupt in &selections {
        let honest = SMALL.witnesses - corrupt;
        let enough = |signed: u32| signed + corrupt >= SMALL.redundancy;
        let among = |parts: &[u32]| parts.iter().all(|part| enough(*part));
        plain += u32::from((0..=honest).any(|a| among(&[a, honest - a])));
        let pairs = || (0..=honest).flat_map(|a| (0..=honest - a).map(move |b| (a, b)));
        thrice += u32::from(pairs().any(|(a, b)| among(&[a, b, honest - a - b])));
        // Each subset of the honest ones: who is online, or who hears of the first contract first.
        for subset in (0u32..1 << honest).map(u32::count_ones) {
            let weight = 0.75f64.powi(subset as i32) * 0.25f64.powi((honest - subset) as i32);
            offline += weight * f64::from(u8::from((0..=subset).any(|a| among(&[a, subset - a]))));
            let half = 0.5f64.powi(honest as i32);
            sprayed += half * f64::from(u8::from(among(&[subset, honest - subset])));
        }
        convicted += u32::from(honest >= SMALL.redundancy);
    }
    let all = selections.len() as f64;
    for (formula, counted) in [
        (SMALL.accepted(2), f64::from(plain)),
        (SMALL.accepted(3), f64::from(thrice)),
        (SMALL.accepted_when_online(2, 0.75), offline),
        (SMALL.accepted_when_sprayed(), sprayed),
        (SMALL.convicted(), f64::from(convicted)),
    ] {
        assert!((formula - counted / all).abs() < 1e-13, "{formula} and {}", counted / all);
    }
}

#[test]
fn convictions_as_in_the_specification() {
    for (corrupt, printed) in
        [(400, ".99999"), (500, ".99894"), (600, ".96951"), (700, ".77544"), (800, ".37896")]
    {
        assert_printed(collusion(2_000, corrupt).convicted(), printed);
    }
}

#[test]
fn grinding_as_in_the_specification() {
    let residues = 100_000;
    for (corrupt, printed) in [(160, ".036"), (200, ".895")] {
        assert_printed(found_by_grinding(collusion(2_000, corrupt).accepted(2), residues), printed);
    }
    assert_eq!(found_by_grinding(0.0, residues), 0.0);
    assert!((found_by_grinding(1e-20, residues) / 1e-15 - 1.0).abs() < 1e-12);
    assert!((found_by_grinding(0.25, 2) - 0.4375).abs() < 1e-15);
    assert_eq!(favourable_draw_price(1_000.0, 0.125), 8_000.0);
}

#[test]
fn liars_about_skips_as_in_the_specification() {
    for (lies, printed) in
        [(4, "4.1e-4"), (8, "9.1e-3"), (12, ".093"), (16, ".415"), (20, ".841"), (24, ".991")]
    {
        assert_printed(skip_liar_detected(100, 0.9, lies, 30), printed);
    }
    assert_eq!(skip_liar_detected(100, 0.9, 30, 30), 1.0);
    for (corrupt, printed) in [(200, "1.469e-3"), (300, ".1454"), (400, ".6945"), (500, ".9701")] {
        assert_printed(collusion(2_000, corrupt).accepted_with_lies(29), printed);
    }
}

#[test]
fn privacy_as_in_the_specification() {
    for (coalition, printed) in [(10, ".65"), (20, ".88"), (40, ".986")] {
        assert_printed(seen_by_coalition(2_000, coalition, 200), printed);
    }
    assert!((seen_by_coalition(1_000_000, 1, 200) / 2e-4 - 1.0).abs() < 1e-12);
    assert_eq!(seen_by_coalition(2_000, 0, 200), 0.0);
}

/// The whole story simulated: draws without replacement, honest witnesses that hear of either
/// contract first, a liar whose skips are judged.
#[test]
fn simulation_confirms_spraying_lying_and_privacy() {
    let model = collusion(400, 100);
    let tests = Tests::new(100, 0.9, 1e-5, Span::from_secs(172_800));
    let (runs, lies, coalition) = (20_000, 18, 3);
    let key = stream(1, Purpose::Adversary, NodeId(0));
    let mut bits = (0..).map(|counter| draw(key, counter));
    let mut next = move || bits.next().unwrap();
    let mut verifiers: Vec<u32> = (0..model.verifiers).collect();
    let (mut plain, mut sprayed, mut caught, mut seen) = (0, 0, 0, 0);
    for _ in 0..runs {
        for i in 0..model.witnesses {
            let other = i + below(next(), u64::from(model.verifiers - i)) as u32;
            verifiers.swap(i as usize, other as usize);
        }
        let drawn = &verifiers[..model.witnesses as usize];
        let corrupt = drawn.iter().filter(|v| **v < model.corrupt).count() as u32;
        let honest = model.witnesses - corrupt;
        plain += u32::from(corrupt >= model.needed(2));
        let first = (0..honest).filter(|_| next() < threshold(0.5)).count() as u32;
        let enough = |signed: u32| signed + corrupt >= model.redundancy;
        sprayed += u32::from(enough(first) && enough(honest - first));
        seen += u32::from(drawn.iter().any(|v| *v < coalition));
        // The liar denies the first answers, each far from the next.
        let (mut answers, mut skips) = (0, lies);
        while answers < model.witnesses + lies {
            if next() < threshold(0.9) { answers += 1 } else { skips += 1 }
        }
        caught += u32::from(skips >= tests.total_threshold());
    }
    for (formula, count) in [
        (model.accepted(2), plain),
        (model.accepted_when_sprayed(), sprayed),
        (skip_liar_detected(100, 0.9, lies, 30), caught),
        (seen_by_coalition(400, coalition, 100), seen),
    ] {
        let deviation = (formula * (1.0 - formula) / f64::from(runs)).sqrt();
        let measured = f64::from(count) / f64::from(runs);
        assert!((measured - formula).abs() < 4.9 * deviation, "{measured} and {formula}");
    }
}

#[test]
fn draws_are_bought_by_a_geometric_law_that_is_cut_off() {
    // By hand: one draw; two of which the second is bought with probability 3/4; and no cut.
    assert_eq!(draws_bought(0.25, 1), (1.0, 0.0));
    assert_eq!(draws_bought(0.25, 2), (1.75, 0.1875));
    let (mean, variance) = draws_bought(0.25, 1_000);
    assert!((mean - 4.0).abs() < 1e-12 && (variance - 12.0).abs() < 1e-9, "{mean} {variance}");
}

#[test]
fn the_fewest_identities_are_the_fewest() {
    for target in [0.01, 0.5] {
        let found = identities_for(target, 2_000, 100, 62);
        let succeeds = |corrupt: u32| {
            Collusion { verifiers: 2_000 + corrupt, corrupt, witnesses: 100, redundancy: 62 }
                .accepted(2)
        };
        assert!(succeeds(found) >= target && succeeds(found - 1) < target, "{found}");
    }
    assert_eq!(identities_for(0.0, 2_000, 100, 62), 0);
}

/// Of 792 draws of seven 350, 175 and 21 have three, four and five corrupt; a jury of seven upholds
/// unless three or more of it are.
#[test]
fn any_of_several_juries_may_uphold() {
    let fails: f64 = 546.0 / 792.0;
    let none = |honest| 1.0 - fails.powi(honest);
    let expected = (350.0 * none(4) + 175.0 * none(3) + 21.0 * none(2)) / 546.0;
    assert!((SMALL.convicted_by_any() - expected).abs() < 1e-12);
}
