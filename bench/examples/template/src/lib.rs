//! Every node counts: it tells some peers the highest number that it has heard, plus one.
//!
//! Replace it by your protocol: what a node remembers, what it sends, what is measured, what must hold.

use anthill_protocol::judge::{self, Judge, Setting};
use anthill_protocol::*;

/// Counting to some number together.
#[derive(Clone, Debug, Parameters)]
#[configure(name = "{{project-name}}")]
pub struct Counter {
    /// peers that a node tells at once
    #[param(default = 2, range = 1..=64)]
    pub fanout: u32,
    /// where to stop
    #[param(default = 50, range = 1..=1_000_000)]
    pub goal: u32,
}

/// What nodes send.
#[derive(Clone, Copy, Debug, Message)]
pub enum CounterMessage {
    /// The highest number so far.
    Count {
        /// The number.
        number: u32,
    },
}

/// What nodes say to the outside world; judges hear it.
#[derive(Clone, Copy, Debug, PartialEq, Output)]
pub enum Says {
    /// It has heard the last number.
    Done {
        /// The number.
        number: u32,
    },
}

/// What is measured.
#[derive(Clone, Copy, Metric)]
pub enum CounterMetric {
    /// numbers that were new to a node
    Heard,
    /// from the start until the last number
    #[metric(latency)]
    Finish,
}

/// What a node remembers.
#[derive(Clone, Debug, Default, Snapshot)]
pub struct Node {
    highest: u32,
}

impl Counter {
    fn tell(&self, node: &Node, cx: &mut impl Context<Self>) {
        for _ in 0..self.fanout {
            let slot = cx.random_below(cx.degree().into()) as u32;
            cx.send_slot(
                slot,
                CounterMessage::Count {
                    number: node.highest,
                },
            );
        }
    }
}

impl Protocol for Counter {
    type Node = Node;
    type Message = CounterMessage;
    type Body = NoBody;
    type Timer = ();
    type Metric = CounterMetric;
    type Output = Says;

    fn start(&self, cx: &mut impl Context<Self>) -> Node {
        if cx.id() == NodeId(0) {
            cx.set_timer(Span::from_millis(1), ());
        }
        Node::default()
    }

    fn on_timer(&self, node: &mut Node, (): (), cx: &mut impl Context<Self>) {
        node.highest = 1;
        self.tell(node, cx);
    }

    fn on_message(
        &self,
        node: &mut Node,
        _from: NodeId,
        message: &CounterMessage,
        cx: &mut impl Context<Self>,
    ) {
        let CounterMessage::Count { number } = *message;
        // A message comes from anybody: what it says is checked before it is used.
        if number <= node.highest || number > self.goal {
            return;
        }
        cx.record(CounterMetric::Heard, 1);
        node.highest = number;
        if number == self.goal {
            cx.record(CounterMetric::Finish, cx.now().0);
            cx.output(Says::Done { number });
        }
        node.highest = (number + 1).min(self.goal);
        self.tell(node, cx);
    }

    fn judges(&self, setting: &Setting) -> Vec<Judge<Says>> {
        let one_goal = judge::agreement(judge::on!(Says::Done { number } => ((), number)));
        vec![Judge::new("one last number", one_goal).bound("nobody lies", setting.held == 0)]
    }
}

#[cfg(test)]
mod tests {
    use anthill_protocol::recording::Pump;

    use super::*;

    #[test]
    fn a_small_network_counts_to_the_goal() {
        let mut pump = Pump::new(
            Counter {
                fanout: 3,
                goal: 20,
            },
            30,
        )
        .seed(1);
        let facts = pump.run(Time::ZERO + Span::from_secs(30));
        assert!(facts.totals.of(CounterMetric::Finish) > 0);
        assert!(pump.judged().iter().all(|check| check.ok));
    }
}
