//! Which events a user asks for, checked against the scenario.

use std::ops::RangeInclusive;

use anthill_engine::scenario::{Scenario, nearest, parse_count, parse_span};
use anthill_engine::trace::{Keep, TraceRequest};
use anthill_protocol::Time;
use thiserror::Error;

use crate::args::EventArgs;
use crate::units;

/// The most records without `--most`; some 16 MB as text.
const DEFAULT_MOST: u64 = 75_000;
/// The most that `--most` takes, some hundreds of megabytes of memory.
const GREATEST_MOST: u64 = 2_000_000;

/// What cannot be asked for.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum WantedError {
    #[error("--node {value}: {problem}; write nodes as 17 or 3,20-29, below {nodes}")]
    Node { value: String, problem: String, nodes: String },
    #[error("--kind {value}: {protocol} has no messages of that kind{hint}; kinds: {kinds}")]
    Kind { value: String, protocol: String, hint: String, kinds: String },
    #[error("{flag} {value} {problem}")]
    Quantity { flag: &'static str, value: String, problem: String },
    #[error("--from {from} is not before {end}: no event can lie between them")]
    Empty { from: String, end: String },
}

/// What the engine is asked for.
///
/// # Errors
/// On nodes, kinds and times that the scenario does not have.
pub(crate) fn request(
    args: &EventArgs,
    scenario: &Scenario,
    kinds: &[&'static str],
) -> Result<TraceRequest, WantedError> {
    let time = |flag, value: &Option<String>| match value {
        Some(text) => match parse_span(text) {
            Ok(span) => Ok(Some(Time(span.0))),
            Err(problem) => Err(quantity(flag, text, &problem.to_string())),
        },
        None => Ok(None),
    };
    let (from, to) = (time("--from", &args.from)?, time("--to", &args.to)?);
    if let (Some(from), Some(text)) = (from, &args.from) {
        let (end, name) = match (to, &args.to) {
            (Some(to), Some(text)) if to <= scenario.until => (to, format!("--to {text}")),
            _ => (scenario.until, format!("the run's end at {}", units::span(scenario.until.0))),
        };
        if from >= end {
            return Err(WantedError::Empty { from: text.clone(), end: name });
        }
    } else if to == Some(Time::ZERO) {
        return Err(quantity("--to", "0", "leaves no event: give a later time"));
    }
    let kinds = match &args.kind {
        Some(list) => Some(chosen(list, &scenario.protocol, kinds)?),
        None => None,
    };
    Ok(TraceRequest {
        from: from.unwrap_or_default(),
        to: to.unwrap_or(Time::MAX),
        nodes: args
            .node
            .as_deref()
            .map_or(Ok(Vec::new()), |list| nodes(list, scenario.population()))?,
        receivers: false,
        kinds,
        timers: args.timers,
        keep: Keep::Sample(args.sample.as_deref().map_or(Ok(u64::MAX), threshold)?),
        most: match &args.most {
            Some(text) => count("--most", text, GREATEST_MOST)? as usize,
            None => DEFAULT_MOST as usize,
        },
    })
}

/// A number from 1 to `greatest`.
///
/// # Errors
/// On anything else.
pub(crate) fn count(flag: &'static str, text: &str, greatest: u64) -> Result<u64, WantedError> {
    match parse_count(text) {
        Ok(count) if (1..=greatest).contains(&count) => Ok(count),
        Ok(_) => {
            let bounds = format!("is out of bounds: write 1 to {}", units::count(greatest));
            Err(quantity(flag, text, &bounds))
        }
        Err(problem) => Err(quantity(flag, text, &problem.to_string())),
    }
}

fn quantity(flag: &'static str, value: &str, problem: &str) -> WantedError {
    WantedError::Quantity { flag, value: value.to_owned(), problem: problem.to_owned() }
}

fn threshold(text: &str) -> Result<u64, WantedError> {
    match text.parse::<f64>() {
        // The cast saturates: all of 1.0 is the greatest hash.
        Ok(share) if share > 0.0 && share <= 1.0 => Ok((share * u64::MAX as f64) as u64),
        _ => Err(quantity("--sample", text, "is no share: write a number above 0, at most 1")),
    }
}

fn nodes(list: &str, nodes: u32) -> Result<Vec<RangeInclusive<u32>>, WantedError> {
    let refuse = |problem: &str| WantedError::Node {
        value: list.to_owned(),
        problem: problem.to_owned(),
        nodes: units::count(nodes.into()),
    };
    let node = |text: &str| match parse_count(text) {
        Ok(id) if id < u64::from(nodes) => Ok(id as u32),
        Ok(id) => Err(refuse(&format!("there is no node {id}"))),
        Err(_) => Err(refuse(&format!("`{}` is not a node", text.trim()))),
    };
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let range = node(first)?..=node(last)?;
        if range.is_empty() { Err(refuse(&format!("`{part}` runs backwards"))) } else { Ok(range) }
    };
    list.split(',').map(range).collect()
}

fn chosen(list: &str, protocol: &str, kinds: &[&'static str]) -> Result<Vec<bool>, WantedError> {
    let mut chosen = vec![false; kinds.len()];
    for name in list.split(',').map(str::trim) {
        match kinds.iter().position(|kind| *kind == name) {
            Some(kind) => chosen[kind] = true,
            None => {
                let near = nearest(name, kinds.iter().copied());
                return Err(WantedError::Kind {
                    value: name.to_owned(),
                    protocol: protocol.to_owned(),
                    hint: near.map_or_else(String::new, |near| format!("; did you mean `{near}`?")),
                    kinds: kinds.join(", "),
                });
            }
        }
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabricated;

    const KINDS: &[&str] = &["push", "pull"];

    fn wanted(set: impl FnOnce(&mut EventArgs)) -> Result<TraceRequest, String> {
        let mut args = EventArgs::default();
        set(&mut args);
        request(&args, &fabricated::scenario(), KINDS).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_asked_for_is_read() {
        let request = wanted(|args| {
            args.node = Some("17,3-5".into());
            args.kind = Some("pull".into());
            (args.from, args.to) = (Some("1s".into()), Some("2s".into()));
            (args.sample, args.most) = (Some("0.5".into()), Some("2k".into()));
        })
        .expect("fine");
        assert_eq!(request.nodes, [17..=17, 3..=5]);
        assert_eq!(request.kinds, Some(vec![false, true]));
        assert_eq!((request.from, request.to), (Time(1_000_000_000), Time(2_000_000_000)));
        assert_eq!((request.keep, request.most), (Keep::Sample(1 << 63), 2_000));
        assert_eq!(wanted(|_| ()), Ok(TraceRequest::all(75_000)));
    }

    #[test]
    fn what_is_not_there_is_refused_with_what_is() {
        let refused = |set: fn(&mut EventArgs)| wanted(set).expect_err("must be refused");
        assert_eq!(
            refused(|args| args.kind = Some("pul".into())),
            "--kind pul: phold has no messages of that kind; did you mean `pull`?; \
             kinds: push, pull"
        );
        assert_eq!(
            refused(|args| args.node = Some("7,1000".into())),
            "--node 7,1000: there is no node 1000; write nodes as 17 or 3,20-29, below 1,000"
        );
        for list in ["", "x", "5-3", "1,,2", "-1", "1-2-3", "99999999999999999999"] {
            let mut args = EventArgs { node: Some(list.into()), ..EventArgs::default() };
            args.most = None;
            assert!(request(&args, &fabricated::scenario(), KINDS).is_err(), "{list}");
        }
        assert_eq!(
            refused(|args| (args.from, args.to) = (Some("2s".into()), Some("2s".into()))),
            "--from 2s is not before --to 2s: no event can lie between them"
        );
        assert_eq!(
            refused(|args| args.from = Some("5s".into())),
            "--from 5s is not before the run's end at 5 s: no event can lie between them"
        );
        for share in ["0", "1.1", "-1", "NaN", "half"] {
            let args = EventArgs { sample: Some(share.into()), ..EventArgs::default() };
            assert!(request(&args, &fabricated::scenario(), KINDS).is_err(), "{share}");
        }
        assert!(refused(|args| args.most = Some("0".into())).contains("write 1 to 2,000,000"));
        assert!(refused(|args| args.to = Some("5".into())).starts_with("--to 5 "));
    }
}
