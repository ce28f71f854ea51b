//! Threads that pose as processes: a [`Fabric`] over channels, on which all that crosses is tested without MPI.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::fabric::{Bytes, Fabric, lost};

enum Packet {
    Bytes(Bytes),
    Words(Vec<u64>),
    Gone(String),
}

/// One of them. What it shares with the others is nothing but these channels.
#[derive(Debug)]
pub struct Channels {
    rank: u32,
    to: Vec<Sender<Packet>>,
    from: Vec<Mutex<Receiver<Packet>>>,
}

impl Channels {
    /// So many that are connected with each other, by rank.
    pub fn between(size: u32) -> Vec<Self> {
        let none = |rank| Self { rank, to: Vec::new(), from: Vec::new() };
        let mut all: Vec<Self> = (0..size).map(none).collect();
        for from in 0..size as usize {
            for to in 0..size as usize {
                let (sender, receiver) = channel();
                all[from].to.push(sender);
                // Receivers come in the order of their senders' ranks.
                all[to].from.push(Mutex::new(receiver));
            }
        }
        all
    }

    fn others(&self) -> impl Iterator<Item = usize> + use<> {
        let own = self.rank as usize;
        (0..self.to.len()).filter(move |rank| *rank != own)
    }

    fn send(&self, to: usize, packet: Packet) {
        // Whoever has ended has said so, or is found out when something is received of it.
        let _ = self.to[to].send(packet);
    }

    fn receive(&self, from: usize) -> Packet {
        let receiver = self.from[from].lock().unwrap_or_else(PoisonError::into_inner);
        match receiver.recv() {
            Ok(Packet::Gone(why)) => lost(from as u32, why),
            Ok(packet) => packet,
            Err(_) => lost(from as u32, "it is gone".to_owned()),
        }
    }

    fn all(&self, words: &mut [u64], combine: impl Fn(u64, u64) -> u64) {
        let own = words.to_vec();
        self.others().for_each(|to| self.send(to, Packet::Words(own.clone())));
        for from in self.others() {
            let Packet::Words(theirs) = self.receive(from) else {
                panic!("processes {} and {from} are out of step", self.rank)
            };
            assert_eq!(words.len(), theirs.len(), "all have as many words");
            for (mine, theirs) in words.iter_mut().zip(theirs) {
                *mine = combine(*mine, theirs);
            }
        }
    }
}

impl Fabric for Channels {
    fn rank(&self) -> u32 {
        self.rank
    }

    fn size(&self) -> u32 {
        self.to.len() as u32
    }

    fn on_this_machine(&self) -> u32 {
        self.size()
    }

    fn all_min(&self, words: &mut [u64]) {
        self.all(words, u64::min);
    }

    fn all_sum(&self, words: &mut [u64]) {
        self.all(words, u64::wrapping_add);
    }

    fn exchange(&self, outgoing: &mut [Bytes], incoming: &mut [Bytes]) {
        for to in self.others() {
            self.send(to, Packet::Bytes(core::mem::take(&mut outgoing[to])));
        }
        for from in self.others() {
            let Packet::Bytes(bytes) = self.receive(from) else {
                panic!("processes {} and {from} are out of step", self.rank)
            };
            incoming[from] = bytes;
        }
        incoming[self.rank as usize].clear();
    }

    fn abandon(&self, why: &str) {
        self.others().for_each(|to| self.send(to, Packet::Gone(why.to_owned())));
    }
}
