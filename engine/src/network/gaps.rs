//! Pairs of regions without a latency in either direction, and what to do about them.

use std::cmp::Reverse;

use super::table::LatencyTable;

/// Which regions lack a latency to which others.
pub(crate) struct Gaps {
    regions: Vec<usize>,
    /// By position in `regions`, the positions of those it lacks; symmetric.
    lacks: Vec<Vec<usize>>,
}

impl Gaps {
    /// The gaps between different ones of some regions.
    pub(crate) fn among(table: &LatencyTable, regions: Vec<usize>) -> Self {
        let mut lacks = vec![Vec::new(); regions.len()];
        for (i, a) in regions.iter().enumerate() {
            for (j, b) in regions.iter().enumerate().skip(i + 1) {
                if table.get(*a, *b).or_else(|| table.get(*b, *a)).is_none() {
                    lacks[i].push(j);
                    lacks[j].push(i);
                }
            }
        }
        Self { regions, lacks }
    }

    /// The regions to leave out so that no gap remains: again and again the one with the most gaps
    /// left, the last of the table among equals.
    pub(crate) fn leave_out(&self) -> Vec<usize> {
        let mut counts: Vec<usize> = self.lacks.iter().map(Vec::len).collect();
        let mut left_out = Vec::new();
        while let Some((worst, _)) = counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .max_by_key(|(i, n)| (**n, *i))
        {
            counts[worst] = 0;
            for other in &self.lacks[worst] {
                counts[*other] = counts[*other].saturating_sub(1);
            }
            left_out.push(self.regions[worst]);
        }
        left_out.sort_unstable();
        left_out
    }

    /// What is wrong and how to fix it, or `None` without gaps.
    pub(crate) fn problem(&self, table: &LatencyTable, fix: &str) -> Option<String> {
        let name = |position: usize| table.name(self.regions[position]);
        let pairs = |(i, lacks): (usize, &Vec<usize>)| {
            let later = lacks.iter().copied().filter(move |j| *j > i);
            later.map(move |j| (i, j)).collect::<Vec<_>>()
        };
        let gaps: Vec<(usize, usize)> = self.lacks.iter().enumerate().flat_map(pairs).collect();
        if gaps.is_empty() {
            return None;
        }
        let mut worst: Vec<usize> =
            (0..self.regions.len()).filter(|i| !self.lacks[*i].is_empty()).collect();
        worst.sort_by_key(|i| (Reverse(self.lacks[*i].len()), *i));
        let some_gaps = gaps.iter().take(5).map(|(i, j)| format!("{} – {}", name(*i), name(*j)));
        let some_regions =
            worst.iter().take(20).map(|i| format!("{} ({})", name(*i), self.lacks[*i].len()));
        Some(format!(
            "{} pairs of regions that hold nodes have no latency in either direction: {}{}; \
             {} regions lack some: {}{}; {fix}",
            gaps.len(),
            some_gaps.collect::<Vec<_>>().join(", "),
            if gaps.len() > 5 { ", …" } else { "" },
            worst.len(),
            some_regions.collect::<Vec<_>>().join(", "),
            if worst.len() > 20 { ", …" } else { "" },
        ))
    }
}
