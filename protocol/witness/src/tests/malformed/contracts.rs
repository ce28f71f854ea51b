//! A row per check of selections and contracts.

use super::*;
use crate::evidence::Rejection;
use crate::objects::selection::SelectionError;
use crate::tests::malformed::kit::{OTHER, Offer, START};
use crate::timeline::{self, EventKind, Tip};

const HOUR: Span = Span::from_secs(3_600);

fn before(time: Time, span: Span) -> Time {
    Time(time.0 - span.0)
}

/// A selection on a timeline: one verifier paused long ago, another a moment ago.
struct Draw {
    net: Net,
    /// The settled timeline, and all of it.
    settled: Tip,
    whole: Tip,
    /// Who paused a moment ago, which is in the draw, and the event that says so.
    away: NodeId,
    event: Shared,
    good: Selection,
}

impl Draw {
    fn new() -> Self {
        let mut net = Net::at(START);
        let genesis = net.witness.genesis.clone();
        let first = genesis.verifier(2);
        let day_five = Time(START.0 / 2);
        let old = net.stamped_event(first, EventKind::Pause, day_five, None);
        let old = net.share(WitnessBody::Event(old));
        let settled = net.timeline(&[old]);
        let away = net.drawn((PAYER, PAYEE), [settled; 2], &[], 5)[3];
        let young = net.stamped_event(away, EventKind::Pause, before(START, HOUR), settled);
        let event = net.share(WitnessBody::Event(young));
        let whole = net.timeline(&[old, event]);
        let mut draw = Self {
            good: Selection::new(PAYER, PAYEE, 0, Vec::new()),
            net,
            settled,
            whole,
            away,
            event,
        };
        draw.good = draw.of((PAYER, PAYEE), [settled; 2], &[away]);
        draw.good.history.passed = [event].into();
        draw
    }

    /// An honest draw on a timeline.
    fn of(&self, parties: (NodeId, NodeId), lists: [Tip; 2], passed: &[NodeId]) -> Selection {
        let answered = |verifier| Drawn { verifier, answered: true };
        let drawn = self.net.drawn(parties, lists, passed, 20).into_iter().map(answered).collect();
        let [settled, list] = lists;
        let checksum = timeline::checksum(settled, &self.net.bodies, &self.net.witness.genesis);
        let history = History { time: START, settled, list, ..History::default() };
        Selection::new(parties.0, parties.1, checksum, drawn).on(history)
    }

    fn checked(&self, selection: &Selection) -> Result<(), SelectionError> {
        let Witness { genesis, terms, tests, .. } = &self.net.witness;
        selection.check_on_timeline(genesis, &self.net.bodies, terms, tests)
    }

    /// An event that says that `away` has left, or something else; nobody vouches for it.
    fn says(&mut self, kind: EventKind, time: Time) -> Shared {
        let event = timeline::Event::new((self.away, kind, time), None, 0, Signature([0; 64]));
        self.net.share(WitnessBody::Event(event))
    }

    /// The selection rebuilt from other draws.
    fn drawn(&self, change: impl FnOnce(&mut Vec<Drawn>)) -> Selection {
        let mut draws = self.good.draws.to_vec();
        change(&mut draws);
        let good = &self.good;
        Selection::new(good.payer, good.payee, good.checksum, draws).on(good.history.clone())
    }

    /// As if the `skipped` of a longer draw had not answered.
    fn with_skips(&self, skipped: &[usize]) -> Selection {
        let passed = [self.away];
        let all = self.net.drawn((PAYER, PAYEE), [self.settled; 2], &passed, 20 + skipped.len());
        let drawn = |(at, verifier)| Drawn { verifier, answered: !skipped.contains(&at) };
        self.drawn(|draws| *draws = all.into_iter().enumerate().map(drawn).collect())
    }
}

#[test]
fn a_selection_has_to_be_that_of_its_timeline() {
    let mut draw = Draw::new();
    let order = Err(SelectionError::Order);
    let (settled, whole, event) = (draw.settled, draw.whole, draw.event);
    type Change = Box<dyn Fn(&mut Selection)>;
    let rows: Vec<(&str, Result<(), SelectionError>, Change)> = vec![
        ("unchanged", Ok(()), Box::new(|_| {})),
        ("another checksum", order, Box::new(|s| s.checksum += 1)),
        ("settled is more than the list", order, Box::new(move |s| s.history.settled = whole)),
        ("the list is more than is settled", order, Box::new(move |s| s.history.list = whole)),
        (
            "both are more than is settled",
            order,
            Box::new(move |s| {
                (s.history.list, s.history.settled) = (whole, whole);
            }),
        ),
        ("nothing is settled", order, Box::new(|s| s.history.settled = None)),
        (
            "another timeline's checksum",
            order,
            Box::new(|s| {
                (s.history.list, s.history.settled) = (None, None);
            }),
        ),
        ("before that was settled", order, Box::new(|s| s.history.time = Time(START.0 / 2))),
        ("nobody was away", order, Box::new(|s| s.history.passed = [].into())),
        ("away twice", Ok(()), Box::new(move |s| s.history.passed = [event, event].into())),
        ("of another payer", order, Box::new(|s| s.payer = OTHER)),
        ("of another payee", order, Box::new(|s| s.payee = OTHER)),
        ("the other way round", order, Box::new(|s| (s.payer, s.payee) = (s.payee, s.payer))),
    ];
    for (name, expected, change) in rows {
        let mut selection = draw.good.clone();
        change(&mut selection);
        assert_eq!(draw.checked(&selection), expected, "{name}");
    }
    // Without R2 the list is all that the payer knew, the seed is from what was settled of it.
    draw.net.witness.terms.rules.settled_draw = false;
    let on_all = draw.of((PAYER, PAYEE), [settled, whole], &[]);
    assert_eq!(draw.checked(&on_all), Ok(()));
    // Another body: what was found of the first is not copied.
    let mut other = on_all.clone();
    other.history.settled = None;
    assert_eq!(draw.checked(&other), order, "not what is settled of the list");
}

#[test]
fn who_is_passed_over_has_left_or_paused_just_now() {
    let mut draw = Draw::new();
    let Terms { time_to_consistency: settles, leniency, .. } = draw.net.witness.terms;
    let (order, recent) = (Err(SelectionError::Order), before(START, HOUR));
    let receipt = draw.event;
    let rows = [
        ("paused", Ok(()), EventKind::Pause, recent),
        ("left", Ok(()), EventKind::Leave, recent),
        ("joined", order, EventKind::Join { receipt }, recent),
        ("came back", order, EventKind::Resume, recent),
        ("said something", order, EventKind::Entropy { bytes: 1 }, recent),
        ("was convicted", order, EventKind::Convict { conviction: receipt }, recent),
        ("so long ago that it is settled", order, EventKind::Pause, before(START, settles)),
        ("just not settled", Ok(()), EventKind::Pause, Time(START.0 - settles.0 + 1)),
        ("as late as clocks may be", Ok(()), EventKind::Leave, START + leniency),
        ("later", order, EventKind::Leave, START + leniency + Span(1)),
    ];
    for (name, expected, kind, time) in rows {
        let mut selection = draw.good.clone();
        selection.history.passed = [draw.says(kind, time)].into();
        assert_eq!(draw.checked(&selection), expected, "{name}");
    }
    let mut selection = draw.good.clone();
    selection.history.passed = [draw.event, draw.net.contract(|_| {})].into();
    assert_eq!(draw.checked(&selection), order, "no event");
    // Who said nothing is not passed over, whoever else was.
    let stranger = draw.net.witness.genesis.verifier(90);
    let pause =
        timeline::Event::new((stranger, EventKind::Pause, recent), None, 0, Signature([0; 64]));
    selection.history.passed = [draw.net.share(WitnessBody::Event(pause))].into();
    assert_eq!(draw.checked(&selection), order, "somebody else");
}

#[test]
fn a_draw_is_in_order_and_complete() {
    let draw = Draw::new();
    let (order, count) = (Err(SelectionError::Order), Err(SelectionError::Count));
    let next = draw.net.drawn((PAYER, PAYEE), [draw.settled; 2], &[draw.away], 21)[20];
    let answered = |verifier| Drawn { verifier, answered: true };
    let skipped = |verifier| Drawn { verifier, answered: false };
    type Change<'a> = &'a dyn Fn(&mut Vec<Drawn>);
    let rows: [(&str, Result<(), SelectionError>, Change); 9] = [
        ("swapped", order, &|draws| draws.swap(7, 8)),
        ("another", order, &|draws| draws[19].verifier = next),
        ("passed over after all", order, &|draws| draws[3].verifier = draw.away),
        ("no verifier", order, &|draws| draws[0].verifier = OTHER),
        ("one less", count, &|draws| draws.truncate(19)),
        ("one more", count, &|draws| draws.push(answered(next))),
        ("ends with a skip", count, &|draws| draws.push(skipped(next))),
        ("one left out", order, &|draws| {
            draws.remove(0);
            draws.push(answered(next));
        }),
        ("one twice", order, &|draws| draws[5] = draws[4]),
    ];
    for (name, expected, change) in rows {
        assert_eq!(draw.checked(&draw.drawn(change)), expected, "{name}");
    }
    let rejected = |why| Err(SelectionError::Evidence(why));
    let tests = &draw.net.witness.tests;
    let most = tests.total_threshold() as usize - 1;
    let run = tests.run_threshold(most as u32).expect("not rejected by the total") as usize;
    let spread = |skips: usize| (0..skips).map(|i| 2 * i).collect::<Vec<_>>();
    let in_a_row = |skips: usize| (0..skips).collect::<Vec<_>>();
    assert_eq!(draw.checked(&draw.with_skips(&spread(most))), Ok(()));
    assert_eq!(draw.checked(&draw.with_skips(&spread(most + 1))), rejected(Rejection::TotalSkips));
    let run = tests.run_threshold(run as u32).expect("few skips") as usize;
    assert_eq!(draw.checked(&draw.with_skips(&in_a_row(run - 1))), Ok(()));
    assert_eq!(draw.checked(&draw.with_skips(&in_a_row(run))), rejected(Rejection::SkipRun));
}

/// Payer and payee may be verifiers, and drawn: they never are witnesses of what they pay.
#[test]
fn the_parties_are_no_witnesses_of_their_fund() {
    let draw = Draw::new();
    let verifiers = draw.net.witness.genesis.verifiers();
    let mut found = [0; 2];
    for rank in 10..verifiers {
        let party = draw.net.witness.genesis.verifier(rank);
        for (at, parties) in [(PAYER, party), (party, PAYEE)].into_iter().enumerate() {
            let good = draw.of(parties, [draw.settled; 2], &[]);
            assert!(!good.witnesses.contains(&party));
            assert_eq!(draw.checked(&good), Ok(()), "{party}");
            // The same draw as if it were eligible.
            let genesis = &draw.net.witness.genesis;
            let members = timeline::active(draw.settled, &draw.net.bodies);
            let seed = genesis.seed(good.checksum, parties.0, parties.1);
            let order = crate::objects::selection::DrawOrder::new(seed, members.len(genesis));
            let all = order.map(|rank| members.get(genesis, rank)).take(20);
            let drawn: Vec<_> = all.map(|verifier| Drawn { verifier, answered: true }).collect();
            if drawn.iter().any(|drawn| drawn.verifier == party) {
                found[at] += 1;
                let bad = Selection::new(parties.0, parties.1, good.checksum, drawn)
                    .on(good.history.clone());
                assert_eq!(draw.checked(&bad), Err(SelectionError::Order), "{party}");
            }
        }
    }
    assert!(found.iter().all(|found| *found > 5), "a fifth of them were drawn: {found:?}");
    for (payer, payee) in [(0, 9), (9, 0), (1, 9), (9, 1), (7, 8)] {
        let eligible =
            |id| crate::objects::selection::is_eligible(NodeId(id), NodeId(payer), NodeId(payee));
        assert!(![0, 1, payer, payee].into_iter().any(eligible), "{payer} {payee}");
        assert!([2, 3, 150].into_iter().all(eligible));
    }
}

/// What a judge adds, by its own timeline: that it knows what was settled, and believes the absences.
#[test]
fn a_selection_is_judged_by_what_the_judge_knows() {
    let mut draw = Draw::new();
    let (settled, whole) = (draw.settled, draw.whole);
    let judge = |draw: &mut Draw, timeline: Tip, selection: &Selection| {
        let Draw { net, .. } = draw;
        net.witness.judge_selection(timeline, selection, &mut net.worlds[PAYEE.index()])
    };
    let good = draw.good.clone();
    assert_eq!(judge(&mut draw, whole, &good), Ok(()));
    assert_eq!(judge(&mut draw, settled, &good), Ok(()), "the event speaks for itself");
    assert_eq!(judge(&mut draw, None, &good), Err(Refusal::Timeline));
    let on_genesis = draw.of((PAYER, PAYEE), [None; 2], &[]);
    assert_eq!(judge(&mut draw, whole, &on_genesis), Err(Refusal::Timeline));
    let mut earlier = on_genesis.clone();
    earlier.history.time = Time(START.0 / 2);
    assert_eq!(judge(&mut draw, whole, &earlier), Ok(()), "nothing was settled by then");
    let unstamped = draw.says(EventKind::Pause, before(START, HOUR));
    let mut forged = good;
    forged.history.passed = [unstamped].into();
    assert_eq!(judge(&mut draw, whole, &forged), Err(Refusal::Selection));

    draw.net.witness.terms.rules.settled_draw = false;
    let mut of_list = draw.of((PAYER, PAYEE), [settled; 2], &[]);
    assert_eq!(judge(&mut draw, whole, &of_list), Ok(()), "one young event may be missing");
    of_list.history.list = whole;
    assert_eq!(judge(&mut draw, whole, &of_list), Ok(()));
    assert_eq!(judge(&mut draw, settled, &of_list), Err(Refusal::Timeline), "it knows less");
    of_list.history.list = None;
    assert_eq!(judge(&mut draw, whole, &of_list), Ok(()), "0.01 is not below the cutoff");
    of_list.history.passed = [draw.event].into();
    assert_eq!(
        judge(&mut draw, whole, &of_list),
        Err(Refusal::Selection),
        "there is no passing over"
    );
    // Many old ones cannot be missing; what happened after the payment began can.
    let mut events = Vec::new();
    for rank in 20..23 {
        let author = draw.net.witness.genesis.verifier(rank);
        let event = draw.net.stamped_event(author, EventKind::Pause, Time(START.0 / 2), None);
        events.push(draw.net.share(WitnessBody::Event(event)));
    }
    let many = draw.net.timeline(&events);
    of_list.history.passed = [].into();
    assert_eq!(judge(&mut draw, many, &of_list), Err(Refusal::Selection));
    of_list.history.time = Time(START.0 / 2 - 1);
    assert_eq!(judge(&mut draw, many, &of_list), Ok(()));
}

type Change = fn(&mut Net, &mut Offer);

/// A contract with two sources: the payer's first fund, and one that it was paid an hour ago.
fn offer() -> (Net, Offer) {
    let mut net = Net::at(START);
    let first = net.first_fund_of(PAYER);
    let paid = net.drawn_at((OTHER, PAYER), before(START, HOUR));
    let selection = net.share(WitnessBody::Selection(paid));
    let id = fund::FundId(77);
    let second =
        fund::Fund { id, amount: 70_000, sequence: 3, previous: fund::FundId(5), selection };
    let offer = net.offer((PAYER, PAYEE), &[first, second], 5_000);
    (net, offer)
}

#[test]
fn each_part_of_a_contract_is_checked() {
    let (mut net, good) = offer();
    const NEVER: u64 = 1 << 62;
    let rows: &[(&str, Result<(), Refusal>, Change)] = &[
        ("unchanged", Ok(()), |_, _| {}),
        ("no source", Err(Refusal::Malformed), |_, o| o.draft.sources = [].into()),
        ("the same source twice", Err(Refusal::Malformed), |_, o| {
            o.draft.sources[1].fund = o.draft.sources[0].fund;
        }),
        ("a digest of something else", Err(Refusal::Malformed), |_, o| {
            o.digest = Some(anthill_protocol::Digest([3; 32]));
        }),
        ("no selection", Err(Refusal::Malformed), |net, o| {
            o.handles[0] = Some(net.contract(|_| {}));
        }),
        ("no selection of a source", Err(Refusal::Malformed), |net, o| {
            o.handles[1] = Some(net.contract(|_| {}));
        }),
        ("a unit too much", Err(Refusal::Sums), |_, o| o.draft.amount += 1),
        ("a unit too little", Err(Refusal::Sums), |_, o| o.draft.amount -= 1),
        ("without gas for one source", Err(Refusal::Sums), |_, o| o.draft.amount += 1_000),
        ("more from a source", Err(Refusal::Sums), |_, o| o.source().amount += 1),
        ("gas alone from a source", Err(Refusal::Sums), |_, o| {
            let gone = o.draft.sources[1].amount - 1_000;
            o.draft.sources[1].amount = 1_000;
            o.draft.amount -= gone;
        }),
        ("a unit more than gas", Ok(()), |_, o| {
            let gone = o.draft.sources[1].amount - 1_001;
            o.draft.sources[1].amount = 1_001;
            o.draft.amount -= gone;
        }),
        ("a payment of the gas", Err(Refusal::Sums), |_, o| {
            o.draft.amount = 1_000;
            (o.draft.sources[0].amount, o.draft.sources[1].amount) = (1_500, 1_500);
        }),
        ("a payment of a unit more", Ok(()), |_, o| {
            o.draft.amount = 1_001;
            (o.draft.sources[0].amount, o.draft.sources[1].amount) = (1_500, 1_501);
        }),
        ("sums that overflow", Err(Refusal::Sums), |_, o| {
            o.draft.sources[0].amount = u64::MAX;
            o.draft.sources[1].amount = o.draft.amount.wrapping_add(2_001);
        }),
        ("an amount that overflows", Err(Refusal::Sums), |_, o| o.draft.amount = u64::MAX),
        ("signed by the payee", Err(Refusal::Signature), |_, o| o.signer = PAYEE),
        ("signed as an agreement", Err(Refusal::Signature), |_, o| o.statement = Statement::Agrees),
        ("drawn for another payer", Err(Refusal::Selection), |net, o| {
            o.new = net.drawn_at((OTHER, PAYEE), START);
        }),
        ("drawn for another payee", Err(Refusal::Selection), |net, o| {
            o.new = net.drawn_at((PAYER, OTHER), START);
        }),
        ("drawn at another time", Err(Refusal::Selection), |net, o| {
            o.new = net.drawn_at((PAYER, PAYEE), Time(START.0 - 1));
        }),
        ("drawn otherwise", Err(Refusal::Selection), |_, o| o.new.draws.swap(1, 2)),
        ("another's first fund", Err(Refusal::NotOwner), |net, o| {
            let fund = net.first_fund_of(OTHER);
            o.source().fund = fund.id;
            o.watched[0] = net.selection(fund.selection);
        }),
        ("no first fund of its own", Err(Refusal::NotOwner), |_, o| {
            o.source().fund = fund::FundId(NEVER);
        }),
        ("the first fund by another draw", Err(Refusal::NotOwner), |net, o| {
            o.draft.sources[1].fund = net.witness.genesis.fund(PAYER);
            o.draft.sources[0].fund = fund::FundId(NEVER);
            o.watched.swap(0, 1);
            o.watched[0] = net.drawn_at((OTHER, PAYER), START);
            o.watched[1] = net.drawn_at((OTHER, PAYER), START);
        }),
        ("a fund paid to another", Err(Refusal::NotOwner), |net, o| {
            o.watched[1] = net.drawn_at((OTHER, PAYEE), START);
        }),
        ("a source that has expired", Err(Refusal::Expired), |net, _| {
            net.witness.terms.rollover_period = Span(START.0);
        }),
        ("a source that expires in a moment", Ok(()), |net, _| {
            net.witness.terms.rollover_period = Span(START.0 + 1);
        }),
        ("a source drawn otherwise", Err(Refusal::Selection), |_, o| {
            o.watched[1].draws.swap(1, 2);
        }),
        ("the first fund drawn otherwise", Err(Refusal::Selection), |_, o| {
            o.watched[0].draws.swap(1, 2);
        }),
        ("the first fund with a skip", Err(Refusal::Selection), |net, o| {
            o.watched[0] = with_skips(&net.witness, &o.watched[0], &[4]);
        }),
        ("a source with a skip", Ok(()), |net, o| {
            let history = o.watched[1].history.clone();
            let known = (o.watched[1].payer, o.watched[1].payee, o.watched[1].checksum);
            let all = net.drawn((known.0, known.1), [None; 2], &[], 21);
            let drawn = |(at, verifier)| Drawn { verifier, answered: at != 4 };
            let draws = all.into_iter().enumerate().map(drawn).collect();
            o.watched[1] = Selection::new(known.0, known.1, known.2, draws).on(history);
        }),
        ("on a timeline that nobody knows", Err(Refusal::Timeline), |_, o| o.new.checksum += 1),
        ("a source on such a timeline", Err(Refusal::Timeline), |_, o| o.watched[1].checksum += 1),
    ];
    for (name, expected, change) in rows {
        let (mut changed, terms) = (good.clone(), net.witness.terms);
        change(&mut net, &mut changed);
        let contract = net.write(&changed);
        assert_eq!(net.judge(contract), *expected, "{name}");
        net.witness.terms = terms;
    }
    let receipt = net.share(WitnessBody::Selection(good.new.clone()));
    assert_eq!(net.judge(receipt), Err(Refusal::Malformed), "no contract at all");
}

/// A clock may be as far off as the leniency, either way.
#[test]
fn contracts_are_judged_by_the_judges_clock() {
    let (mut net, good) = offer();
    let contract = net.write(&good);
    let leniency = net.witness.terms.leniency;
    for (now, expected) in [
        (START + leniency, Ok(())),
        (START + leniency + Span(1), Err(Refusal::Time)),
        (before(START, leniency), Ok(())),
        (before(START, leniency + Span(1)), Err(Refusal::Time)),
    ] {
        net.worlds[PAYEE.index()].set_now(now);
        assert_eq!(net.judge(contract), expected, "{now}");
    }
}

/// **R3**: everything; without it the new witnesses, the time, and how the funds stand are left out.
#[test]
fn the_digest_of_a_contract_covers_each_part() {
    let (net, good) = offer();
    type Row = (&'static str, bool, fn(&mut Offer));
    let rows: &[Row] = &[
        ("payer", true, |o| o.draft.payer = OTHER),
        ("payee", true, |o| o.draft.payee = OTHER),
        ("amount", true, |o| o.draft.amount += 1),
        ("time", false, |o| o.draft.time.0 += 1),
        ("fund", true, |o| o.draft.sources[1].fund.0 += 1),
        ("amount of a source", true, |o| o.draft.sources[1].amount += 1),
        ("left", false, |o| o.draft.sources[1].left += 1),
        ("sequence", true, |o| o.draft.sources[1].sequence += 1),
        ("previous", false, |o| o.draft.sources[1].previous.0 += 1),
        ("a source less", true, |o| o.draft.sources = [o.draft.sources[0]].into()),
        ("order of sources", true, |o| o.draft.sources.swap(0, 1)),
        ("payer of the draw", false, |o| o.new.payer = OTHER),
        ("payee of the draw", false, |o| o.new.payee = OTHER),
        ("checksum", false, |o| o.new.checksum += 1),
        ("who was drawn", false, |o| o.new.draws[19].verifier = OTHER),
        ("who answered", false, |o| o.new.draws[5].answered = false),
        ("time of the draw", false, |o| o.new.history.time.0 += 1),
        ("list", false, |o| o.new.history.list = Some(Shared::new(7, 0, 100))),
        ("who was passed over", false, |o| o.new.history.passed = [Shared::new(7, 0, 100)].into()),
    ];
    let mut rules = net.witness.terms.rules;
    for all_is_signed in [true, false] {
        rules.all_is_signed = all_is_signed;
        let digest = |offer: &Offer| offer.draft.digest(&offer.new, rules, 0);
        for (name, always, change) in rows {
            let mut changed = good.clone();
            change(&mut changed);
            let differs = digest(&changed) != digest(&good);
            assert_eq!(differs, *always || all_is_signed, "{name}, R3 {all_is_signed}");
        }
        assert_ne!(good.draft.digest(&good.new, rules, 1), digest(&good), "scenario");
    }
}
