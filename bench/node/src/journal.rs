//! What a process has on disk: enough to go on after `kill -9` as if nothing had happened.
//!
//! An event is here before anything that it caused leaves the process. Coming back is the last saved state,
//! and the events after it once more, with nothing sent: the same events at the same instants make the same
//! state, so whatever the node signed it knows again. Bodies have a table of their own and are written once.
//!
//! Events that cause nothing outside share the commit of the next one that does, and so a write to disk.

use std::path::Path;

use anthill_protocol::{Snapshot, Time};
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use thiserror::Error;

use crate::machine::{Event, Parcel, Remark};

/// Changes with the form of anything here.
const FORM: u32 = 1;

const ABOUT: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("about");
const EVENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");
const BODIES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("bodies");
const REMARKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("remarks");

/// Why the data cannot be used.
#[derive(Debug, Error)]
pub(crate) enum JournalError {
    /// Another process has it open.
    #[error("another process uses it: is the node running already?")]
    InUse,
    /// The disk or the file.
    #[error("{0}")]
    Store(#[from] redb::Error),
    /// It is of another version, or something else.
    #[error("{0}")]
    Unreadable(String),
}

macro_rules! from_store {
    ($($name:ident),*) => {$(
        impl From<redb::$name> for JournalError {
            fn from(error: redb::$name) -> Self {
                Self::Store(error.into())
            }
        }
    )*};
}

from_store!(TransactionError, TableError, StorageError, CommitError);

/// The data of a process.
pub(crate) struct Journal {
    store: Database,
    next_event: u64,
    next_remark: u64,
}

/// What happens in one commit.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Events and their instants.
    pub events: Vec<(Time, Event)>,
    /// Bodies by name.
    pub bodies: Vec<(u64, Parcel)>,
    /// What was said.
    pub remarks: Vec<Remark>,
    /// The state after all events, and the names of bodies that nothing needs any more.
    pub state: Option<(Vec<u8>, Vec<u64>)>,
}

/// What is on disk.
#[derive(Debug)]
pub(crate) struct Kept {
    /// The last saved state.
    pub state: Option<Vec<u8>>,
    /// The events after it.
    pub events: Vec<(Time, Event)>,
    /// All bodies.
    pub bodies: Vec<(u64, Parcel)>,
}

fn bytes_of(value: &impl Snapshot) -> Vec<u8> {
    let mut out = Vec::new();
    value.save(&mut out);
    out
}

fn read<T: Snapshot>(mut bytes: &[u8]) -> Result<T, JournalError> {
    let value = T::load(&mut bytes).map_err(|error| JournalError::Unreadable(error.to_string()))?;
    match bytes.is_empty() {
        true => Ok(value),
        false => {
            Err(JournalError::Unreadable("something has more bytes than it should".to_owned()))
        }
    }
}

impl Journal {
    /// Opens the data in a file, or begins it.
    ///
    /// # Errors
    /// If another process has it, it is damaged, or of another version.
    pub(crate) fn open(path: &Path) -> Result<Self, JournalError> {
        let store = Database::create(path).map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => JournalError::InUse,
            error => JournalError::Store(error.into()),
        })?;
        let form = format!("{FORM} {}", env!("CARGO_PKG_VERSION"));
        let transaction = store.begin_write()?;
        let (next_event, next_remark) = {
            let mut about = transaction.open_table(ABOUT)?;
            let found =
                about.get("form")?.map(|it| String::from_utf8_lossy(it.value()).into_owned());
            if found.as_ref().is_some_and(|found| *found != form) {
                return Err(JournalError::Unreadable(format!(
                    "it was written by another version ({}): start with other data, or that version",
                    found.unwrap_or_default()
                )));
            }
            about.insert("form", form.as_bytes())?;
            transaction.open_table(BODIES)?;
            let after = match about.get("after")? {
                Some(it) => read::<u64>(it.value())?,
                None => 0,
            };
            let last = transaction.open_table(EVENTS)?.last()?.map_or(0, |it| it.0.value() + 1);
            let remark = transaction.open_table(REMARKS)?.last()?.map_or(0, |it| it.0.value() + 1);
            (last.max(after), remark)
        };
        transaction.commit()?;
        Ok(Self { store, next_event, next_remark })
    }

    /// Something that is kept under a name.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn about<T: Snapshot>(&self, name: &str) -> Result<Option<T>, JournalError> {
        let transaction = self.store.begin_read()?;
        let table = transaction.open_table(ABOUT)?;
        table.get(name)?.map(|it| read(it.value())).transpose()
    }

    /// Keeps something under a name.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn note(&self, name: &str, value: &impl Snapshot) -> Result<(), JournalError> {
        let transaction = self.store.begin_write()?;
        transaction.open_table(ABOUT)?.insert(name, &*bytes_of(value))?;
        Ok(transaction.commit()?)
    }

    /// Writes a batch; when this returns it is on disk.
    ///
    /// # Errors
    /// If it cannot be written: then nothing of it is.
    pub(crate) fn commit(&mut self, batch: &Batch) -> Result<(), JournalError> {
        let (mut event, mut remark) = (self.next_event, self.next_remark);
        let transaction = self.store.begin_write()?;
        {
            let mut events = transaction.open_table(EVENTS)?;
            for it in &batch.events {
                events.insert(event, &*bytes_of(it))?;
                event += 1;
            }
            let mut bodies = transaction.open_table(BODIES)?;
            for (id, parcel) in &batch.bodies {
                bodies.insert(id, &*bytes_of(parcel))?;
            }
            let mut remarks = transaction.open_table(REMARKS)?;
            for it in &batch.remarks {
                remarks.insert(remark, &*bytes_of(it))?;
                remark += 1;
            }
            if let Some((state, gone)) = &batch.state {
                let mut about = transaction.open_table(ABOUT)?;
                about.insert("state", &**state)?;
                about.insert("after", &*bytes_of(&event))?;
                events.retain_in(..event, |_, _| false)?;
                for id in gone {
                    bodies.remove(id)?;
                }
            }
        }
        transaction.commit()?;
        (self.next_event, self.next_remark) = (event, remark);
        Ok(())
    }

    /// Reads all that is needed to go on.
    ///
    /// # Errors
    /// If something is unreadable.
    pub(crate) fn load(&self) -> Result<Kept, JournalError> {
        let transaction = self.store.begin_read()?;
        let about = transaction.open_table(ABOUT)?;
        let state = about.get("state")?.map(|it| it.value().to_vec());
        let (mut events, mut bodies) = (Vec::new(), Vec::new());
        for it in transaction.open_table(EVENTS)?.iter()? {
            events.push(read(it?.1.value())?);
        }
        for it in transaction.open_table(BODIES)?.iter()? {
            let (id, parcel) = it?;
            bodies.push((id.value(), read(parcel.value())?));
        }
        Ok(Kept { state, events, bodies })
    }

    /// What was said from a number on, at most so much of it.
    ///
    /// # Errors
    /// If something is unreadable.
    pub(crate) fn remarks(&self, from: u64, most: usize) -> Result<Vec<Remark>, JournalError> {
        let transaction = self.store.begin_read()?;
        let table = transaction.open_table(REMARKS)?;
        let mut found = Vec::new();
        for it in table.range(from..)?.take(most) {
            found.push(read(it?.1.value())?);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(number: u64) -> (Time, Event) {
        (Time(number), Event::Due { number })
    }

    #[test]
    fn what_was_committed_is_there_again_and_a_saved_state_replaces_events() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("data");
        let parcel = Parcel { interned: true, bytes: vec![1, 2] };
        let mut journal = Journal::open(&path).expect("new data");
        assert!(matches!(Journal::open(&path), Err(JournalError::InUse)));
        let bodies = vec![(5, parcel.clone()), (6, parcel.clone())];
        let batch = Batch { events: vec![due(1), due(2)], bodies, ..Batch::default() };
        journal.commit(&batch).expect("written");
        drop(journal);

        let mut journal = Journal::open(&path).expect("it is there");
        let kept = journal.load().expect("readable");
        assert_eq!((kept.events, kept.state, kept.bodies.len()), (vec![due(1), due(2)], None, 2));
        let state = Some((vec![9], vec![5]));
        journal.commit(&Batch { state, ..Batch::default() }).expect("written");
        journal.commit(&Batch { events: vec![due(3)], ..Batch::default() }).expect("written");
        drop(journal);

        let kept = Journal::open(&path).expect("it is there").load().expect("readable");
        assert_eq!((kept.events, kept.state), (vec![due(3)], Some(vec![9])));
        assert_eq!(kept.bodies, [(6, parcel)]);
    }
}
