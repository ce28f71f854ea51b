use anthill_protocol::laws;
use anthill_protocol::recording::Recording;
use anthill_protocol::{Context, Message};

use super::*;
use crate::Nakamoto;
use crate::message::{Carried, NakamotoMessage, Name, Padded};

const SECOND: u64 = 1_000_000_000;

fn schedule(period: u32) -> Schedule {
    Schedule { interval: Span::from_secs(600), period }
}

fn seconds(seconds: u64) -> Time {
    Time(seconds * SECOND)
}

/// A chain of blocks with these times on the genesis, and its last handle.
fn chain(cx: &mut Recording<Nakamoto>, schedule: Schedule, times: &[u64]) -> Shared {
    let genesis = cx.intern(Block::genesis());
    times.iter().fold(genesis, |parent, time| {
        let bodies = cx.bodies();
        let below = bodies.get(parent).header;
        let header = below.child(schedule, NodeId(1), seconds(*time), seconds(*time));
        cx.share(Block { parent: Some(parent), header, transactions: Box::default() })
    })
}

fn world() -> Recording<Nakamoto> {
    Recording::new(NodeId(1), 4)
}

#[test]
fn the_difficulty_follows_the_time_that_a_period_took() {
    // Period of 2,016 blocks, from its first block (time t) to its last.
    let after =
        |height, took: u64| schedule(2_016).difficulty_after(height, UNIT, Span(took * SECOND));
    let aim = 2_016 * 600;
    assert_eq!(after(2_014, 1), UNIT, "within a period it stays");
    assert_eq!(after(2_016, 1), UNIT);
    assert_eq!(after(2_015, aim), UNIT);
    assert_eq!(after(2_015, aim / 2), 2 * UNIT);
    assert_eq!(after(2_015, 2 * aim), UNIT / 2);
    // By a factor of four at most.
    assert_eq!(after(2_015, aim / 4), 4 * UNIT);
    assert_eq!(after(2_015, aim / 5), 4 * UNIT);
    assert_eq!(after(2_015, 0), 4 * UNIT);
    assert_eq!(after(4_031, 4 * aim), UNIT / 4);
    assert_eq!(after(4_031, 100 * aim), UNIT / 4);
    assert_eq!(schedule(0).difficulty_after(2_015, UNIT, Span(1)), UNIT, "never");
    // Absurd figures saturate.
    let absurd = Schedule { interval: Span::MAX, period: u32::MAX };
    assert_eq!(absurd.difficulty_after(u32::MAX - 1, u64::MAX, Span::ZERO), u64::MAX);
    assert_eq!(schedule(2).difficulty_after(1, 1, Span::MAX), 1);
}

#[test]
fn a_period_is_measured_from_its_first_block_to_its_last() {
    let (mut cx, schedule) = (world(), schedule(4));
    // Genesis and three blocks are the first period: 900 s from first to last, of 2,400 aimed at.
    let tip = chain(&mut cx, schedule, &[300, 600, 900, 1_000, 1_100]);
    let bodies = cx.bodies();
    let header = bodies.get(tip).header;
    assert_eq!((header.height, header.period_start), (5, seconds(1_000)));
    assert_eq!(header.difficulty, UNIT * 2_400 / 900);
    assert_eq!(header.work, 4 * UNIT + 2 * (UNIT * 2_400 / 900));
}

#[test]
fn a_block_follows_from_its_parent_in_every_field() {
    let (mut cx, schedule) = (world(), schedule(2_016));
    let tip = chain(&mut cx, schedule, &[600, 1_200, 1_800]);
    let bodies = cx.bodies();
    let (block, parent) = (bodies.get(tip), bodies.get(tip).parent.expect("a child"));
    let parent = bodies.get(parent);
    let follows = |change: &dyn Fn(&mut Header)| {
        let mut changed = block.clone();
        change(&mut changed.header);
        changed.follows(parent, schedule, &bodies)
    };
    assert!(follows(&|_| {}) && follows(&|header| header.nonce = 9));
    assert!(!follows(&|header| header.height += 1));
    assert!(!follows(&|header| header.height = u32::MAX));
    assert!(!follows(&|header| header.difficulty -= 1));
    assert!(!follows(&|header| header.work += 1));
    assert!(!follows(&|header| header.work = u64::MAX));
    assert!(!follows(&|header| header.period_start = Time(1)));
    assert!(!follows(&|header| header.latest = Time::MAX));
}

#[test]
fn times_are_above_the_median_of_eleven() {
    let (mut cx, schedule) = (world(), schedule(0));
    let times = [10, 30, 20, 40, 60, 50, 70, 90, 80, 100, 120, 110];
    let tip = chain(&mut cx, schedule, &times);
    let bodies = cx.bodies();
    // Of the last eleven, without the genesis and the first: 20 … 120.
    assert_eq!(median_time(bodies.get(tip), &bodies), seconds(70));
    let child = |time| {
        let header = bodies.get(tip).header.child(schedule, NodeId(1), time, time);
        let block = Block { parent: Some(tip), header, transactions: Box::default() };
        block.follows(bodies.get(tip), schedule, &bodies)
    };
    assert!(!child(seconds(70)) && child(Time(seconds(70).0 + 1)) && child(seconds(130)));
    let genesis = Block::genesis();
    assert_eq!(median_time(&genesis, &bodies), Time::ZERO);
    let early = chain(&mut cx, schedule, &[5]);
    assert_eq!(median_time(bodies.get(early), &bodies), seconds(5));
}

#[test]
fn blocks_of_the_future_wait() {
    let mut block = Block::genesis();
    block.header.time = seconds(7_200);
    assert!(block.is_timely(Time::ZERO));
    block.header.time = Time(seconds(7_200).0 + 1);
    assert!(!block.is_timely(Time::ZERO) && block.is_timely(Time(1)));
}

#[test]
fn leading_zeros_are_counted_in_bits() {
    let mut digest = Digest([0; 32]);
    assert_eq!(leading_zeros(&digest), 256);
    digest.0[31] = 1;
    assert_eq!(leading_zeros(&digest), 255);
    digest.0[2] = 0x10;
    assert_eq!(leading_zeros(&digest), 19);
    digest.0[0] = 0x80;
    assert_eq!(leading_zeros(&digest), 0);
}

#[test]
fn blocks_differ_by_every_part() {
    let mut cx = world();
    let tip = chain(&mut cx, schedule(0), &[600]);
    let one = cx.bodies().get(tip).clone();
    let payment = Transaction { payer: NodeId(1), number: 1, is_twin: false, made: Time(1) };
    let twin = Transaction { is_twin: true, ..payment };
    let with = |transaction| Block { transactions: [transaction].into(), ..one.clone() };
    let nonce = Block { header: Header { nonce: 1, ..one.header }, ..one.clone() };
    let orphan = Block { parent: None, ..one.clone() };
    let all = [one.clone(), with(payment), with(twin), nonce, orphan];
    let mut prints: Vec<u64> = all.iter().map(Body::fingerprint).collect();
    prints.sort_unstable();
    prints.dedup();
    assert_eq!(prints.len(), all.len());
    assert_eq!((all[0].encoded_len(), all[1].encoded_len()), (80, 112));
}

#[test]
fn messages_are_lawful_and_as_long_as_what_they_stand_for() {
    let mut cx = world();
    let block = chain(&mut cx, schedule(0), &[600]);
    let transaction = Transaction { payer: NodeId(1), number: 1, is_twin: true, made: Time(1) };
    let (name, whole) = (Name(block), Carried::new(block, 535_000));
    let lengths = [
        (NakamotoMessage::Inv { block: name }, 32),
        (NakamotoMessage::GetData { block: name }, 32),
        (NakamotoMessage::Block { block: whole }, 535_000),
        (NakamotoMessage::Compact { block: Carried::new(block, 18_000) }, 18_000),
        (NakamotoMessage::GetMissing { block: name }, 32),
        (NakamotoMessage::Missing { block: Carried::new(block, 0) }, 36),
        (NakamotoMessage::GetTip, 0),
        (NakamotoMessage::TxInv { transaction }, 17),
        (NakamotoMessage::GetTx { transaction }, 17),
        (NakamotoMessage::Tx { transaction: Padded(transaction) }, 250),
        (NakamotoMessage::Shipped { transaction }, 17),
    ];
    for (message, length) in lengths {
        laws::message(&message);
        // A header of 24 bytes and the kind.
        assert_eq!(message.encoded_len(), 25 + length, "{message:?}");
    }
    assert!(size_of::<NakamotoMessage>() <= 32);
    let mut bytes = Vec::new();
    NakamotoMessage::Tx { transaction: Padded(transaction) }.encode(&mut bytes);
    *bytes.last_mut().expect("long") = 1;
    assert_eq!(NakamotoMessage::decode(&bytes), None, "padding is zeros");
}
