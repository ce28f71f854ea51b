//! The judges of a run, and what they have found.

use super::{Breaches, Judge, RunEnd, Said};
use crate::{Check, Key, NodeId};

/// All judges of a run: hears every output once, in the order of keys.
pub struct Panel<O> {
    judges: Vec<Judge<O>>,
    /// By judge.
    findings: Vec<Option<Finding>>,
    /// Scratch space.
    breaches: Breaches,
}

/// What a judge has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The judge's name.
    pub judge: &'static str,
    /// How many breaches.
    pub breaches: u64,
    /// The first: which nodes said what.
    pub about: String,
    /// The event of its later output; `None`: something is missing at the end.
    pub event: Option<Key>,
    /// Whether the scenario is outside the judge's bound.
    pub expected: bool,
}

impl<O> Panel<O> {
    /// A panel that has heard nothing.
    pub fn new(judges: Vec<Judge<O>>) -> Self {
        let findings = judges.iter().map(|_| None).collect();
        Self { judges, findings, breaches: Breaches::default() }
    }

    /// Whether nobody listens.
    pub fn is_empty(&self) -> bool {
        self.judges.is_empty()
    }

    /// Hears an output.
    pub fn hear(&mut self, said: &Said<O>) {
        for (judge, finding) in self.judges.iter_mut().zip(&mut self.findings) {
            judge.rule.hear(said, &mut self.breaches);
            note(judge, finding, &mut self.breaches);
        }
    }

    /// A node has come up again.
    pub fn restarted(&mut self, node: NodeId, keeps_state: bool) {
        self.judges.iter_mut().for_each(|judge| judge.rule.restarted(node, keeps_state));
    }

    /// Whether any judge has found a breach.
    pub fn has_findings(&self) -> bool {
        self.findings.iter().any(Option::is_some)
    }

    /// What was found so far.
    pub fn findings(&self) -> Vec<Finding> {
        self.findings.iter().flatten().cloned().collect()
    }

    /// The run has ended: one check for each judge, which counts its breaches.
    pub fn end(&mut self, end: &RunEnd<'_>) -> Vec<Check> {
        let mut checks = Vec::with_capacity(self.judges.len());
        for (judge, finding) in self.judges.iter_mut().zip(&mut self.findings) {
            let judged = judge.rule.end(end, &mut self.breaches);
            note(judge, finding, &mut self.breaches);
            let breaches = finding.as_ref().map_or(0, |finding| finding.breaches);
            let check = Check::exact(judge.name, judge.bound, breaches as f64, 0.0);
            // A breach stays one, whatever could not be looked at after it.
            let not_judged = judged.err().filter(|_| breaches == 0);
            let ok = check.ok && not_judged.is_none();
            let bound = judge.within && not_judged.is_none();
            checks.push(Check { ok, not_judged, ..check }.only_if(bound));
        }
        checks
    }
}

fn note<O>(judge: &Judge<O>, finding: &mut Option<Finding>, breaches: &mut Breaches) {
    for (event, about) in breaches.found.drain(..) {
        match finding {
            Some(finding) => finding.breaches += 1,
            None => {
                let expected = !judge.within;
                *finding = Some(Finding { judge: judge.name, breaches: 1, about, event, expected });
            }
        }
    }
}
