//! Sequence diagrams (Mermaid) of recorded messages.
//!
//! What is drawn is one exchange of a run: of the kinds that the protocol wants the first, and what
//! follows until none is under way. Nodes that play one part are one participant, and messages of one
//! kind that arrive at one instant between the same participants are one arrow.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anthill_protocol::recording::Delivery;
use anthill_protocol::{NodeId, Part, Span};

/// How long every message takes.
pub(crate) const DELAY: Span = Span::from_millis(10);
/// The most messages that are recorded.
pub(crate) const MOST_RECORDED: usize = 100_000;
/// The most arrows of a diagram.
const MOST_ARROWS: usize = 30;
/// The most nodes that are participants of their own; those that appear later share one.
const MOST_NODES: usize = 6;

/// The first messages of a run.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Nodes of the run.
    pub nodes: u32,
    /// Its seed.
    pub seed: u64,
    /// The kinds of messages by their number.
    pub kinds: &'static [&'static str],
    /// The messages in the order in which they arrived.
    pub messages: Vec<Delivery>,
}

/// Who has a lifeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Part(&'static str),
    Node(NodeId),
    Others,
}

#[derive(Debug)]
struct Participant {
    who: Who,
    nodes: BTreeSet<NodeId>,
}

impl Participant {
    fn label(&self) -> String {
        match (self.who, self.nodes.first()) {
            (Who::Node(node), _) => format!("node {}", node.0),
            (Who::Part(part), Some(node)) if self.nodes.len() == 1 => {
                format!("{part} (node {})", node.0)
            }
            (Who::Part(part), _) => format!("{part} ({})", self.nodes.len()),
            (Who::Others, _) => format!("others ({})", self.nodes.len()),
        }
    }
}

/// Messages of one kind at one instant, between two participants by their places.
#[derive(Debug)]
struct Arrow {
    from: usize,
    to: usize,
    kind: usize,
    count: u32,
}

#[derive(Debug, Default)]
struct Drawing {
    participants: Vec<Participant>,
    arrows: Vec<Arrow>,
    /// Whether there was more than a diagram takes.
    is_cut: bool,
}

/// The diagram of an exchange, with the parts of [`anthill_protocol::Diagram`].
pub(crate) fn draw(name: &str, recorded: &Recorded, parts: &[Part]) -> String {
    let kind = |message: &Delivery| recorded.kinds[message.kind];
    let wanted = |message: &&Delivery| {
        parts.is_empty() || parts.iter().any(|part| part.kind == kind(message))
    };
    let is_first = |message: &&Delivery| parts.first().is_none_or(|p| p.kind == kind(message));
    let begins = recorded.messages.iter().find(is_first).map(|first| first.sent);
    let follow = recorded.messages.iter().filter(|m| begins.is_some_and(|begins| m.sent >= begins));
    let messages: Vec<Delivery> = follow.copied().collect();
    let exchange = first_exchange(&messages).iter().filter(wanted);
    let drawing = Drawing::of(exchange.copied().collect(), recorded.kinds, parts);
    let program = crate::build::name();
    let mut text = format!(
        "sequenceDiagram\n    %% {name}: {} nodes, seed {}, every message takes {DELAY}\n    \
         %% recorded by `{program} protocols {name} --diagram`\n",
        recorded.nodes, recorded.seed,
    );
    if drawing.arrows.is_empty() {
        text.push_str("    participant p1 as all nodes\n    Note over p1: no messages\n");
        return text;
    }
    text.push_str("    autonumber\n");
    for (participant, number) in drawing.participants.iter().zip(1..) {
        let _ = writeln!(text, "    participant p{number} as {}", participant.label());
    }
    for Arrow { from, to, kind, count } in &drawing.arrows {
        let times = if *count > 1 { format!(" ×{count}") } else { String::new() };
        let kind = recorded.kinds[*kind];
        let _ = writeln!(text, "    p{}->>p{}: {kind}{times}", from + 1, to + 1);
    }
    if drawing.is_cut {
        let last = drawing.participants.len();
        let over = if last > 1 { format!("p1,p{last}") } else { "p1".to_owned() };
        let _ = writeln!(text, "    Note over {over}: and so on");
    }
    text
}

/// The messages until none was under way for as long as one takes.
fn first_exchange(messages: &[Delivery]) -> &[Delivery] {
    let is_pause = |pair: &[Delivery]| pair[1].sent > pair[0].at + DELAY;
    let end = messages.windows(2).position(is_pause).map_or(messages.len(), |last| last + 1);
    &messages[..end]
}

impl Drawing {
    fn of(messages: Vec<Delivery>, kinds: &[&'static str], parts: &[Part]) -> Self {
        let mut drawing = Self::default();
        for together in messages.chunk_by(|a, b| a.at == b.at) {
            let before = drawing.arrows.len();
            for message in together {
                let part = drawing.part(message, kinds[message.kind], parts);
                if !drawing.add(message, before, part) {
                    drawing.is_cut = true;
                    return drawing;
                }
            }
        }
        drawing
    }

    /// Who plays what in a message of a kind: of several the first whose receiver is known for it.
    fn part(&self, message: &Delivery, kind: &str, parts: &[Part]) -> Option<Part> {
        let plays = |part: &&Part| {
            let is_it =
                |p: &Participant| p.who == Who::Part(part.to) && p.nodes.contains(&message.to);
            self.participants.iter().any(is_it)
        };
        let of_kind = || parts.iter().filter(|part| part.kind == kind);
        of_kind().find(plays).or_else(|| of_kind().next()).copied()
    }

    /// Draws a message, into one of the arrows from `before` on if there is one like it; false if
    /// it no longer fits.
    fn add(&mut self, message: &Delivery, before: usize, part: Option<Part>) -> bool {
        let Delivery { from, to, kind, .. } = *message;
        let known = self.participants.len();
        let from = self.participant(from, part.map(|part| part.from));
        let to = self.participant(to, part.map(|part| part.to));
        let alike = |arrow: &&mut Arrow| (arrow.from, arrow.to, arrow.kind) == (from, to, kind);
        if let Some(arrow) = self.arrows[before..].iter_mut().find(alike) {
            arrow.count += 1;
        } else if self.arrows.len() < MOST_ARROWS {
            self.arrows.push(Arrow { from, to, kind, count: 1 });
        } else {
            self.participants.truncate(known);
            return false;
        }
        true
    }

    /// The place of a node's participant.
    fn participant(&mut self, node: NodeId, part: Option<&'static str>) -> usize {
        let known = |who: Who| self.participants.iter().any(|p| p.who == who);
        let named = |p: &&Participant| matches!(p.who, Who::Node(_));
        let who = match part {
            Some(part) => Who::Part(part),
            None if known(Who::Node(node)) => Who::Node(node),
            None if self.participants.iter().filter(named).count() < MOST_NODES => Who::Node(node),
            None => Who::Others,
        };
        let place = self.participants.iter().position(|participant| participant.who == who);
        let place = place.unwrap_or_else(|| {
            self.participants.push(Participant { who, nodes: BTreeSet::new() });
            self.participants.len() - 1
        });
        self.participants[place].nodes.insert(node);
        place
    }
}

#[cfg(test)]
mod tests {
    use anthill_protocol::Time;

    use super::*;

    const MS: u64 = 1_000_000;

    /// A message that arrives after so many milliseconds.
    fn message(at: u64, from: u32, to: u32, kind: usize) -> Delivery {
        let at = Time(at * MS);
        Delivery { sent: Time(at.0 - DELAY.0), at, from: NodeId(from), to: NodeId(to), kind }
    }

    fn drawn(messages: &[Delivery], parts: &[Part]) -> String {
        let recorded =
            Recorded { nodes: 9, seed: 4, kinds: &["ask", "tell"], messages: messages.to_vec() };
        let text = draw("test", &recorded, parts);
        let body = text.lines().skip(3).map(str::trim);
        body.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn nodes_of_a_part_are_one_participant_and_their_messages_one_arrow() {
        let messages = [
            message(10, 0, 3, 0),
            message(10, 0, 5, 0),
            message(20, 3, 0, 1),
            message(20, 5, 0, 1),
            // A node may play both parts.
            message(30, 0, 3, 0),
            // Another exchange.
            message(60, 1, 2, 0),
        ];
        let expected = "autonumber\nparticipant p1 as guest (node 0)\nparticipant p2 as hosts (2)\n\
                        p1->>p2: ask ×2\np2->>p1: tell ×2\np1->>p2: ask";
        let parts = [Part::new("ask", "guest", "hosts"), Part::new("tell", "hosts", "guest")];
        assert_eq!(drawn(&messages, &parts), expected);
    }

    #[test]
    fn only_what_is_wanted_is_drawn_from_the_first_of_it_on() {
        let messages = [
            message(10, 0, 3, 0),
            // Begins it: what is under way by then belongs to it, if it is wanted.
            message(30, 1, 2, 1),
            message(40, 2, 1, 0),
            // Another exchange.
            message(70, 1, 2, 1),
        ];
        let tell = Part::new("tell", "guest", "host");
        let body = "autonumber\nparticipant p1 as guest (node 1)\nparticipant p2 as host (node 2)\n\
                    p1->>p2: tell";
        assert_eq!(drawn(&messages, &[tell]), body);
        let both = [tell, Part::new("ask", "host", "guest")];
        assert_eq!(drawn(&messages, &both), format!("{body}\np2->>p1: ask"));
    }

    #[test]
    fn who_is_known_for_a_part_keeps_it() {
        let messages = [
            message(10, 0, 3, 0),
            message(10, 0, 4, 0),
            message(30, 0, 5, 1),
            message(30, 0, 4, 1),
        ];
        let parts = [
            Part::new("ask", "guest", "hosts"),
            Part::new("tell", "guest", "others"),
            Part::new("tell", "guest", "hosts"),
        ];
        let text = drawn(&messages, &parts);
        assert!(text.ends_with("p1->>p3: tell\np1->>p2: tell"), "{text}");
    }

    #[test]
    fn nodes_that_appear_late_are_the_others() {
        let messages: Vec<_> = (1..9).map(|to| message(10, 0, to, 0)).collect();
        let text = drawn(&messages, &[]);
        assert!(
            text.contains("participant p6 as node 5\nparticipant p7 as others (3)\n"),
            "{text}"
        );
        assert!(text.ends_with("p1->>p6: ask\np1->>p7: ask ×3"), "{text}");
    }

    #[test]
    fn what_does_not_fit_is_cut_and_said() {
        let messages: Vec<_> = (1..=40).map(|step| message(10 * step, 0, 1, 0)).collect();
        let text = drawn(&messages, &[]);
        assert_eq!(text.matches("->>").count(), MOST_ARROWS);
        assert!(text.ends_with("Note over p1,p2: and so on"), "{text}");
    }

    #[test]
    fn silence_is_said() {
        assert_eq!(drawn(&[], &[]), "participant p1 as all nodes\nNote over p1: no messages");
    }
}
