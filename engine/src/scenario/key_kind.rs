//! What a key of a scenario takes, for whoever puts values of keys into a table.

use anthill_protocol::parameter::{Kind, Parameter};

use super::ProtocolInfo;
use super::keys::{Key, ROOT, Shape};

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// True or false.
    Flag,
    /// A whole number.
    Count,
    /// A number with or without a fraction.
    Number,
    /// Anything else, such as words, durations, paths and tables.
    Text,
}

/// What the key of a dotted path takes, under any of the given protocols: declared, so it does not
/// depend on a value. Text if there is no such key, or one that takes this or that.
pub fn key_kind(path: &str, protocols: &[ProtocolInfo]) -> KeyKind {
    let keys: Vec<&str> = path.split('.').map(|key| key.trim().trim_matches('"')).collect();
    let mut found = vec![of_shape(&Shape::Table(ROOT), &keys)];
    if let [section, name] = keys[..] {
        for protocol in protocols {
            let own = protocol.adversaries.iter().flat_map(|kind| kind.parameters);
            let declared: Vec<&Parameter> = match section {
                "protocol" => protocol.parameters.iter().collect(),
                "workload" => protocol.workload.iter().collect(),
                "adversary" => own.collect(),
                _ => Vec::new(),
            };
            let named = declared.into_iter().filter(|parameter| parameter.name == name);
            found.extend(named.map(|parameter| Some(of_kind(parameter.kind))));
        }
    }
    let mut found = found.into_iter().flatten();
    let first = found.next().unwrap_or(KeyKind::Text);
    found.fold(first, common)
}

/// What holds values of both.
fn common(one: KeyKind, other: KeyKind) -> KeyKind {
    match (one, other) {
        _ if one == other => one,
        (KeyKind::Count, KeyKind::Number) | (KeyKind::Number, KeyKind::Count) => KeyKind::Number,
        _ => KeyKind::Text,
    }
}

/// `None` if there is no such key.
fn of_shape(shape: &Shape, keys: &[&str]) -> Option<KeyKind> {
    let inside = |declared: &[Key], name: &str, rest: &[&str]| {
        let key = declared.iter().find(|key| key.name == name)?;
        of_shape(&key.shape, rest)
    };
    match (shape, keys) {
        (Shape::Either(one, other), keys) => match (of_shape(one, keys), of_shape(other, keys)) {
            (Some(one), Some(other)) => Some(common(one, other)),
            (one, other) => one.or(other),
        },
        (Shape::Table(keys) | Shape::Kinded { keys, .. }, [name, rest @ ..]) => {
            inside(keys, name, rest)
        }
        (Shape::Tables { keys, .. }, [_, name, rest @ ..]) => inside(keys, name, rest),
        (Shape::Named(inner), [_, rest @ ..]) => of_shape(inner, rest),
        (Shape::Shares, [_]) | (Shape::Number { .. }, []) => Some(KeyKind::Number),
        (Shape::Plain(kind), []) => Some(of_kind(*kind)),
        (_, []) => Some(KeyKind::Text),
        _ => None,
    }
}

fn of_kind(kind: Kind) -> KeyKind {
    match kind {
        Kind::Flag => KeyKind::Flag,
        Kind::Count { .. } => KeyKind::Count,
        Kind::Share | Kind::Number { .. } => KeyKind::Number,
        Kind::Span { .. } | Kind::Choice(_) | Kind::File => KeyKind::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::protocols;
    use super::*;

    #[test]
    fn a_key_has_the_kind_of_its_declaration() {
        for (path, kind) in [
            ("nodes", KeyKind::Count),
            ("until", KeyKind::Text),
            ("engine.stealing", KeyKind::Flag),
            ("network.loss", KeyKind::Number),
            ("network.shares.\"us-east-1\"", KeyKind::Number),
            ("network.topology", KeyKind::Text),
            ("network.topology.degree", KeyKind::Number),
            ("network.topology.path", KeyKind::Text),
            ("network.classes.home", KeyKind::Text),
            ("network.classes.home.share", KeyKind::Number),
            ("network.bandwidth.up", KeyKind::Text),
            ("cpu.kinds.push", KeyKind::Text),
            ("fault.0.share", KeyKind::Number),
            ("protocol.fanout", KeyKind::Count),
            ("protocol.rounds", KeyKind::Flag),
            ("protocol.mode", KeyKind::Text),
            ("protocol.lazy", KeyKind::Number),
            ("protocol.name", KeyKind::Text),
            ("protocol.colour", KeyKind::Text),
            ("colour", KeyKind::Text),
        ] {
            assert_eq!(key_kind(path, &protocols()), kind, "{path}");
        }
    }
}
