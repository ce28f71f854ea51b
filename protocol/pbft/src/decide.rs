//! What a new view begins with, worked out from the view changes by its primary and by every backup.

use anthill_protocol::Shared;

use crate::bodies::{Change, NULL};
use crate::protocol::Pbft;

/// The checkpoint that a view begins at, and what each number after it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) low: u32,
    pub(crate) root: u64,
    pub(crate) proof: Option<Shared>,
    /// Digest and batch of the numbers after `low`, in order; null requests in gaps.
    pub(crate) choices: Vec<(u64, Option<Shared>)>,
}

/// Decides, if these view changes are enough to.
pub(crate) fn decide(pbft: &Pbft, changes: &[&Change]) -> Option<Decision> {
    if changes.len() < pbft.q as usize {
        return None;
    }
    if pbft.signs() { Some(by_proofs(pbft, changes)) } else { by_counts(pbft, changes) }
}

/// With proofs: the highest stable checkpoint; for each number the certificate of the highest view
/// (OSDI 1999, section 4.4).
fn by_proofs(pbft: &Pbft, changes: &[&Change]) -> Decision {
    let highest = changes.iter().max_by_key(|change| change.low);
    let (low, root, proof) = highest.map_or((0, 0, None), |it| (it.low, it.root, it.proof));
    let mut best: Vec<Option<(u32, u64, Option<Shared>)>> = Vec::new();
    for it in changes.iter().flat_map(|change| &change.prepared).filter(|it| it.seq > low) {
        let place = (it.seq - low - 1) as usize;
        if place >= pbft.window() as usize {
            continue;
        }
        best.resize(best.len().max(place + 1), None);
        let is_better = match best[place] {
            None => true,
            #[cfg(test)]
            Some(_) if pbft.takes_first_certificate => false,
            Some((view, ..)) => it.view > view,
        };
        if is_better {
            best[place] = Some((it.view, it.digest, it.batch));
        }
    }
    let choices =
        best.into_iter().map(|it| it.map_or((NULL, None), |(_, digest, batch)| (digest, batch)));
    Decision { low, root, proof, choices: choices.collect() }
}

/// Without: what q of them do not contradict and f + 1 vouch for (TOCS 2002, figure 4).
fn by_counts(pbft: &Pbft, changes: &[&Change]) -> Option<Decision> {
    let count = |holds: &dyn Fn(&Change) -> bool| {
        changes.iter().filter(|change| holds(change)).count() as u32
    };
    let is_vouched = |(seq, root): &(u32, u64)| {
        count(&|it| it.low <= *seq) >= pbft.q
            && count(&|it| it.checkpoints.contains(&(*seq, *root))) > pbft.f
    };
    let all = changes.iter().flat_map(|change| &change.checkpoints);
    let (low, root) = *all.filter(|it| is_vouched(it)).max()?;
    let prepared = changes.iter().flat_map(|change| &change.prepared);
    let most =
        prepared.map(|it| it.seq).max().unwrap_or(low).min(low.saturating_add(pbft.window()));
    let choices = (low.saturating_add(1)..=most).map(|seq| choice(pbft, changes, seq));
    Some(Decision { low, root, proof: None, choices: choices.collect::<Option<_>>()? })
}

/// One number: conditions A and B of the figure.
fn choice(pbft: &Pbft, changes: &[&Change], seq: u32) -> Option<(u64, Option<Shared>)> {
    let count = |holds: &dyn Fn(&Change) -> bool| {
        changes.iter().filter(|change| holds(change)).count() as u32
    };
    let prepared = |change: &Change| change.prepared.iter().find(|it| it.seq == seq).copied();
    for change in changes {
        let Some(it) = prepared(change) else { continue };
        let allows = |other: &Change| {
            let lower = |o: crate::bodies::Prepared| {
                o.view < it.view || (o.view == it.view && o.digest == it.digest)
            };
            other.low < seq && prepared(other).is_none_or(lower)
        };
        let vouches = |other: &Change| {
            other
                .proposed
                .iter()
                .any(|(at, digest, view)| *at == seq && *digest == it.digest && *view >= it.view)
        };
        if count(&allows) >= pbft.q && count(&vouches) > pbft.f {
            return Some((it.digest, it.batch));
        }
    }
    let is_free = |other: &Change| other.low < seq && prepared(other).is_none();
    (count(&is_free) >= pbft.q).then_some((NULL, None))
}
