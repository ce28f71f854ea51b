//! What this machine takes for signatures, hashes and messages, measured: behind
//! `anthill calibrate` and the examples `signatures`, `signing_share` and `message_cost`.
//!
//! A [`Table`] takes its measurements in turns, round after round, so that what else the machine
//! does falls on all of them; a figure is the median over the rounds. What is taken is the CPU time
//! of the calling thread, not the wall time.

pub mod messages;
pub mod signatures;
pub mod timed;

use std::io;

use crate::clock::thread_cpu_ns;

/// A measured cost, in ns per operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What was measured, in words with slashes from the general to the special.
    pub name: String,
    /// The median over the rounds.
    pub median: f64,
    /// The least.
    pub lowest: f64,
    /// The greatest.
    pub highest: f64,
}

/// What is measured together, in one go.
struct Entry<'a> {
    names: Vec<String>,
    /// Gives the ns per operation of each name.
    run: Box<dyn FnMut() -> io::Result<Vec<f64>> + 'a>,
    samples: Vec<Vec<f64>>,
}

/// Measurements that take turns.
#[derive(Default)]
pub struct Table<'a>(Vec<Entry<'a>>);

impl<'a> Table<'a> {
    /// Adds something that takes `operations` operations to run once.
    pub fn add(&mut self, name: &str, operations: usize, mut run: impl FnMut() + 'a) {
        self.add_group(vec![name.to_owned()], move || {
            let begun = thread_cpu_ns();
            run();
            Ok(vec![(thread_cpu_ns() - begun) as f64 / operations as f64])
        });
    }

    /// Adds something that times itself, and gives the ns per operation of each of the names.
    pub fn add_group(
        &mut self,
        names: Vec<String>,
        run: impl FnMut() -> io::Result<Vec<f64>> + 'a,
    ) {
        let samples = vec![Vec::new(); names.len()];
        self.0.push(Entry { names, run: Box::new(run), samples });
    }

    /// Runs everything so many times, and once before, which warms caches and does not count.
    ///
    /// # Errors
    /// What a measurement reports.
    ///
    /// # Panics
    /// If there are no rounds.
    pub fn run(self, rounds: usize) -> io::Result<Vec<Figure>> {
        let samples = self.samples(rounds)?.into_iter();
        Ok(samples.map(|(name, samples)| Figure::of(name, samples)).collect())
    }

    /// As [`Table::run`], and gives what was measured under each name, round by round: whoever
    /// compares two figures does it within a round.
    ///
    /// # Errors
    /// What a measurement reports.
    ///
    /// # Panics
    /// If there are no rounds.
    pub fn samples(mut self, rounds: usize) -> io::Result<Vec<(String, Vec<f64>)>> {
        assert!(rounds > 0, "a median of nothing");
        for round in 0..=rounds {
            for entry in &mut self.0 {
                let figures = (entry.run)()?;
                if round > 0 {
                    for (samples, figure) in entry.samples.iter_mut().zip(figures) {
                        samples.push(figure);
                    }
                }
            }
        }
        Ok(self
            .0
            .into_iter()
            .flat_map(|entry| entry.names.into_iter().zip(entry.samples))
            .collect())
    }
}

impl Figure {
    fn of(name: String, mut samples: Vec<f64>) -> Self {
        samples.sort_unstable_by(f64::total_cmp);
        let (lowest, highest) = (samples[0], samples[samples.len() - 1]);
        Self { name, median: samples[samples.len() / 2], lowest, highest }
    }
}

/// The median of the figure of a name.
///
/// # Panics
/// If nothing of that name was measured.
pub fn median_of(figures: &[Figure], name: &str) -> f64 {
    let found = figures.iter().find(|figure| figure.name == name);
    found.unwrap_or_else(|| panic!("{name} was not measured")).median
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_the_median_of_its_rounds_without_the_first() {
        let mut table = Table::default();
        let mut samples = [1000.0, 3.0, 1.0, 2.0].into_iter();
        table.add_group(vec!["a".into(), "b".into()], move || {
            let sample = samples.next().expect("one a round");
            Ok(vec![sample, 10.0 * sample])
        });
        let mut ran = 0;
        table.add("c", 2, || ran += 1);
        let figures = table.run(3).expect("nothing fails");
        let names: Vec<&str> = figures.iter().map(|figure| &*figure.name).collect();
        assert_eq!(names, ["a", "b", "c"]);
        let expected = Figure { name: "a".into(), median: 2.0, lowest: 1.0, highest: 3.0 };
        assert_eq!(figures[0], expected);
        assert_eq!(median_of(&figures, "b"), 20.0);
        assert_eq!(ran, 4);
    }
}
