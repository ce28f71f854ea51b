//! Random small runs: as many users as the draws of witnesses need, and terms that a minute can hold.

use crate::adversary;
use anthill_protocol::Dice;

/// What a swarm must have come to.
pub(crate) const SITUATIONS: &[&str] = &[
    "payments_final",
    "payments_handed_over",
    "refused",
    "skips",
    "rollovers",
    "expired_funds",
    "double_spend_attempts",
];

/// Parameters that stay what they are: switching corrections off is an experiment, not a run that must
/// hold.
const RULES: [&str; 9] = [
    "protocol.r1",
    "protocol.r2",
    "protocol.r3",
    "protocol.r4",
    "protocol.r5",
    "protocol.r6",
    "protocol.r7",
    "protocol.r8",
    "protocol.r9",
];

/// Terms, workload and, in half of the runs, an adversary of the protocol's own.
pub(crate) fn draws(dice: &mut Dice) -> Vec<(&'static str, String)> {
    let witnesses = dice.within(3, 8);
    let redundancy = witnesses / 2 + 1 + dice.below(witnesses.div_ceil(2));
    let attempts = dice.within(1, 4);
    let nodes = 6 * witnesses + 7 * attempts + dice.within(30, 60);
    let timeout = dice.pick(&[500, 1_000, 2_000]);
    let settles = (timeout * dice.within(3, 12)).max(1_000);
    let ms = |ms: u64| format!("\"{ms}ms\"");
    let mut drawn = vec![
        ("nodes", nodes.to_string()),
        ("until", ms(timeout * dice.within(20, 40))),
        ("protocol.verifiers", "0.4".to_owned()),
        ("protocol.witnesses", witnesses.to_string()),
        ("protocol.redundancy", redundancy.to_string()),
        ("protocol.timeout", ms(timeout)),
        ("protocol.time_to_consistency", ms(settles)),
        ("protocol.leniency", ms(settles / 2)),
        ("protocol.rollover_period", ms(settles * dice.within(2, 6))),
        ("protocol.rules", "\"corrected\"".to_owned()),
        ("workload.rate", dice.pick(&["60.0", "200.0", "600.0"]).to_owned()),
        ("workload.rollovers", dice.pick(&["1.0", "0.8"]).to_owned()),
    ];
    drawn.extend(RULES.map(|rule| (rule, "\"as rules\"".to_owned())));
    if dice.one_in(2) {
        let kinds = adversary::KINDS;
        let kind = kinds[dice.below(kinds.len() as u64) as usize].name;
        drawn.push(("adversary", format!("{{kind=\"{kind}\",attempts={attempts}}}")));
    }
    drawn
}
