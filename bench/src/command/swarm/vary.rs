//! Other values of a declared parameter, within sensible factors of the one it has.

use anthill_protocol::parameter::{Kind, Value};
use anthill_protocol::{Dice, Span};

use super::draw::toml;

/// Another value as TOML; `None`: there is no other, or it stays as it is.
pub(super) fn value(dice: &mut Dice, kind: Kind, value: Value) -> Option<String> {
    let varied = match (kind, value) {
        (Kind::Flag, Value::Flag(flag)) => Value::Flag(!flag),
        (Kind::Count { min, max }, Value::Count(count)) => {
            let other = match dice.below(5) {
                0 => count / 2,
                1 => count.saturating_mul(2),
                2 => count.saturating_add(1),
                3 => count.saturating_sub(1),
                _ => min,
            };
            Value::Count(other.clamp(min, max))
        }
        (Kind::Span { min }, Value::Span(span)) => {
            let factor = dice.pick(&[(1, 4), (1, 2), (3, 4), (3, 2), (2, 1), (4, 1)]);
            Value::Span(Span((span.0 / factor.1).saturating_mul(factor.0)).max(min))
        }
        (Kind::Choice(words), Value::Choice(_)) => Value::Choice(dice.pick(words)),
        // What a share or a number stands for is not known: to whoever knows, the protocol.
        _ => return None,
    };
    (varied != value && kind.allows(varied)).then(|| toml(varied))
}

/// Words that parameters of adversaries have in their names if they say how many nodes it holds.
const HOLDERS: [&str; 8] =
    ["nodes", "held", "faulty", "faults", "liars", "members", "byzantine", "corrupt"];

/// A value of a parameter of an adversary of the protocol's own, that it holds `held` of `nodes`.
pub(super) fn of_adversary(
    dice: &mut Dice,
    (name, kind, default): (&str, Kind, Value),
    (held, nodes): (u32, u32),
) -> Option<String> {
    let holds = HOLDERS.iter().any(|word| name.contains(word)) || ["count", "f"].contains(&name);
    match kind {
        Kind::Count { min, max } if holds => {
            Some(toml(Value::Count(u64::from(held).clamp(min, max))))
        }
        Kind::Share if holds || name == "fraction" || name == "share" => {
            // Rounded up to what selects as many of the nodes.
            let share = (f64::from(held) / f64::from(nodes) * 1e4).ceil() / 1e4;
            Some(toml(Value::Share(share.min(1.0))))
        }
        _ if dice.one_in(3) => value(dice, kind, default),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn values(kind: Kind, of: Value) -> BTreeSet<String> {
        let mut dice = Dice::new(1);
        (0..200).filter_map(|_| value(&mut dice, kind, of)).collect()
    }

    fn set(values: &[&str]) -> BTreeSet<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    #[test]
    fn values_stay_near_and_within_their_bounds() {
        assert_eq!(values(Kind::Flag, Value::Flag(true)), set(&["false"]));
        let count = Kind::Count { min: 2, max: 9 };
        assert_eq!(values(count, Value::Count(6)), set(&["3", "9", "7", "5", "2"]));
        assert_eq!(values(count, Value::Count(2)), set(&["4", "3"]));
        let span = Kind::Span { min: Span::from_millis(400) };
        let second = Value::Span(Span::from_secs(1));
        assert_eq!(
            values(span, second),
            set(&["\"400ms\"", "\"500ms\"", "\"750ms\"", "\"1500ms\"", "\"2s\"", "\"4s\""])
        );
        let words = Kind::Choice(&["a", "b", "c"]);
        assert_eq!(values(words, Value::Choice("b")), set(&["\"a\"", "\"c\""]));
        assert!(values(Kind::Share, Value::Share(0.5)).is_empty());
    }

    #[test]
    fn an_adversary_holds_as_many_as_were_drawn() {
        let mut dice = Dice::new(1);
        let mut of = |name, kind, default| of_adversary(&mut dice, (name, kind, default), (3, 11));
        let count = Kind::Count { min: 1, max: 64 };
        assert_eq!(of("faulty", count, Value::Count(1)).as_deref(), Some("3"));
        assert_eq!(of("count", count, Value::Count(1)).as_deref(), Some("3"));
        assert_eq!(of("fraction", Kind::Share, Value::Share(0.1)).as_deref(), Some("0.2728"));
        assert_eq!(of("odds", Kind::Share, Value::Share(0.1)), None);
    }
}
