//! Logs against lists of entries, and what they take.

use anthill_protocol::recording::Pump;
use anthill_protocol::{Dice, NodeId, Snapshot as _, laws};

use super::{applied, raft, seconds};
use crate::log::Log;
use crate::membership::Voters;
use crate::messages::{Command, Entry};
use crate::replica::Replica;

/// A log as it would be without any thought of memory.
#[derive(Default)]
struct Plain {
    base: (u32, u32),
    entries: Vec<Entry>,
}

impl Plain {
    fn end(&self) -> u32 {
        self.base.1 + self.entries.len() as u32
    }

    fn at(&self, index: u32) -> Option<&Entry> {
        self.entries.get(index.checked_sub(self.base.1 + 1)? as usize)
    }

    fn term(&self, index: u32) -> Option<u32> {
        if index == self.base.1 { Some(self.base.0) } else { Some(self.at(index)?.term) }
    }
}

/// All kinds, clients near and far from each other, numbers that fit into a slot and some that do not.
fn command(dice: &mut Dice) -> Command {
    let client = NodeId(dice.pick(&[1_000, 1_001, 1_063, 937, 936, 1_064, 0, u32::MAX]));
    let number = dice.pick(&[0, 1, 77, (1 << 25) - 1, 1 << 25, u32::MAX]);
    match dice.below(10) {
        0 => Command::Noop,
        1 => Command::Joint { next: Voters::one(3) },
        2 => Command::Voters { voters: Voters::one(4) },
        3 => Command::Entry { value: [number, 9], has_body: false },
        _ => Command::Request { client, number },
    }
}

#[track_caller]
fn is_same(log: &Log, plain: &Plain) {
    assert_eq!((log.base(), log.end()), (plain.base.1, plain.end()));
    assert!(log.from(0).eq(plain.entries.iter().copied()), "{log:?}");
    let last = plain.entries.last().map_or(plain.base.0, |entry| entry.term);
    assert_eq!(log.last(), (last, plain.end()));
    for index in plain.base.1.saturating_sub(2)..plain.end() + 3 {
        assert_eq!(log.term(index), plain.term(index), "{index} of {log:?}");
        assert_eq!(log.get(index), plain.at(index).copied(), "{index} of {log:?}");
    }
}

#[test]
fn a_log_is_a_list_of_entries() {
    for seed in 0..200 {
        let mut dice = Dice::new(seed);
        let (mut log, mut plain, mut term) = (Log::default(), Plain::default(), 1);
        for _ in 0..150 {
            let length = plain.entries.len() as u64 + 1;
            let index = plain.base.1 + dice.below(length) as u32;
            match dice.below(20) {
                0 => {
                    assert!(log.truncate(index).is_empty());
                    plain.entries.truncate((index - plain.base.1) as usize);
                }
                1 => {
                    let (mut visited, mut others) = (Vec::new(), Vec::new());
                    log.cut(index, |at, command| visited.push((at, command)));
                    let base = (plain.term(index).expect("there"), index);
                    for entry in plain.entries.drain(..(index - plain.base.1) as usize) {
                        plain.base.1 += 1;
                        match entry.command {
                            Command::Noop | Command::Request { .. } => {}
                            command => others.push((plain.base.1, command)),
                        }
                    }
                    visited.retain(|(_, command)| !matches!(command, Command::Request { .. }));
                    assert_eq!(visited, others);
                    plain.base = base;
                }
                2 if dice.below(4) == 0 => {
                    plain = Plain { base: (term, index + 7), entries: Vec::new() };
                    assert!(log.restart_after(plain.base).is_empty());
                }
                _ => {
                    term += dice.below(8) as u32 / 7;
                    let entry = Entry { term, command: command(&mut dice) };
                    log.push(entry, None);
                    plain.entries.push(entry);
                }
            }
            is_same(&log, &plain);
        }
        laws::state(&log);
        let mut bytes = Vec::new();
        log.save(&mut bytes);
        let mut expected = Vec::new();
        (plain.base, plain.entries.clone()).save(&mut expected);
        assert_eq!(bytes, expected);
        let loaded = Log::load(&mut &bytes[..]).expect("whole");
        assert_eq!(loaded, log);
        is_same(&loaded, &plain);
    }
}

/// A hundred entries of five clients and one term: four bytes each, and nothing beside them.
#[test]
fn an_entry_takes_four_bytes() {
    let mut pump = Pump::new(raft(5), 5).seed(3);
    pump.run(seconds(20));
    for node in 0..5 {
        let log = &pump.node(NodeId(node)).expect("up").log;
        assert!(applied(&pump, node) > 50);
        assert_eq!(log.heap_bytes(), 112 * 4, "{log:?}");
    }
    // With the engine's 8 bytes for each node: four cache lines.
    assert!(size_of::<Replica>() <= 248, "{}", size_of::<Replica>());
}
