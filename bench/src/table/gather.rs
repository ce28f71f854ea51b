//! The table of a run over several processes: each shows the nodes that it has, process 0 keeps the rows of all.

use anthill_engine::processes::{self, Fabric};
use anthill_protocol::{Cell, Snapshot as _, SnapshotError};
use anyhow::{Context as _, anyhow};

use super::{Row, Table};

impl Table {
    /// Brings what every process was shown to process 0, whose table is in order then. The others' is as it was.
    ///
    /// # Errors
    /// If another process is gone, or gives what cannot be read.
    pub(crate) fn gather(&mut self, fabric: &dyn Fabric) -> anyhow::Result<()> {
        // Nobody needs more of a process than its first rows.
        self.cut();
        let mut bytes = Vec::new();
        if fabric.rank() > 0 {
            self.save(&mut bytes);
        }
        for (rank, other) in processes::gather(fabric, &bytes)?.iter().enumerate() {
            if !other.is_empty() {
                self.add(&mut &other[..])
                    .map_err(|error| anyhow!("{error:?}"))
                    .with_context(|| format!("the table of process {rank} cannot be read"))?;
                self.cut();
            }
        }
        Ok(())
    }

    fn save(&self, out: &mut Vec<u8>) {
        (self.nodes, self.matched).save(out);
        self.sums.iter().for_each(|sum| (*sum as u64, (*sum >> 64) as u64).save(out));
        let mut words: Vec<&str> = Vec::new();
        let mut rows = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let cells = row.cells.iter().map(|cell| match *cell {
                Cell::Count(count) => (false, count),
                Cell::Word(word) => (true, place(&mut words, word) as u64),
            });
            rows.push((row.node, row.region, cells.collect::<Vec<_>>()));
        }
        texts(&self.regions).save(out);
        texts(&words).save(out);
        rows.save(out);
    }

    fn add(&mut self, bytes: &mut &[u8]) -> Result<(), SnapshotError> {
        let (nodes, matched) = <(u64, u64)>::load(bytes)?;
        self.nodes += nodes;
        self.matched += matched;
        for sum in &mut self.sums {
            let (low, high) = <(u64, u64)>::load(bytes)?;
            *sum += u128::from(low) | u128::from(high) << 64;
        }
        let regions = loaded_texts(bytes)?;
        // As many as the program has: all processes are the same one.
        let words: Vec<&'static str> =
            loaded_texts(bytes)?.into_iter().map(|word| &*word.leak()).collect();
        let unknown = SnapshotError("a word or region that is not listed");
        for (node, region, cells) in Vec::<(u32, u16, Vec<(bool, u64)>)>::load(bytes)? {
            let name = regions.get(usize::from(region)).ok_or(unknown)?;
            let cell = |(is_word, value): (bool, u64)| match is_word {
                false => Ok(Cell::Count(value)),
                true => words.get(value as usize).map(|word| Cell::Word(word)).ok_or(unknown),
            };
            let cells = cells.into_iter().map(cell).collect::<Result<_, _>>()?;
            let region = self.region(name);
            self.rows.push(Row { node, region, cells });
        }
        Ok(())
    }
}

/// Where a word stands in a list, at whose end it is put if it is new.
fn place<'a>(words: &mut Vec<&'a str>, word: &'a str) -> usize {
    words.iter().position(|known| *known == word).unwrap_or_else(|| {
        words.push(word);
        words.len() - 1
    })
}

fn texts(texts: &[impl AsRef<str>]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_ref().as_bytes().to_vec()).collect()
}

fn loaded_texts(bytes: &mut &[u8]) -> Result<Vec<String>, SnapshotError> {
    let text = |text| String::from_utf8(text).map_err(|_| SnapshotError("a word that is no text"));
    Vec::<Vec<u8>>::load(bytes)?.into_iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use anthill_engine::processes::Channels;
    use anthill_protocol::NodeId;

    use super::super::tests::{table, unfilled};
    use super::super::write;
    use super::*;

    /// The ten nodes of [`table`], divided among three processes.
    fn gathered(sort: Option<&str>, conditions: &[&str], most: usize) -> (String, String) {
        let whole = table(sort, conditions, usize::MAX);
        let rows: Vec<_> = table(None, &[], usize::MAX).rows;
        let shown = std::thread::scope(|scope| {
            let part = |channels: Channels| {
                let rows = rows.iter().filter(|row| row.node % 3 == channels.rank());
                let mut part = unfilled(sort, conditions, most);
                for row in rows {
                    let region = if row.node % 2 == 0 { "b" } else { "a" };
                    part.show(NodeId(row.node), region, row.cells.clone());
                }
                scope.spawn(move || {
                    part.gather(&channels).expect("all are there");
                    part
                })
            };
            let parts: Vec<_> = Channels::between(3).into_iter().map(part).collect();
            let mut tables = parts.into_iter().map(|part| part.join().expect("no panic"));
            write::csv(&tables.next().expect("process 0"))
        });
        (shown, write::csv(&whole))
    }

    #[test]
    fn several_processes_have_the_table_of_one() {
        for sort in [None, Some("credit"), Some("credit:desc"), Some("role"), Some("region")] {
            for conditions in [&[][..], &["credit>10"], &["role=user"]] {
                let (shown, whole) = gathered(sort, conditions, usize::MAX);
                assert_eq!(shown, whole, "{sort:?} {conditions:?}");
                // The first rows of each are enough for the first rows of all.
                let (first, whole) = gathered(sort, conditions, 2);
                let lines = |text: &str, n: usize| {
                    text.lines().take(n).map(str::to_owned).collect::<Vec<_>>()
                };
                assert_eq!(lines(&first, 3), lines(&whole, 3), "{sort:?} {conditions:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let whole = table(None, &[], usize::MAX);
        let mut bytes = Vec::new();
        whole.save(&mut bytes);
        for cut in 0..bytes.len() {
            let error = unfilled(None, &[], usize::MAX).add(&mut &bytes[..cut]);
            assert!(error.is_err(), "{cut} of {} bytes", bytes.len());
        }
    }
}
