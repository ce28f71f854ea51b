//! One plain value, read as the declared kind: the rules shared by the scenario's own keys and the
//! protocols' parameters.

use anthill_protocol::Span;
use anthill_protocol::parameter::{Kind, Value};

use super::document::Data;
use super::excerpt::shorten;
use super::keys::Shape;
use super::nearest::suggestion;
use super::quantity::{
    QuantityError, RATE_UNIT_NAMES, TIME_UNIT_NAMES, count_from, number_bounds, parse_count,
    parse_rate, parse_size, parse_span, span_text,
};

/// Reads a value of a kind; the error says what would be right.
pub(super) fn read(kind: &Kind, data: &Data) -> Result<Value, String> {
    match *kind {
        Kind::Flag => match data {
            Data::Flag(flag) => Ok(Value::Flag(*flag)),
            other => Err(format!("expected true or false, found {}", other.kind())),
        },
        Kind::Count { min, max } => match count(data)? {
            value if value < min || value > max => Err(bounds(min, max)),
            value => Ok(Value::Count(value)),
        },
        Kind::Share => match number(data)? {
            // `abs` turns -0.0, which prints differently, into 0.0.
            share if (0.0..=1.0).contains(&share) => Ok(Value::Share(share.abs())),
            _ => Err("must be a share from 0 to 1".to_owned()),
        },
        Kind::Number { min, max } => match number(data)? {
            // Adding 0 turns -0.0, which prints differently, into 0.0.
            number if (min..=max).contains(&number) => Ok(Value::Number(number + 0.0)),
            _ => Err(format!("must be {}", number_bounds(min, max))),
        },
        Kind::Span { min } => match span(data)? {
            span if span < min => Err(format!("must be at least {}", span_text(min))),
            span => Ok(Value::Span(span)),
        },
        Kind::Choice(words) => match data {
            Data::Text(word) => choice(word, words).map(Value::Choice),
            other => Err(format!("expected one of {}, found {}", words.join(", "), other.kind())),
        },
        // The reader of a section knows from where its path starts.
        Kind::File => Err("a file is no plain value".to_owned()),
    }
}

fn bounds(min: u64, max: u64) -> String {
    if max == u64::MAX {
        format!("must be at least {min}")
    } else {
        format!("must be from {min} to {max}")
    }
}

fn choice(word: &str, words: &'static [&'static str]) -> Result<&'static str, String> {
    let found = words.iter().find(|known| **known == word);
    found.copied().ok_or_else(|| {
        let word = shorten(word);
        format!("unknown value `{word}`; {}", suggestion(&word, words))
    })
}

fn count(data: &Data) -> Result<u64, String> {
    let read = match data {
        Data::Integer(_) | Data::Float(_) => count_from(data),
        Data::Text(text) => parse_count(text),
        other => {
            return Err(format!(
                "expected a count such as 1000 or \"10k\", found {}",
                other.kind()
            ));
        }
    };
    read.map_err(|error| error.to_string())
}

fn span(data: &Data) -> Result<Span, String> {
    let read = match data {
        Data::Integer(0) => Ok(Span::ZERO),
        Data::Integer(number) if *number < 0 => Err(QuantityError::Negative),
        Data::Integer(number) => Err(QuantityError::NoUnit(TIME_UNIT_NAMES, format!("{number}s"))),
        Data::Float(number) if !number.is_finite() => Err(QuantityError::NotFinite),
        Data::Float(number) if *number < 0.0 => Err(QuantityError::Negative),
        Data::Float(0.0) => Ok(Span::ZERO),
        Data::Float(number) => Err(QuantityError::NoUnit(TIME_UNIT_NAMES, format!("{number}s"))),
        Data::Text(text) => parse_span(text),
        other => {
            return Err(format!("expected a duration such as \"250ms\", found {}", other.kind()));
        }
    };
    read.map_err(|error| error.to_string())
}

/// A length of time within the bounds of a shape.
pub(super) fn span_within(shape: &Shape, data: &Data) -> Result<Span, String> {
    let Shape::Span { least, most } = *shape else {
        unreachable!("{shape:?} is no length of time")
    };
    match read(&Kind::Span { min: least }, data)? {
        Value::Span(span) if span > most => Err(format!("must be at most {most}")),
        Value::Span(span) => Ok(span),
        other => unreachable!("a length of time was read as {other:?}"),
    }
}

/// A finite number, with or without a fraction.
pub(super) fn number(data: &Data) -> Result<f64, String> {
    match data {
        Data::Integer(number) => Ok(*number as f64),
        Data::Float(number) if number.is_finite() => Ok(*number),
        Data::Float(_) => Err(QuantityError::NotFinite.to_string()),
        other => Err(format!("expected a number, found {}", other.kind())),
    }
}

/// A number within the bounds of a shape.
pub(super) fn number_within(shape: &Shape, data: &Data) -> Result<f64, String> {
    let Shape::Number { least, open, most } = *shape else {
        unreachable!("{shape:?} is no number")
    };
    match number(data)? {
        // Adding 0 turns -0.0, which prints differently, into 0.0.
        number if (least..=most).contains(&number) && !(open && number == least) => {
            Ok(number + 0.0)
        }
        _ => {
            let from = if open { "above" } else { "at least" };
            Err(format!("must be {from} {least} and at most {most}"))
        }
    }
}

/// A rate above 0 in bit/s.
pub(super) fn rate(data: &Data) -> Result<u64, String> {
    let read = match data {
        Data::Text(text) => parse_rate(text).map_err(|error| error.to_string()),
        Data::Integer(number) if *number < 0 => Err(QuantityError::Negative.to_string()),
        Data::Integer(number) => {
            Err(QuantityError::NoUnit(RATE_UNIT_NAMES, format!("{number}Mbit")).to_string())
        }
        Data::Float(number) => {
            Err(QuantityError::NoUnit(RATE_UNIT_NAMES, format!("{number}Mbit")).to_string())
        }
        other => Err(format!("expected a rate such as \"20Mbit\", found {}", other.kind())),
    };
    match read? {
        0 => Err("must be above 0; without the key there is no limit".to_owned()),
        rate => Ok(rate),
    }
}

/// A number of bytes above 0.
pub(super) fn size(data: &Data) -> Result<u64, String> {
    let read = match data {
        Data::Text(text) => parse_size(text).map_err(|error| error.to_string()),
        Data::Integer(_) | Data::Float(_) => count(data),
        other => Err(format!("expected bytes such as 65536 or \"256kB\", found {}", other.kind())),
    };
    match read? {
        0 => Err("must be above 0".to_owned()),
        size => Ok(size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: Kind = Kind::Count { min: 0, max: u64::MAX };
    const SPAN: Kind = Kind::Span { min: Span(1) };

    fn error(kind: Kind, data: Data) -> String {
        read(&kind, &data).unwrap_err()
    }

    #[test]
    fn counts_come_as_integers_floats_and_text() {
        for data in [Data::Integer(1_000), Data::Float(1e3), Data::Text("1k".into())] {
            assert_eq!(read(&ANY, &data), Ok(Value::Count(1_000)));
        }
        assert!(error(ANY, Data::Integer(-1)).contains("negative"));
        assert!(error(ANY, Data::Integer(i128::MAX)).contains("too large"));
        assert!(error(ANY, Data::Flag(true)).contains("found true or false"));
        assert!(error(Kind::Count { min: 1, max: 64 }, Data::Integer(0)).contains("from 1 to 64"));
    }

    #[test]
    fn spans_need_units_except_zero() {
        assert_eq!(read(&SPAN, &Data::Text("2ms".into())), Ok(Value::Span(Span(2_000_000))));
        let any = Kind::Span { min: Span(0) };
        assert_eq!(read(&any, &Data::Integer(0)), Ok(Value::Span(Span(0))));
        assert_eq!(read(&any, &Data::Float(0.0)), Ok(Value::Span(Span(0))));
        assert!(error(SPAN, Data::Integer(60)).contains("no unit"));
        assert!(error(SPAN, Data::Float(1.5)).contains("\"1.5s\""));
        assert!(error(SPAN, Data::Float(f64::NAN)).contains("not finite"));
        assert!(error(SPAN, Data::Float(-1.0)).contains("negative"));
        assert!(error(SPAN, Data::Integer(0)).contains("at least 1ns"));
        assert!(error(SPAN, Data::Date).contains("found a date"));
    }

    #[test]
    fn numbers_are_finite_and_within_bounds() {
        let rate = Kind::Number { min: -2.5, max: 1e6 };
        for (data, value) in [
            (Data::Float(0.6), 0.6),
            (Data::Integer(-2), -2.0),
            (Data::Float(-2.5), -2.5),
            (Data::Float(1e6), 1e6),
        ] {
            assert_eq!(read(&rate, &data), Ok(Value::Number(value)));
        }
        let Ok(Value::Number(zero)) = read(&rate, &Data::Float(-0.0)) else { panic!("refused") };
        assert!(zero.is_sign_positive());
        for data in [Data::Integer(-3), Data::Float(1e6 + 1.0), Data::Integer(i128::MAX)] {
            assert_eq!(error(rate, data), "must be from -2.5 to 1000000");
        }
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(error(rate, Data::Float(number)).contains("not finite"));
        }
        assert!(error(rate, Data::Text("2/h".into())).contains("expected a number, found text"));
        let least = Kind::Number { min: 1e-9, max: f64::INFINITY };
        assert_eq!(error(least, Data::Float(0.0)), "must be at least 1e-9");
        let most = Kind::Number { min: f64::NEG_INFINITY, max: 0.0 };
        assert_eq!(error(most, Data::Float(0.5)), "must be at most 0");
    }

    #[test]
    fn rates_and_sizes_have_units() {
        assert_eq!(rate(&Data::Text("20Mbit".into())), Ok(20_000_000));
        assert!(rate(&Data::Integer(20)).unwrap_err().contains("\"20Mbit\""));
        assert!(rate(&Data::Integer(-1)).unwrap_err().contains("negative"));
        assert!(rate(&Data::Text("0".into())).unwrap_err().contains("above 0"));
        assert!(rate(&Data::Flag(true)).unwrap_err().contains("found true or false"));
        assert_eq!(size(&Data::Text("256kB".into())), Ok(256_000));
        assert_eq!(size(&Data::Integer(65_536)), Ok(65_536));
        assert!(size(&Data::Float(0.0)).unwrap_err().contains("above 0"));
        assert!(size(&Data::Date).unwrap_err().contains("found a date"));
    }

    #[test]
    fn shares_flags_and_choices_are_checked() {
        assert_eq!(read(&Kind::Share, &Data::Integer(1)), Ok(Value::Share(1.0)));
        assert!(error(Kind::Share, Data::Float(1.01)).contains("from 0 to 1"));
        assert!(error(Kind::Share, Data::Float(f64::NAN)).contains("not finite"));
        assert!(error(Kind::Share, Data::Float(-0.1)).contains("from 0 to 1"));
        assert!(error(Kind::Flag, Data::Integer(1)).contains("true or false"));
        let words = Kind::Choice(&["push", "push-pull"]);
        assert_eq!(read(&words, &Data::Text("push".into())), Ok(Value::Choice("push")));
        assert!(error(words, Data::Text("pusch".into())).contains("did you mean `push`?"));
        assert!(error(words, Data::Text("zz".into())).contains("known: push, push-pull"));
        assert!(error(words, Data::List(Vec::new())).contains("one of push, push-pull"));
    }
}
