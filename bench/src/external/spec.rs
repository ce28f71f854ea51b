//! `--external NODES=COMMAND` and `--pace FACTOR`: which programs play which nodes.

use std::collections::BTreeMap;

use thiserror::Error;

/// The most programs of a run.
const MOST_PROGRAMS: usize = 256;

/// What is wrong with the flags.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum SpecError {
    #[error(
        "--external {0}: write NODES=COMMAND, such as 0,5-9=./my-node or 3=tcp://127.0.0.1:7000"
    )]
    NoCommand(String),
    #[error("--external {spec}: `{nodes}` are no nodes; write them as 17 or 3,20-29")]
    NoNodes { spec: String, nodes: String },
    #[error("--external: node {0} is given to two programs; give it to one")]
    Twice(u32),
    #[error("--external: more than {MOST_PROGRAMS} programs; give fewer nodes")]
    TooMany,
    #[error("--external {0}: write tcp://HOST:PORT")]
    NoAddress(String),
    #[error("--pace {0}: give seconds of virtual time to a second, above 0 and at most 1000")]
    Pace(String),
}

/// How a program is had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Started, with these words.
    Command(Vec<String>),
    /// Reached at `HOST:PORT`.
    Socket(String),
}

impl Source {
    fn read(spec: &str, command: &str) -> Result<Self, SpecError> {
        if let Some(address) = command.strip_prefix("tcp://") {
            let port = address.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>()));
            return match port {
                Some((host, Ok(_))) if !host.is_empty() => Ok(Self::Socket(address.to_owned())),
                _ => Err(SpecError::NoAddress(spec.to_owned())),
            };
        }
        let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        match words.is_empty() {
            true => Err(SpecError::NoCommand(spec.to_owned())),
            false => Ok(Self::Command(words)),
        }
    }

    /// As it was typed, but for spaces.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Command(words) => words.join(" "),
            Self::Socket(address) => format!("tcp://{address}"),
        }
    }
}

/// Which programs play which nodes, and how fast.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ExternalPlan {
    /// A program for each of these nodes.
    pub(crate) programs: BTreeMap<u32, Source>,
    /// Seconds of virtual time to a second.
    pub(crate) pace: f64,
}

impl ExternalPlan {
    /// Reads the flags; `None`: no program plays a node.
    ///
    /// # Errors
    /// If they are none.
    pub(crate) fn new(specs: &[String], pace: Option<&str>) -> Result<Option<Self>, SpecError> {
        if specs.is_empty() {
            return Ok(None);
        }
        let mut programs = BTreeMap::new();
        for spec in specs {
            let no_command = || SpecError::NoCommand(spec.clone());
            let (nodes, command) = spec.split_once('=').ok_or_else(no_command)?;
            let source = Source::read(spec, command)?;
            for node in nodes.split(',') {
                let no_nodes =
                    || SpecError::NoNodes { spec: spec.clone(), nodes: nodes.to_owned() };
                for node in range(node).ok_or_else(no_nodes)? {
                    if programs.insert(node, source.clone()).is_some() {
                        return Err(SpecError::Twice(node));
                    }
                    if programs.len() > MOST_PROGRAMS {
                        return Err(SpecError::TooMany);
                    }
                }
            }
        }
        let pace = match pace {
            None => 1.0,
            Some(text) => {
                let factor = text.parse::<f64>().ok().filter(|it| *it > 0.0 && *it <= 1_000.0);
                factor.ok_or_else(|| SpecError::Pace(text.to_owned()))?
            }
        };
        Ok(Some(Self { programs, pace }))
    }
}

/// `17`, or `20-29` with both ends.
fn range(text: &str) -> Option<std::ops::RangeInclusive<u32>> {
    let number = |text: &str| {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>().ok().filter(|_| is_plain)
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some(first..=last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(specs: &[&str], pace: Option<&str>) -> Result<Option<ExternalPlan>, SpecError> {
        let specs: Vec<String> = specs.iter().map(|spec| (*spec).to_owned()).collect();
        ExternalPlan::new(&specs, pace)
    }

    #[test]
    fn nodes_and_commands_are_read() {
        let read = plan(&["0,5-7=./node --fast", "9=tcp://127.0.0.1:7000"], Some("0.5"));
        let read = read.expect("well formed").expect("programs");
        assert_eq!(read.programs.keys().copied().collect::<Vec<_>>(), [0, 5, 6, 7, 9]);
        assert_eq!(read.programs[&6].text(), "./node --fast");
        assert_eq!(read.programs[&9], Source::Socket("127.0.0.1:7000".to_owned()));
        assert_eq!(read.pace, 0.5);
        assert_eq!(plan(&["1=a=b"], None).unwrap().unwrap().programs[&1].text(), "a=b");
        assert_eq!(plan(&[], None), Ok(None));
    }

    #[test]
    fn whatever_else_is_typed_is_refused_by_name() {
        for (spec, expected) in [
            ("5", "write NODES=COMMAND"),
            ("5=", "write NODES=COMMAND"),
            ("5= ", "write NODES=COMMAND"),
            ("=a", "are no nodes"),
            ("x=a", "are no nodes"),
            ("7-5=a", "are no nodes"),
            ("+5=a", "are no nodes"),
            ("1,=a", "are no nodes"),
            ("1-99999999999=a", "are no nodes"),
            ("1,0-3=a", "node 1 is given to two programs"),
            ("0-4000000000=a", "more than 256 programs"),
            ("0=tcp://localhost", "write tcp://HOST:PORT"),
            ("0=tcp://:70", "write tcp://HOST:PORT"),
            ("0=tcp://h:70000", "write tcp://HOST:PORT"),
        ] {
            let error = plan(&[spec], None).expect_err(spec).to_string();
            assert!(error.contains(expected), "{spec}: {error}");
        }
        for pace in ["0", "-1", "fast", "nan", "inf", "1e9"] {
            assert_eq!(plan(&["0=a"], Some(pace)), Err(SpecError::Pace(pace.to_owned())));
        }
    }
}
