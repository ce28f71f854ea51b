//! Whom an adversary holds, who plays which part, and what each attack asks of whom; the attacks
//! themselves run in `witness::tests`.

use super::*;
use crate::adversary::masks::{disjoint, lowest, mask};
use crate::objects::contract::Draft;
use crate::objects::selection::Selection;
use anthill_protocol::parameter::{ParameterError, Value, Values};
use anthill_protocol::recording::Recording;
use anthill_protocol::{Configure, Signature, Time};

#[test]
fn lowest_bits_are_taken_until_there_are_no_more() {
    assert_eq!(lowest(0b1011_0100, 2), 0b0001_0100);
    assert_eq!(lowest(0b11, 5), 0b11);
    assert_eq!(lowest(1 << 127, 1), 1 << 127);
    assert_eq!(lowest(0b101, 0), 0);
    assert_eq!(mask([true, false, true].into_iter()), 0b101);
}

type Settings<'a> = &'a [(&'static str, Value)];

/// An adversary on 400 users, half of them verifiers, with twenty witnesses.
fn witness(kind: &str, settings: Settings) -> Result<Witness, ParameterError> {
    let found = KINDS.iter().find(|known| known.name == kind).expect("known");
    let mut values = Values::of::<Witness>();
    values.set_adversary(found);
    values.set("verifiers", Value::Share(0.5));
    values.set("witnesses", Value::Count(20));
    values.set("redundancy", Value::Count(13));
    if kind != "coalition" {
        values.set("adversary.attempts", Value::Count(8));
    }
    settings.iter().for_each(|(name, value)| values.set(name, *value));
    let mut witness = Witness::configure(&values)?;
    witness.fit(402, 0)?;
    Ok(witness)
}

const OFFSET: (&str, Value) = ("adversary.offset", Value::Span(Span(77)));
const AHEAD: (&str, Value) = ("adversary.ahead", Value::Flag(true));
const ADAPTIVE: (&str, Value) = ("adversary.adaptive", Value::Flag(true));
const SPENDS: (&str, Value) = ("adversary.spends", Value::Count(3));
const SOURCES: (&str, Value) = ("adversary.sources", Value::Count(2));
const IDENTITIES: (&str, Value) = ("adversary.identities", Value::Count(9));
const HOPS: (&str, Value) = ("adversary.hops", Value::Count(5));
const AGE: (&str, Value) = ("adversary.age", Value::Span(Span::from_secs(100)));

/// Size of the cast, payments, those covered, openings, extra draws, who begins, who spends, users
/// that join, when it begins.
type Roles = (usize, u8, u8, usize, &'static [usize], &'static [usize], u32, Option<Span>);

#[test]
fn each_attack_has_its_roles() {
    let now = Some(Span::ZERO);
    let settled = Some(Span::from_secs(172_800 + 240));
    let rows: Vec<(&str, Settings, Roles)> = vec![
        ("colluding-witnesses", &[], (3, 2, 1, 0, &[0], &[0], 0, now)),
        ("colluding-witnesses", &[SPENDS, SOURCES], (5, 3, 1, 1, &[0], &[1], 0, now)),
        ("self-claimer", &[], (3, 2, 1, 0, &[0], &[0], 0, now)),
        ("early-leaver", &[], (3, 2, 1, 0, &[0], &[0], 0, settled)),
        ("double-signer", &[], (3, 2, 1, 0, &[0], &[0], 0, now)),
        ("fractional-overspend", &[], (4, 3, 2, 0, &[0], &[0], 0, now)),
        ("receipt-twin", &[], (4, 2, 1, 1, &[0], &[1], 0, now)),
        ("receipt-replay", &[], (4, 2, 1, 1, &[0], &[1], 0, now)),
        ("stale-receipt", &[], (3, 2, 1, 0, &[0], &[0], 0, now)),
        ("wrong-timestamp", &[OFFSET], (2, 2, 1, 0, &[0], &[0], 0, Some(Span(77)))),
        ("wrong-timestamp", &[OFFSET, AHEAD], (2, 2, 1, 0, &[0], &[0], 0, now)),
        ("skip-liar", &[], (2, 2, 1, 0, &[0], &[0], 0, now)),
        ("skip-liar", &[ADAPTIVE], (4, 2, 1, 1, &[0], &[1], 0, now)),
        ("key-grinder", &[], (1, 2, 1, 0, &[0], &[0], 0, now)),
        ("lazy-witness", &[], (3, 2, 1, 0, &[0], &[0], 0, now)),
        ("backdated-entropy", &[], (4, 2, 1, 1, &[0], &[1], 0, None)),
        ("event-withholder", &[AGE], (4, 2, 1, 1, &[0], &[1], 0, Some(Span::from_secs(100)))),
        ("eclipse", &[], (3, 2, 1, 0, &[0], &[0], 0, settled)),
        ("sybil", &[IDENTITIES], (4, 2, 1, 1, &[0], &[1], 9, settled)),
        ("draw-buyer", &[HOPS], (8, 2, 1, 1, &[0], &[1, 2, 3, 4, 5], 0, now)),
        ("coalition", &[], (3, 2, 1, 0, &[0], &[0], 0, now)),
    ];
    for (kind, settings, expected) in rows {
        let witness = witness(kind, settings).expect("it fits");
        let found = witness.adversary.as_ref().expect("one");
        let size = found.cast_size();
        let places = |is_it: &dyn Fn(usize) -> bool| (0..size).filter(|at| is_it(*at)).collect();
        let begins: Vec<usize> = places(&|at| found.is_beginner(at));
        let spends: Vec<usize> = places(&|at| found.is_spender(at));
        let roles = (
            size,
            found.payments(),
            found.covered(),
            found.openings(),
            &begins[..],
            &spends[..],
            found.joining(),
            found.begins(&witness.terms),
        );
        assert_eq!(roles, expected, "{kind} {settings:?}");
        let attempts = if kind == "coalition" { 0 } else { 8 };
        assert_eq!((found.attempts, found.cast.len()), (attempts, attempts as usize * size));
        // Everybody of a cast is a user that is no verifier, with a place of its own.
        for (at, node) in found.cast.iter().enumerate() {
            assert!(witness.genesis.is_user(*node) && witness.genesis.rank(*node).is_none());
            let (place, cast) = found.part(*node).expect("it takes part");
            assert_eq!((place, cast), (at % size, &found.cast[at - at % size..][..size]));
            let payees = found.payees(*node);
            let last = size.saturating_sub(found.payments().into());
            assert_eq!(payees, spends.contains(&place).then(|| &cast[last..]), "{kind}");
            assert!(witness.is_assigned(*node));
        }
        for node in [NodeId(0), NodeId(1), NodeId(401), witness.genesis.verifier(7)] {
            assert_eq!(found.part(node), None, "{kind}");
            assert!(!witness.is_assigned(node));
        }
        assert_eq!(found.identities.len(), expected.6 as usize);
        assert!(found.identities.iter().all(|id| witness.is_assigned(*id) && witness.is_held(*id)));
    }
}

#[test]
fn so_many_verifiers_are_held() {
    let held = |kind, settings: Settings| {
        let witness = witness(kind, settings).expect("it fits");
        let (all, found) = (witness.genesis.verifiers(), witness.adversary.as_ref().expect("one"));
        let held: Vec<u32> = (0..all).filter(|rank| found.holds(*rank)).collect();
        assert_eq!(found.held_ranks().collect::<Vec<_>>(), held, "{kind}");
        assert_eq!(found.held_count as usize, held.len());
        for (number, rank) in (0..).zip(&held) {
            let verifier = witness.genesis.verifier(*rank);
            assert_eq!(found.accomplice(&witness.genesis, verifier), Some(number));
            assert!(witness.is_held(verifier));
        }
        let others = (0..402).map(NodeId).filter(|id| witness.is_held(*id)).count();
        assert_eq!(others, held.len() + found.identities.len());
        held.len()
    };
    let share = |share| ("adversary.fraction", Value::Share(share));
    assert_eq!(held("colluding-witnesses", &[share(0.2)]), 40);
    assert_eq!(held("colluding-witnesses", &[share(0.0)]), 0);
    assert_eq!(held("colluding-witnesses", &[share(1.0)]), 200);
    assert_eq!(held("coalition", &[share(0.0125)]), 3, "2.5 is rounded");
    for kind in ["double-signer", "fractional-overspend", "receipt-twin", "receipt-replay"] {
        assert_eq!(held(kind, &[]), 0, "{kind} needs nobody");
    }
    assert_eq!(held("sybil", &[IDENTITIES]), 0);
}

/// Whoever is held signs everything, but for attacks that need none to.
#[test]
fn some_attacks_corrupt_their_witnesses() {
    let silent = [
        "double-signer",
        "fractional-overspend",
        "receipt-twin",
        "receipt-replay",
        "replay",
        "stale-receipt",
        "wrong-timestamp",
        "key-grinder",
        "coalition",
    ];
    for kind in KINDS {
        let settings: Settings = match kind.name {
            "sybil" => &[IDENTITIES],
            "draw-buyer" => &[HOPS],
            _ => &[],
        };
        let mut witness = witness(kind.name, settings).expect("it fits");
        let found = witness.adversary.as_mut().expect("one");
        found.held[0] |= 1 << 5;
        let held = witness.genesis.verifier(5);
        let is_random = kind.name == "skip-liar";
        let expected = !is_random && !silent.contains(&kind.name);
        assert_eq!(witness.is_corrupt(held), expected, "{}", kind.name);
        assert!(!witness.is_corrupt(NodeId(401)));
    }
}

#[test]
fn an_adversary_that_does_not_fit_is_an_error() {
    let share = |share| ("adversary.fraction", Value::Share(share));
    let attempts = |count| ("adversary.attempts", Value::Count(count));
    let lies = |count| ("adversary.lies", Value::Count(count));
    let age = |seconds| ("adversary.age", Value::Span(Span::from_secs(seconds)));
    let period = |seconds| ("rollover_period", Value::Span(Span::from_secs(seconds)));
    let events = ("adversary.events", Value::Count(6));
    let endowment = |amount| ("endowment", Value::Count(amount));
    let rows: [(&str, Settings, Option<&str>); 18] = [
        ("double-signer", &[attempts(66)], None),
        ("double-signer", &[attempts(67)], Some("adversary.attempts")),
        ("sybil", &[attempts(47), ("adversary.identities", Value::Count(12))], None),
        (
            "sybil",
            &[attempts(47), ("adversary.identities", Value::Count(13))],
            Some("adversary.attempts"),
        ),
        ("skip-liar", &[lies(178)], None),
        ("skip-liar", &[lies(179)], Some("adversary.kind")),
        ("backdated-entropy", &[share(0.0)], Some("adversary.fraction")),
        ("backdated-entropy", &[share(0.005)], None),
        ("event-withholder", &[share(0.025), events], Some("adversary.fraction")),
        ("event-withholder", &[share(0.03), events], None),
        ("event-withholder", &[age(59)], Some("adversary.age")),
        ("event-withholder", &[age(60)], None),
        ("event-withholder", &[age(172_800)], Some("adversary.age")),
        ("early-leaver", &[share(0.89)], None),
        ("early-leaver", &[share(0.9)], Some("adversary.fraction")),
        ("early-leaver", &[period(172_800 + 360)], Some("rollover_period")),
        ("early-leaver", &[period(172_800 + 361)], None),
        ("double-signer", &[endowment(5_000)], Some("endowment")),
    ];
    for (kind, settings, expected) in rows {
        let found = witness(kind, settings).err().map(|error| error.name);
        assert_eq!(found, expected, "{kind} {settings:?}");
    }
    assert!(witness("double-signer", &[endowment(5_001)]).is_ok());
}

fn selection(witness: &Witness, owner: u32) -> Selection {
    Selection::genesis(&witness.genesis, NodeId(owner), 20)
}

/// Which witnesses are asked for which payment.
#[test]
fn witnesses_are_divided_among_payments() {
    const ALL: u128 = (1 << 20) - 1;
    let masks = |kind, settings: Settings, online, bits| {
        let witness = witness(kind, settings).expect("it fits");
        let (selection, found) = (selection(&witness, 5), witness.adversary.as_ref().expect("one"));
        let held = found.held_of(&selection, &witness.genesis);
        for (at, node) in selection.witnesses.iter().enumerate() {
            assert_eq!(held & 1 << at != 0, witness.is_held(*node));
        }
        (found.masks(&selection, &witness.terms, &witness.genesis, (online, bits)), held)
    };
    assert_eq!(masks("double-signer", &[], ALL, 0).0, [ALL; 2]);
    assert_eq!(masks("lazy-witness", &[], ALL, 0b1011).0, [0b1011, ALL & !0b1011]);
    let (thirds, _) = masks("fractional-overspend", &[], ALL, 0);
    for (at, third) in thirds.iter().enumerate() {
        let unseen: Vec<usize> = (0..20).filter(|place| third & 1 << place == 0).collect();
        assert!(unseen.iter().all(|place| place % 3 == at) && (6..=7).contains(&unseen.len()));
    }
    assert_eq!(thirds.len(), 3);
    for share in [0.0, 0.2, 0.5, 1.0] {
        let fraction = ("adversary.fraction", Value::Share(share));
        for online in [ALL, 0b1010_1010_1010_1010_1010] {
            let (masks, held) = masks("colluding-witnesses", &[fraction, SPENDS], online, 0);
            let mut asked = 0;
            for mask in &masks {
                assert_eq!(mask & held, held, "the corrupt sign for all");
                let own = mask & !held;
                assert_eq!(own & (asked | !online), 0, "each honest one that is there once");
                let left = (ALL & online & !held & !asked).count_ones();
                let needed = 13u32.saturating_sub(held.count_ones());
                assert_eq!(own.count_ones(), needed.min(left));
                asked |= own;
            }
            assert_eq!(masks.len(), 3);
        }
    }
}

#[test]
fn two_sets_of_signatures_need_no_witness_twice() {
    let witness = witness("receipt-twin", &[]).expect("it fits");
    for owner in [5, 6, 7, 9, 11] {
        let (one, other) = (selection(&witness, 4), selection(&witness, owner));
        let [first, second] = disjoint(&one, &other, 13);
        assert_eq!(first.count_ones(), 13);
        let named = |selection: &Selection, mask: u128| -> Vec<NodeId> {
            let all = (0..).zip(&selection.witnesses);
            all.filter(|(at, _)| mask & 1 << at != 0).map(|(_, node)| *node).collect()
        };
        let (first, second) = (named(&one, first), named(&other, second));
        assert!(first.iter().all(|node| !second.contains(node)));
        assert!(other.witnesses.iter().all(|w| second.contains(w) || first.contains(w)));
        // Its own first.
        let own = one.witnesses.iter().filter(|w| other.position(**w).is_none()).count();
        let used = first.iter().filter(|w| other.position(**w).is_none()).count();
        assert_eq!(used, own.min(13));
    }
}

#[test]
fn lies_about_skips_are_told_by_the_payer_alone() {
    let random = witness("skip-liar", &[("adversary.lies", Value::Count(4))]).expect("it fits");
    let [payer, payee] = random.adversary.as_ref().expect("one").cast[..2] else { panic!("two") };
    assert_eq!(random.lies(payer, payee), 4);
    assert_eq!([random.lies(payee, payer), random.lies(NodeId(401), payee)], [0, 0]);
    let adaptive = witness("skip-liar", &[ADAPTIVE]).expect("it fits");
    let found = adaptive.adversary.as_ref().expect("one");
    let most = adaptive.tests.total_threshold() - 1;
    let mut needed_any = 0;
    for cast in found.cast.chunks(4) {
        let lies = adaptive.lies(cast[0], cast[1]);
        let genesis = &adaptive.genesis;
        let seed = genesis.seed(genesis.checksum(), cast[0], cast[1]);
        let held = |count: u32| {
            genesis.draw(seed).take(count as usize).filter(|id| adaptive.is_held(*id)).count()
        };
        // 2·13 − 20 = 6 are needed.
        match lies {
            0 => assert!(held(20) >= 6 || held(20 + most) < 6),
            lies => assert!(held(20 + lies) == 6 && held(19 + lies) == 5 && lies <= most),
        }
        needed_any += u32::from(lies > 0);
        assert_eq!(adaptive.lies(cast[1], cast[2]), 0);
    }
    assert!(needed_any > 0);
}

/// At random, or spread; never the last, and no corrupt one.
#[test]
fn lies_make_skips_of_honest_answers() {
    use crate::objects::selection::Drawn;
    for (settings, lies) in [(&[][..], 6), (&[ADAPTIVE][..], 3)] {
        let witness = witness("skip-liar", settings).expect("it fits");
        let mut cx = Recording::<Witness>::new(NodeId(5), 402);
        let seed = witness.genesis.seed(1, NodeId(5), NodeId(7));
        let drawn = witness.genesis.draw(seed).take(26);
        let mut draws: Vec<Drawn> =
            drawn.map(|verifier| Drawn { verifier, answered: true }).collect();
        draws[2].answered = false;
        let before = draws.clone();
        witness.lie(&mut draws, lies, &mut cx);
        let told = before.iter().zip(&draws).filter(|(one, other)| one != other);
        let told: Vec<&Drawn> = told.map(|(_, other)| other).collect();
        assert_eq!(told.len(), lies as usize);
        assert!(told.iter().all(|drawn| !drawn.answered && !witness.is_held(drawn.verifier)));
        assert!(draws[25].answered);
        let places: Vec<usize> = (0..26).filter(|at| before[*at] != draws[*at]).collect();
        if !settings.is_empty() {
            assert!(places.windows(2).all(|pair| pair[1] - pair[0] > 3), "{places:?}");
        }
        let mut honest = vec![Drawn { verifier: NodeId(3), answered: true }; 2];
        witness.lie(&mut honest, 0, &mut cx);
        assert!(honest.iter().all(|drawn| drawn.answered));
    }
}

/// One after the other, so that their events do not collide.
#[test]
fn accomplices_have_their_moments() {
    let begins = |kind, settings: Settings| -> Vec<Option<Span>> {
        let witness = witness(kind, settings).expect("it fits");
        let found = witness.adversary.as_ref().expect("one");
        let ranks: Vec<u32> = found.held_ranks().take(10).collect();
        let nodes = ranks.iter().map(|rank| witness.genesis.verifier(*rank));
        let of = |node| witness.accomplice_begins(found, node);
        assert_eq!(of(NodeId(401)), None);
        nodes.map(of).collect()
    };
    let ms = |count| Some(Span::from_millis(count));
    let events = ("adversary.events", Value::Count(3));
    assert_eq!(begins("event-withholder", &[events])[..4], [ms(1), ms(2), ms(3), None]);
    let first = 172_800 + 60;
    let slots: Vec<_> = (0..8).map(|at| Some(Span::from_secs(first + 10 * at))).collect();
    assert_eq!(begins("backdated-entropy", &[])[..8], slots);
    assert_eq!(begins("backdated-entropy", &[])[8..], [None; 2], "eight attempts");
    let leave: Vec<_> = (0..10).map(|at| Some(Span(1_500_000_000 * at + 1))).collect();
    assert_eq!(begins("early-leaver", &[]), leave, "40 within a minute");
    let eclipse = witness("eclipse", &[]).expect("it fits");
    let found = eclipse.adversary.as_ref().expect("one");
    let second = Some(Span::from_secs(1));
    assert_eq!(eclipse.accomplice_begins(found, eclipse.genesis.verifier(0)), second);
    assert_eq!(eclipse.accomplice_begins(found, eclipse.genesis.verifier(1)), None);
}

#[test]
fn an_eclipsed_payee_hears_the_adversary_and_its_payer() {
    let witness = witness("eclipse", &[]).expect("it fits");
    let found = witness.adversary.as_ref().expect("one");
    let [payer, other, victim] = found.cast[..3] else { panic!("three") };
    let held = witness.genesis.verifier(found.held_ranks().next().expect("some"));
    let honest = (0..200).find(|rank| !found.holds(*rank)).expect("most");
    let honest = witness.genesis.verifier(honest);
    for (peer, is_cut) in
        [(payer, false), (held, false), (honest, true), (other, true), (NodeId(401), true)]
    {
        assert_eq!([witness.is_cut(victim, peer), witness.is_cut(peer, victim)], [is_cut; 2]);
    }
    assert!(!witness.is_cut(payer, honest) && !witness.is_cut(honest, other));
    assert!(witness.signs_blindly(held) && !witness.signs_blindly(honest));
    assert!(witness.insists(payer, victim) && !witness.insists(payer, other));
    assert!(!witness.insists(other, victim));
}

#[test]
fn wrong_dates_are_off_as_asked() {
    let now = Time(1_000);
    for (settings, expected) in [(&[OFFSET][..], Time(923)), (&[OFFSET, AHEAD], Time(1_077))] {
        let witness = witness("wrong-timestamp", settings).expect("it fits");
        let found = witness.adversary.as_ref().expect("one");
        assert_eq!(witness.dated(found.cast[0], now), expected);
        assert_eq!(witness.dated(NodeId(401), now), now);
    }
    let mut terms = adversary_terms();
    terms.leniency = Span::from_secs(300);
    for (offset, noticed) in
        [(239, Some(false)), (240, None), (300, None), (360, None), (361, Some(true))]
    {
        let offset = Span::from_secs(offset);
        assert_eq!(Adversary::is_misdating_noticed(&terms, offset), noticed, "{offset}");
    }
}

fn adversary_terms() -> crate::rules::Terms {
    witness("double-signer", &[]).expect("it fits").terms
}

/// A leniency longer than the time to consistency lets old receipts pass; near it nothing is said.
#[test]
fn stale_receipts_count_if_the_leniency_is_too_long() {
    let mut terms = adversary_terms();
    terms.time_to_consistency = Span::from_secs(100);
    terms.timeout = Span::from_secs(5);
    for (leniency, expected) in
        [(109, Some(false)), (110, None), (1_310, None), (1_311, Some(true))]
    {
        terms.leniency = Span::from_secs(leniency);
        terms.rollover_period = Span::from_secs(1_311);
        assert_eq!(Adversary::stale_counts(&terms), expected, "{leniency}");
        terms.rollover_period = Span::from_secs(1_310);
        assert_eq!(Adversary::stale_counts(&terms), None, "the fund does not live so long");
    }
}

/// A coalition sees what its verifiers watch: a source, or what is made.
#[test]
fn a_coalition_sees_what_its_verifiers_watch() {
    let share = ("adversary.fraction", Value::Share(0.0));
    for (seen_at, expected) in [(None, false), (Some(0), true), (Some(1), true)] {
        let mut witness = witness("coalition", &[share]).expect("it fits");
        let mut cx = Recording::<Witness>::new(NodeId(5), 402);
        let (source, new) = (selection(&witness, 5), selection(&witness, 7));
        let only = |one: &Selection, other: &Selection| {
            *one.witnesses.iter().find(|w| other.position(**w).is_none()).expect("one")
        };
        let spies = [only(&source, &new), only(&new, &source)];
        if let Some(at) = seen_at {
            let rank = witness.genesis.rank(spies[at]).expect("a verifier");
            witness.adversary.as_mut().expect("one").held[rank as usize / 64] |= 1 << (rank % 64);
        }
        let [source, new] = [source, new].map(|s| cx.share(WitnessBody::Selection(s)));
        let fund = witness.genesis.fund(NodeId(5));
        let from = crate::objects::contract::Source {
            fund,
            amount: 9,
            left: 0,
            sequence: 0,
            previous: fund,
            selection: source,
        };
        let (payer, payee, time) = (NodeId(5), NodeId(7), Time::ZERO);
        let draft = Draft { payer, payee, amount: 8, time, selection: new, sources: [from].into() };
        let contract = draft.signed(anthill_protocol::Digest([1; 32]), Signature([0; 64]));
        let handle = cx.share(WitnessBody::Contract(contract.clone()));
        let stage = crate::objects::receipt::Stage::Promised;
        let receipt = crate::objects::receipt::Receipt::new(
            handle,
            &contract,
            Signature([0; 64]),
            stage,
            Vec::new(),
        );
        let receipt = cx.share(WitnessBody::Receipt(receipt));
        let mut node = WitnessNode::default();
        for count in 1..=3 {
            assert_eq!(witness.note_payment(&mut node, receipt, &cx.bodies()), expected);
            let history = node.attempt.as_ref().expect("noted").history;
            assert_eq!(history, [count, if expected { count } else { 0 }]);
        }
        witness.adversary = None;
        assert!(!witness.note_payment(&mut node, receipt, &cx.bodies()));
        assert_eq!(node.attempt.as_ref().expect("as before").history[0], 3);
    }
}

/// Convicted: enough are named, soon enough after all have accepted, in whichever order that is heard.
#[test]
fn an_attempt_is_convicted_in_time_and_by_enough() {
    use crate::objects::claim::Case;
    use crate::timeline::{Event, EventKind};
    use anthill_protocol::recording::Effect;
    let witness = witness("colluding-witnesses", &[]).expect("it fits");
    let cast = witness.adversary.as_ref().expect("one").cast[..3].to_vec();
    let within = witness.terms.conviction_time;
    let accepted = Time(1_000);
    let verifier = |rank| witness.genesis.verifier(rank);
    let run = |named: u32, heard: Time, author: NodeId, is_first: bool| {
        let mut cx = Recording::<Witness>::new(cast[0], 402).at(accepted);
        let mut node = WitnessNode { attempt: Some(Box::default()), ..WitnessNode::default() };
        let guilty = (0..named).map(verifier).collect();
        let (payer, payees) = (cast[0], [cast[1], cast[2]]);
        let lost = u64::MAX >> 8;
        let case = Case { payer, payees, cheated: cast[1], lost, time: accepted, guilty };
        let event = (author, EventKind::Leave, heard);
        let event = Event::new(event, None, 0, Signature([0; 64]));
        if is_first {
            witness.attempt_convicted(&mut node, &event, &case, &mut cx);
            witness.attempt_accepted(&mut node, &mut cx);
        } else {
            witness.attempt_accepted(&mut node, &mut cx);
            cx.set_now(heard);
            witness.attempt_convicted(&mut node, &event, &case, &mut cx);
        }
        // Again, and a later one: they change nothing.
        witness.attempt_convicted(&mut node, &event, &case, &mut cx);
        let of = |metric| {
            let is_it = |effect: &&Effect<Witness>| matches!(effect, Effect::Record { metric: m, .. } if *m == metric);
            let all = cx.effects().iter().filter(is_it);
            all.map(|effect| if let Effect::Record { value, .. } = effect { *value } else { 0 })
                .fold(0u64, u64::wrapping_add)
        };
        use WitnessMetric as M;
        [
            of(M::Convicted),
            of(M::GuiltyNamed),
            of(M::StakesKept),
            of(M::StakePrice),
            of(M::Conviction),
        ]
    };
    let stake = witness.terms.stake;
    let honest = NodeId(401);
    let last = accepted + within;
    assert_eq!(run(6, last, honest, false), [1, 6, 0, 6 * stake, within.0]);
    assert_eq!(run(6, last + Span(1), honest, false), [0; 5], "too late");
    assert_eq!(run(5, last, honest, false), [0; 5], "2·13 − 20 = 6 have to be named");
    assert_eq!(run(7, accepted, honest, true), [1, 7, 0, 7 * stake, 0]);
    // The attacker's own claim gives it a tenth back.
    assert_eq!(run(6, last, cast[0], false), [1, 6, 0, 6 * (stake - stake / 10), within.0]);
    let mut seed = witness.clone();
    seed.terms.rules.stake_is_cancelled = false;
    let case = Case {
        payer: cast[0],
        payees: [cast[1], cast[2]],
        cheated: cast[1],
        lost: 5,
        time: accepted,
        guilty: (0..6).map(verifier).collect(),
    };
    let mut cx = Recording::<Witness>::new(cast[0], 402).at(accepted);
    let mut node = WitnessNode { attempt: Some(Box::default()), ..WitnessNode::default() };
    let event = (cast[0], EventKind::Leave, accepted);
    let event = Event::new(event, None, 0, Signature([0; 64]));
    seed.attempt_accepted(&mut node, &mut cx);
    seed.attempt_convicted(&mut node, &event, &case, &mut cx);
    let kept = |effect: &Effect<Witness>| {
        matches!(effect, Effect::Record { metric: WitnessMetric::StakesKept, value: 1 })
    };
    assert!(cx.effects().iter().any(kept), "without R8 all of it");
}
