//! What is on in a scenario, in words: every result states the conditions it was had under.

use anthill_engine::conditions::{Conditions, TimelineEntry};
use anthill_engine::scenario::Scenario;
use anthill_protocol::parameter::Part;

use crate::units;

/// What befalls messages and nodes in a run, beside plain delays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Setting {
    /// Each condition that is on, in a few words that begin with its name.
    pub on: Vec<String>,
    /// The fault timeline, in the order of the scenario.
    pub faults: Vec<Fault>,
    /// How many nodes the adversary holds.
    pub adversary_nodes: u32,
}

/// An entry of the fault timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// As the engine reports it.
    pub entry: TimelineEntry,
    /// When, what and whom, in words.
    pub text: String,
}

impl Setting {
    /// The setting of a scenario whose conditions were built.
    pub(crate) fn of(scenario: &Scenario, conditions: Option<&Conditions>) -> Self {
        let adversary_nodes = conditions.map_or(0, Conditions::adversary_nodes);
        let timeline = conditions.map_or(&[][..], Conditions::timeline);
        let faults = scenario.conditions.faults.iter().zip(timeline);
        Self {
            on: on(scenario, adversary_nodes),
            faults: faults
                .map(|(spec, entry)| Fault {
                    entry: entry.clone(),
                    text: format!(
                        "{} ({} nodes)",
                        spec.in_words(scenario.nodes),
                        units::count(entry.nodes.into())
                    ),
                })
                .collect(),
            adversary_nodes,
        }
    }

    /// Lines of a block, two columns wide; of the timeline at most `most` entries.
    pub(crate) fn lines(&self, most: usize) -> Vec<(&'static str, String)> {
        let mut lines: Vec<(&str, String)> =
            self.on.iter().map(|what| ("on", what.clone())).collect();
        lines.extend(self.faults.iter().take(most).map(|fault| ("fault", fault.text.clone())));
        if let Some(more @ 1..) = self.faults.len().checked_sub(most) {
            lines.push(("fault", format!("and {more} more, in manifest.json")));
        }
        lines
    }
}

fn on(scenario: &Scenario, adversary_nodes: u32) -> Vec<String> {
    let spec = &scenario.conditions;
    let mut on = scenario.conditions_in_words();
    if let Some(held) = on.iter_mut().find(|words| words.starts_with("adversary ")) {
        let share = f64::from(adversary_nodes) / f64::from(scenario.nodes.max(1));
        let nodes = units::count(adversary_nodes.into());
        *held += &format!(" ({nodes} nodes, {})", units::percent(share));
    }
    on.extend(scenario.values.adversary().map(|kind| own_adversary(kind, scenario)));
    if let Some(bound) = spec.assumed_bound {
        on.push(format!("bound of {} on delays, as the protocol assumes", units::span(bound.0)));
    }
    if let n @ 1.. = spec.faults.len() {
        on.push(format!("faults: {n}"));
    }
    on
}

/// An adversary of the protocol's own, whose nodes only the protocol knows.
fn own_adversary(kind: &str, scenario: &Scenario) -> String {
    let values: Vec<String> = scenario
        .values
        .iter(Part::Adversary)
        .map(|(name, value)| format!("{name} {}", units::value(value)))
        .collect();
    let values = if values.is_empty() { String::new() } else { format!(": {}", values.join(", ")) };
    format!("adversary {kind} of the protocol {}{values}", scenario.protocol)
}

#[cfg(test)]
mod tests {
    use anthill_engine::network::Network;
    use anthill_engine::scenario::{ProtocolInfo, parse_text};
    use anthill_protocol::Configure as _;
    use anthill_protocol::traffic::Traffic;

    use super::*;
    use crate::fabricated;

    fn setting(more: &str) -> Setting {
        let text = format!("nodes = 1000\nuntil = \"60s\"\nprotocol.name = \"traffic\"\n{more}");
        let scenario = parse_text("a", &text, &[ProtocolInfo::of::<Traffic>()]).expect(&text);
        assert_eq!(scenario.protocol, Traffic::NAME);
        let network =
            Network::build(&scenario.network, scenario.nodes, scenario.seed).expect("a network");
        let conditions = Conditions::build(&scenario, &network, &["request", "reply"]);
        Setting::of(&scenario, conditions.expect("they fit").as_ref())
    }

    #[test]
    fn nothing_is_on_in_a_plain_scenario() {
        assert_eq!(setting(""), Setting::default());
        let off = "[cpu]\nmodel = \"off\"\n[adversary]\nkind = \"none\"\nfraction = 0.1";
        assert_eq!(setting(off), Setting::default());
    }

    #[test]
    fn whatever_is_on_is_named_first() {
        for (more, expected) in [
            (
                "network.bandwidth = { up = \"20Mbit\", queue = \"64kB\" }",
                "bandwidth fixed: up 20Mbit, queue 64000",
            ),
            (
                "network.bandwidth = { kind = \"gervais-2016\", cap = \"6Mbit\" }",
                "bandwidth gervais-2016: cap 6Mbit",
            ),
            ("network.loss = 0.01", "loss 0.01"),
            ("network.pair_spread = 0.3", "pair_spread 0.3"),
            ("network.node_spread = 1", "node_spread 1.0"),
            ("network.transport = \"connection\"", "transport connection"),
            ("network.classes = { home = 0.6, bad = 0.1 }", "classes: bad 0.1, home 0.6"),
            (
                "cpu = { scale = 2, cores = 4 }",
                "cpu: cores 4, scale 2.0, receive 550ns, send 2900ns, timer 90ns, kib 46ns, sign 14us, \
                 verify 30us",
            ),
            (
                "churn = { kind = \"exponential\", session = \"1h\", downtime = \"90s\", share = 0.5 }",
                "churn exponential: session 1h, downtime 90s, share 0.5",
            ),
            ("clock.skew = \"1s\"", "clock: skew 1s"),
            ("clock.drift_ppm = 50", "clock: drift_ppm 50.0"),
            ("measure.bound = \"500ms\"", "bound of 500 ms on delays, as the protocol assumes"),
            ("adversary.schedule = { kind = \"split\", heal = \"9s\" }", "schedule split: heal 9s"),
            (
                "adversary = { kind = \"silent\", fraction = 0.1, kinds = [\"reply\"] }",
                "adversary silent: fraction 0.1, kinds reply (100 nodes, 10 %)",
            ),
        ] {
            assert_eq!(setting(more).on, [expected], "{more}");
        }
        let reordering = "network.reordering = 0.1\nnetwork.reordering_delay = \"90ms\"";
        assert_eq!(setting(reordering).on, ["reordering 0.1", "reordering_delay 90ms"]);
        let partial = setting("network = { model = \"partial\", delta = \"1s\", gst = \"10s\" }");
        assert_eq!(partial.on[0], "timing partial: floor 1ms, mean 1ms, gst 10s, delta 1s");
        let synchronous = setting("network = { model = \"synchronous\", delta = \"1s\" }");
        assert_eq!(synchronous.on[0], "timing synchronous: min 250us, delta 1s");
    }

    #[test]
    fn adversaries_of_the_protocol_are_on_too() {
        let mut scenario = fabricated::scenario();
        let kinds = fabricated::with_workload_and_adversary().protocol.adversaries;
        scenario.values.set_adversary(&kinds[0]);
        let setting = Setting::of(&scenario, None);
        assert_eq!(setting.on, ["adversary double-signer of the protocol phold: attempts 1000"]);
    }

    #[test]
    fn the_timeline_says_when_what_and_whom() {
        let more = "
            [[fault]]
            at = \"10s\"
            heal = \"20s\"
            kind = \"partition\"
            direction = \"incoming\"
            regions = [\"us-east-1\", \"eu-west-1\"]
            [[fault]]
            at = \"1500ms\"
            kind = \"crash\"
            fraction = 0.25
            nodes = [\"0-99\"]
            every = \"24s\"
            on = \"8s\"
            stagger = \"2s\"
            [[fault]]
            at = \"0s\"
            kind = \"loss\"
            share = 0.3
            all = true";
        let setting = setting(more);
        let [cut, crash, loss] = &setting.faults[..] else { panic!("{setting:?}") };
        let region_nodes = cut.entry.nodes;
        assert!(region_nodes > 100, "{region_nodes}");
        let regions = "regions eu-west-1, us-east-1";
        let expected = format!(
            "partition: at 10s, heal 20s, direction incoming, {regions} ({region_nodes} nodes)"
        );
        assert_eq!(cut.text, expected);
        assert_eq!(
            crash.text,
            "crash: at 1500ms, keep_state false, nodes 0-99, fraction 0.25, every 24s, on 8s, \
             stagger 2s (25 nodes)"
        );
        assert_eq!(loss.text, "loss: at 0s, share 0.3, all true (1,000 nodes)");
        assert_eq!(setting.on, ["faults: 3"]);
        let lines = setting.lines(2);
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[3], ("fault", "and 1 more, in manifest.json".to_owned()));
        assert_eq!(setting.lines(3).len(), 4);
    }
}
