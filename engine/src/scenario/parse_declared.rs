//! What protocols declare: the keys of `[protocol]` and `[workload]`, and an `[adversary]` of the
//! protocol's own.

use anthill_protocol::parameter::{AdversaryKind, Parameter, Part, Values};

use super::keys::Key;
use super::nearest::suggestion;
use super::parse_adversary::ADVERSARY;
use super::protocol_info::ProtocolInfo;
use super::reader::Section;

/// Fitting a protocol to more nodes may take more memory than there is; it then waits until the
/// need is known, and its error has no line.
const MOST_FITTED: u32 = 1 << 24;

/// The protocol of a scenario, and what the scenario says of what it declares.
pub(super) struct Declared {
    pub(super) info: ProtocolInfo,
    pub(super) values: Values,
    /// Whether every value could be read.
    complete: bool,
}

impl Declared {
    /// Reads the sections; `None` only beside a finding.
    pub(super) fn read(root: &mut Section<'_, '_>, protocols: &[ProtocolInfo]) -> Option<Self> {
        let Some(mut declared) = Self::read_protocol(root.section("protocol"), protocols) else {
            // Of an unknown protocol nothing is claimed.
            root.find("workload");
            return None;
        };
        declared.read_workload(root, protocols);
        declared.read_own_adversary(root);
        Some(declared)
    }

    fn read_protocol(mut section: Section<'_, '_>, protocols: &[ProtocolInfo]) -> Option<Self> {
        let known: Vec<&str> = protocols.iter().map(|info| info.name).collect();
        if section.is_table() {
            section.require("name", &format!("\"{}\"", known.first().unwrap_or(&"phold")));
        }
        let name = section.text("name")?;
        let Some(info) = protocols.iter().find(|info| info.name == name) else {
            let hint = suggestion(name, &known);
            section.wrong("name", format!("unknown protocol; {hint}"));
            return None;
        };
        let mut declared = Self { info: *info, values: Values::default(), complete: true };
        declared.values.declare(Part::Protocol, info.parameters);
        declared.read_values(&mut section, Part::Protocol, info.parameters);
        section.finish(&format!("with protocol.name = \"{name}\""));
        Some(declared)
    }

    fn read_workload(&mut self, root: &mut Section<'_, '_>, protocols: &[ProtocolInfo]) {
        let name = self.info.name;
        if self.info.workload.is_empty() {
            root.find("workload");
            let with: Vec<&str> =
                protocols.iter().filter(|p| !p.workload.is_empty()).map(|p| p.name).collect();
            let with = match &with[..] {
                [] => String::new(),
                names => format!("; protocols with one: {}", names.join(", ")),
            };
            let problem = format!(
                "the protocol {name} has no workload: remove the section (nothing in it would be \
                 obeyed){with}"
            );
            root.wrong("workload", problem);
            return;
        }
        let mut section = root.section("workload");
        self.complete &= section.is_table();
        self.values.declare(Part::Workload, self.info.workload);
        self.read_values(&mut section, Part::Workload, self.info.workload);
        section.finish(&format!("with protocol.name = \"{name}\""));
    }

    /// Reads the whole section if its kind is one of the protocol's own.
    fn read_own_adversary(&mut self, root: &mut Section<'_, '_>) {
        let word = root.text_inside("adversary", "kind");
        let Some(kind) = word.and_then(|word| self.info.own_adversary(word)) else { return };
        let mut section = root.section("adversary");
        section.find("kind");
        self.refuse_foreign(&mut section, kind);
        section.declare_only("kind");
        self.values.set_adversary(kind);
        self.read_values(&mut section, Part::Adversary, kind.parameters);
        section.finish(&format!("with adversary.kind = \"{}\"", kind.name));
    }

    /// Reports the keys of other adversaries beside one of the protocol's own.
    fn refuse_foreign(&self, section: &mut Section<'_, '_>, kind: &AdversaryKind) {
        let (protocol, name) = (self.info.name, kind.name);
        self.declare_own(section);
        let is_own = |key: &str| kind.parameters.iter().any(|parameter| parameter.name == key);
        for key in section.given().filter(|key| *key != "kind" && !is_own(key)) {
            let problem = match ADVERSARY.iter().any(|generic| generic.name == key) {
                true => format!(
                    "cannot be combined with `{name}`, an adversary of the protocol {protocol}, in \
                     this version: remove it"
                ),
                false => format!("has no effect with adversary.kind = \"{name}\": remove it"),
            };
            section.wrong(key, problem);
            section.ignore(key);
        }
    }

    /// Declares the parameters of the protocol's own adversaries beside the keys there are, for a
    /// kind that uses none of them.
    pub(super) fn declare_own(&self, section: &mut Section<'_, '_>) {
        for parameter in self.info.adversaries.iter().flat_map(|kind| kind.parameters) {
            if !section.declares(parameter.name) {
                section.declare([Key::parameter(parameter)]);
            }
        }
    }

    fn read_values(
        &mut self,
        section: &mut Section<'_, '_>,
        part: Part,
        parameters: &'static [Parameter],
    ) {
        section.declare(parameters.iter().map(Key::parameter));
        for parameter in parameters {
            match section.plain(parameter.name) {
                Some(value) => {
                    self.values.set(&format!("{}.{}", part.name(), parameter.name), value);
                }
                None => self.complete = false,
            }
        }
    }

    /// Reports values that contradict each other, or cannot work with these nodes and this seed;
    /// returns how many nodes the protocol has beside them.
    pub(super) fn check(&self, root: &Section<'_, '_>, scene: Option<(u32, u64)>) -> u32 {
        // Only complete values can contradict each other.
        if !self.complete {
            return 0;
        }
        // Fitting may take time, which a wrong scenario is not worth.
        let is_right = root.problems() == 0;
        let scene = scene.filter(|(nodes, _)| is_right && *nodes <= MOST_FITTED);
        (self.info.check)(&self.values, scene).unwrap_or_else(|error| {
            let (part, key) = Part::split(error.name);
            root.blame_inside(part.name(), key, &error.problem);
            0
        })
    }
}
