//! Connections to the other processes, and who is let in.
//!
//! Each process sends over the connections that it made and receives over those that it accepted, so nobody
//! has to agree on one of two. A connection that was lost is made again, after a pause that doubles up to
//! [`LONGEST_PAUSE`]. Who has not shown its key within [`PATIENCE`](crate::secure::PATIENCE) is cut off, and of too many
//! such strangers the one that has been there longest, so that they cannot keep others out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anthill_protocol::{PublicKey, Snapshot};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;

use crate::clock::unix_ms;
use crate::frame::Frame;
use crate::hello::{Answer, Genesis, Hello, objection};
use crate::outbox::Outbox;
use crate::reactor::{Fate, Input};
use crate::secure::{LinkError, LinkKey, PATIENCE, Receiver, Sender, secure};

/// The longest pause before a connection is tried again.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(3);
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
/// How often the other side is asked whether it is there.
const PING: Duration = Duration::from_secs(5);
/// After so long without a word the other side is gone.
const SILENCE: Duration = Duration::from_secs(20);
/// The most connections that have not shown their key.
pub(crate) const MOST_STRANGERS: usize = 64;
/// So far may another clock be ahead before there is a genesis: time is counted from the last start.
const MOST_AHEAD_MS: u64 = 60_000;
/// The most connections of one process.
const MOST_OF_ONE: usize = 4;

/// What all connections of a process share.
pub(crate) struct Net {
    pub key: LinkKey,
    /// Of all processes.
    pub keys: Vec<PublicKey>,
    pub outboxes: Arc<[Outbox]>,
    pub inputs: mpsc::Sender<Input>,
    /// What a link adds to every frame's way.
    pub delay: Duration,
    people: Mutex<People>,
    /// Somebody new was heard.
    pub heard: Notify,
    /// Something that cannot go on.
    pub fatal: mpsc::UnboundedSender<String>,
}

struct People {
    own: Hello,
    genesis: Option<Genesis>,
    hellos: BTreeMap<u32, Hello>,
    /// Connections that each process has made: its start and address.
    incoming: BTreeMap<u32, Vec<(u64, Vec<u8>)>>,
    /// The address at which each process was reached, and whether it is now.
    reached: BTreeMap<u32, (String, bool)>,
    strangers: BTreeMap<u64, AbortHandle>,
    counted: u64,
    refused: u64,
}

/// What is known of another process.
#[derive(Clone, Debug)]
pub(crate) struct Acquaintance {
    pub process: u32,
    pub address: String,
    pub sends: bool,
    pub receives: bool,
}

impl Net {
    pub(crate) fn new(
        own: Hello,
        (key, keys): (LinkKey, Vec<PublicKey>),
        inputs: mpsc::Sender<Input>,
        delay: Duration,
        fatal: mpsc::UnboundedSender<String>,
    ) -> Self {
        let outboxes = keys.iter().map(|_| Outbox::default()).collect();
        let people = People {
            hellos: [(own.process, own.clone())].into(),
            own,
            genesis: None,
            incoming: BTreeMap::new(),
            reached: BTreeMap::new(),
            strangers: BTreeMap::new(),
            counted: 0,
            refused: 0,
        };
        let (people, heard) = (Mutex::new(people), Notify::new());
        Self { key, keys, outboxes, inputs, delay, people, heard, fatal }
    }

    fn people(&self) -> MutexGuard<'_, People> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The genesis, once everybody was heard.
    pub(crate) fn found(&self) -> Option<Genesis> {
        let people = self.people();
        let all: Vec<Hello> = people.hellos.values().cloned().collect();
        (all.len() == self.keys.len()).then(|| Genesis::of(all)).flatten()
    }

    /// From now on whoever comes has to be part of it.
    pub(crate) fn establish(&self, genesis: Genesis) {
        let mut people = self.people();
        people.own.genesis = Some(genesis.hash());
        people.genesis = Some(genesis);
    }

    /// Whether there is a genesis.
    pub(crate) fn is_established(&self) -> bool {
        self.people().genesis.is_some()
    }

    /// Processes that were not heard yet, from 0.
    pub(crate) fn unheard(&self) -> Vec<u32> {
        let people = self.people();
        (0..self.keys.len() as u32).filter(|it| !people.hellos.contains_key(it)).collect()
    }

    /// The other processes, and how many connections were refused.
    pub(crate) fn acquaintances(&self) -> (Vec<Acquaintance>, u64) {
        let people = self.people();
        let others = (0..self.keys.len() as u32).filter(|it| *it != people.own.process);
        let all = others.map(|process| {
            let reached = people.reached.get(&process);
            Acquaintance {
                process,
                address: reached.map(|it| it.0.clone()).unwrap_or_default(),
                sends: reached.is_some_and(|it| it.1),
                receives: people.incoming.get(&process).is_some_and(|all| !all.is_empty()),
            }
        });
        (all.collect(), people.refused)
    }

    /// Why somebody is not let in, or else lets it in.
    fn admit(&self, theirs: &Hello, shown: &[u8; 32]) -> Result<(), String> {
        let mut people = self.people();
        let key = self.keys.get(theirs.process as usize).copied();
        let genesis = people.genesis.as_ref();
        let why = objection(&people.own, genesis, theirs, (shown, key), self.keys.len() as u32);
        if let Some(why) = why {
            people.refused += 1;
            return Err(why);
        }
        let ahead_ms = theirs.born_ms.saturating_sub(unix_ms());
        if people.genesis.is_none() && ahead_ms > MOST_AHEAD_MS {
            people.refused += 1;
            return Err(format!(
                "its clock is {} s ahead of this one: set the clocks",
                ahead_ms / 1_000
            ));
        }
        let is_present = people.incoming.get(&theirs.process).is_some_and(|all| !all.is_empty())
            || people.reached.get(&theirs.process).is_some_and(|it| it.1);
        if people.genesis.is_none() && is_present {
            let known = &people.hellos.get(&theirs.process);
            if known.is_some_and(|it| (it.born_ms, it.stake) != (theirs.born_ms, theirs.stake)) {
                people.refused += 1;
                return Err(format!(
                    "two nodes have NODE_ID {}: give each its own",
                    theirs.process + 1
                ));
            }
        }
        people.hellos.insert(theirs.process, theirs.clone());
        drop(people);
        self.heard.notify_one();
        Ok(())
    }

    /// Notes a connection that another process made.
    fn enter(&self, theirs: &Hello) -> Result<(), String> {
        let mut people = self.people();
        let present = people.incoming.entry(theirs.process).or_default();
        let id = theirs.process + 1;
        let other = present.iter().find(|it| it.0 != theirs.nonce && it.1 != theirs.address);
        let why = match other {
            Some((_, address)) => Some(format!(
                "NODE_ID {id} is connected from {}: give each node its own NODE_ID",
                String::from_utf8_lossy(address)
            )),
            None if present.len() >= MOST_OF_ONE => {
                Some(format!("NODE_ID {id} has {MOST_OF_ONE} connections"))
            }
            None => None,
        };
        if let Some(why) = why {
            people.refused += 1;
            return Err(why);
        }
        present.push((theirs.nonce, theirs.address.clone()));
        Ok(())
    }

    fn leave(&self, theirs: &Hello) {
        let mut people = self.people();
        if let Some(present) = people.incoming.get_mut(&theirs.process)
            && let Some(place) = present.iter().position(|it| it.0 == theirs.nonce)
        {
            present.remove(place);
        }
    }

    /// Accepts connections for ever.
    pub(crate) async fn accept(self: Arc<Self>, listener: TcpListener) {
        loop {
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, for one: those that are open go on.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(SHORTEST_PAUSE).await;
                    continue;
                }
            };
            let number = {
                let mut people = self.people();
                if people.strangers.len() >= MOST_STRANGERS
                    && let Some((_, oldest)) = people.strangers.pop_first()
                {
                    oldest.abort();
                    people.refused += 1;
                }
                people.counted += 1;
                people.counted
            };
            let net = Arc::clone(&self);
            let (begin, begun) = tokio::sync::oneshot::channel::<()>();
            let task = tokio::spawn(async move {
                // It is on the list by then.
                let _ = begun.await;
                if let Err(error) = net.welcome(stream, number).await {
                    tracing::debug!(%error, "a connection ended");
                }
                net.people().strangers.remove(&number);
            });
            self.people().strangers.insert(number, task.abort_handle());
            let _ = begin.send(());
        }
    }

    /// Receives from whoever connects.
    async fn welcome(&self, stream: TcpStream, number: u64) -> Result<(), LinkError> {
        stream.set_nodelay(true)?;
        let (mut sender, mut receiver, shown) = secure(stream, &self.key, false).await?;
        let hello = receiver.next(PATIENCE).await?;
        let theirs: Hello = read(&hello).ok_or(LinkError::Closed)?;
        let entered = self.admit(&theirs, &shown).and_then(|()| self.enter(&theirs));
        if let Err(why) = entered {
            tracing::warn!(node = theirs.process.saturating_add(1), why, "refused a connection");
            sender.send(&bytes_of(&Answer::Refused(why.clone().into_bytes()))).await?;
            return Err(LinkError::Refused(why));
        }
        self.people().strangers.remove(&number);
        let own = self.people().own.clone();
        let result = match sender.send(&bytes_of(&Answer::Welcome(own))).await {
            Ok(()) => self.receive(theirs.process, &mut sender, &mut receiver).await,
            Err(error) => Err(error),
        };
        self.leave(&theirs);
        result
    }

    async fn receive(
        &self,
        process: u32,
        sender: &mut Sender<TcpStream>,
        receiver: &mut Receiver<TcpStream>,
    ) -> Result<(), LinkError> {
        receiver.trust();
        let fate = Arc::<Fate>::default();
        let why = loop {
            let bytes = tokio::select! {
                bytes = receiver.next(SILENCE) => bytes?,
                why = fate.sealed() => break why,
            };
            let frame = match Frame::decode(&bytes) {
                Ok(Frame::Ping) => {
                    sender.send(&Frame::Pong.encode()).await?;
                    continue;
                }
                Ok(frame) => frame,
                Err(why) => break why,
            };
            let input = Input::Frame { process, frame, fate: Arc::clone(&fate) };
            self.inputs.send(input).await.map_err(|_| LinkError::Closed)?;
        };
        tracing::warn!(node = process + 1, %why, "closed a connection");
        self.people().refused += 1;
        sender.send(&Frame::Bye(why.to_string().into_bytes()).encode()).await?;
        Err(LinkError::Refused(why.to_string()))
    }

    /// Keeps a connection to an address, and sends over it what is for whoever is there.
    pub(crate) async fn dial(self: Arc<Self>, address: String) {
        let mut pause = SHORTEST_PAUSE;
        let mut said = String::new();
        loop {
            let start = tokio::time::Instant::now();
            if let Err(error) = self.visit(&address).await {
                let text = error.to_string();
                let is_new = text != said;
                match error {
                    LinkError::Refused(why) if is_new => {
                        tracing::error!(address, why, "not let in")
                    }
                    _ if is_new => tracing::info!(address, why = text, "not connected"),
                    _ => tracing::debug!(address, why = text, "not connected"),
                }
                said = text;
            }
            // Whoever was there for some time may be back at once.
            if start.elapsed() > LONGEST_PAUSE {
                (pause, said) = (SHORTEST_PAUSE, String::new());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn visit(&self, address: &str) -> Result<(), LinkError> {
        let connecting = tokio::time::timeout(PATIENCE, TcpStream::connect(address));
        let stream = connecting.await.map_err(|_| LinkError::Silent(PATIENCE))??;
        stream.set_nodelay(true)?;
        let (mut sender, mut receiver, shown) = secure(stream, &self.key, true).await?;
        let own = self.people().own.clone();
        sender.send(&bytes_of(&own)).await?;
        let answer = receiver.next(PATIENCE).await?;
        let theirs = match read(&answer).ok_or(LinkError::Closed)? {
            Answer::Welcome(theirs) => theirs,
            Answer::Refused(why) => {
                return Err(LinkError::Refused(
                    String::from_utf8_lossy(&why).chars().take(300).collect(),
                ));
            }
        };
        if let Err(why) = self.admit(&theirs, &shown) {
            sender.send(&Frame::Bye(why.clone().into_bytes()).encode()).await?;
            return Err(LinkError::Refused(why));
        }
        self.reach(theirs.process, address);
        let result = self.serve(theirs.process, &mut sender, &mut receiver).await;
        if let Some(reached) = self.people().reached.get_mut(&theirs.process) {
            reached.1 = false;
        }
        result
    }

    fn reach(&self, process: u32, address: &str) {
        let old = self.people().reached.insert(process, (address.to_owned(), true));
        if let Some((other, true)) = old.filter(|it| it.0 != address) {
            let why = format!(
                "PEERS: {other} and {address} are one node, NODE_ID {}: name it once",
                process + 1
            );
            // The process ends anyway if nobody listens.
            let _ = self.fatal.send(why);
        }
        tracing::info!(node = process + 1, address, "connected");
    }

    async fn serve(
        &self,
        process: u32,
        sender: &mut Sender<TcpStream>,
        receiver: &mut Receiver<TcpStream>,
    ) -> Result<(), LinkError> {
        let Some(outbox) = self.outboxes.get(process as usize) else { return Ok(()) };
        // The reactor may be at its end.
        let _ = self.inputs.send(Input::Connected { process }).await;
        let sending = async {
            let mut pings = tokio::time::interval(PING);
            loop {
                tokio::select! {
                    (since, frame) = outbox.pop() => {
                        if !self.delay.is_zero() {
                            tokio::time::sleep_until(since + self.delay).await;
                        }
                        sender.send(&frame).await?;
                    }
                    _ = pings.tick() => sender.send(&Frame::Ping.encode()).await?,
                }
            }
        };
        let hearing = async {
            loop {
                let frame = match receiver.next(SILENCE).await {
                    Ok(bytes) => Frame::decode(&bytes).map_err(|_| LinkError::Closed)?,
                    Err(error) => return Err(error),
                };
                if let Frame::Bye(why) = frame {
                    let why = String::from_utf8_lossy(&why).chars().take(300).collect();
                    return Err(LinkError::Refused(why));
                }
            }
        };
        tokio::select! {
            ended = sending => ended,
            ended = hearing => ended,
        }
    }
}

fn bytes_of(value: &impl Snapshot) -> Vec<u8> {
    let mut out = Vec::new();
    value.save(&mut out);
    out
}

fn read<T: Snapshot>(mut bytes: &[u8]) -> Option<T> {
    let value = T::load(&mut bytes).ok()?;
    bytes.is_empty().then_some(value)
}
