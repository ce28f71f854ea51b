//! The leader's log becomes everybody's (sections 5.3 and 5.4).

use anthill_protocol::{Context, NodeId, Shared, Wire};

use crate::Raft;
use crate::log::bodies_of;
use crate::membership::Voters;
use crate::messages::{Command, Entry, Place, RaftMessage, RaftMetric, RaftOutput, Timer};
use crate::replica::Replica;

/// The most entries that a replica takes from one message.
const MOST: u32 = 1024;

impl Raft {
    /// A leader puts something into its log, and sends it.
    pub(crate) fn propose(
        &self,
        node: &mut Replica,
        command: Command,
        cx: &mut impl Context<Self>,
    ) {
        self.propose_with(node, (command, None), cx);
    }

    /// The same, of a command that may have a body.
    pub(crate) fn propose_with(
        &self,
        node: &mut Replica,
        (command, body): (Command, Option<Shared>),
        cx: &mut impl Context<Self>,
    ) {
        let entry = Entry { term: node.term, command };
        body.into_iter().for_each(|body| cx.retain(body));
        node.log.push(entry, body);
        cx.record(RaftMetric::Appended, 1);
        let before = node.config.all();
        node.config.enter(node.log.end(), command);
        let Some(lead) = &mut node.lead else { return };
        if node.config.index == node.log.end() {
            lead.leaving = lead.leaving.with(before).without(node.config.all());
        }
        // As long as something is on its way what comes is collected, up to a batch of it.
        let waiting = node.log.end() - lead.flushed;
        if waiting >= self.batch || lead.flushed <= node.applied {
            self.flush(node, cx);
        }
        self.commit(node, cx);
    }

    /// Sends what has not been sent to all who keep up.
    pub(crate) fn flush(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        if !self.keeps_quorum(node, cx) {
            return;
        }
        let mut made = None;
        for place in self.contacts(node, cx.id()) {
            match &mut node.lead {
                // Who does not match may be needed: how long a commit takes is not known.
                Some(lead) if lead.peers[place].probing => lead.refused = cx.now(),
                _ => self.send_next(node, place, &mut made, cx),
            }
        }
        self.note_flushed(node, cx);
    }

    fn note_flushed(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        let Some(lead) = &mut node.lead else { return };
        lead.flushed = node.log.end();
        let uncommitted = (lead.flushed + 1).saturating_sub(lead.first);
        lead.since.resize(uncommitted as usize, cx.now());
    }

    /// A leader that a majority has not answered for an election timeout gives up (dissertation,
    /// section 6.2); another sets its next heartbeat.
    fn keeps_quorum(&self, node: &mut Replica, cx: &mut impl Context<Self>) -> bool {
        let own = Voters::one(self.group(cx.id()).place_of(cx.id()));
        let Some(lead) = &mut node.lead else { return false };
        if cx.now().since(lead.checked) >= self.election_timeout {
            if !node.config.elects(lead.answered.with(own)) {
                self.step_down(node, cx);
                return false;
            }
            (lead.answered, lead.checked) = (Voters::default(), cx.now());
        }
        node.alarm.reset(cx, self.heartbeat, Timer::Alarm);
        true
    }

    /// Everybody that a leader writes to, by place.
    fn contacts(&self, node: &Replica, id: NodeId) -> impl Iterator<Item = usize> + use<> {
        let own = self.group(id).place_of(id);
        let others = node.lead.as_ref().map(|lead| lead.learners.with(lead.leaving));
        let all = node.config.all().with(others.unwrap_or_default());
        all.places().filter(move |place| *place != own)
    }

    /// Tells everybody that it leads, with whatever they have not been sent.
    pub(crate) fn beat(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        if !self.keeps_quorum(node, cx) {
            return;
        }
        let (mut made, end) = (None, node.log.end());
        for place in self.contacts(node, cx.id()) {
            let Some(lead) = &mut node.lead else { return };
            let peer = lead.peers[place];
            if peer.probing {
                lead.refused = cx.now();
            }
            if peer.next <= end && !peer.probing {
                self.send_next(node, place, &mut made, cx);
            } else {
                self.send_heartbeat(node, place, cx);
            }
        }
        self.note_flushed(node, cx);
        // Who has left and knows it is written to no more.
        let Some(lead) = &mut node.lead else { return };
        if node.config.index <= node.applied {
            let knows = |place: &usize| lead.peers[*place].matched >= node.config.index;
            let gone = lead.leaving.places().filter(knows).map(Voters::one);
            lead.leaving = lead.leaving.without(gone.fold(Voters::default(), Voters::with));
        }
    }

    pub(crate) fn send_heartbeat(
        &self,
        node: &mut Replica,
        place: usize,
        cx: &mut impl Context<Self>,
    ) {
        let Some(lead) = &node.lead else { return };
        let (index, commit) = (lead.peers[place].next.saturating_sub(1), node.applied);
        match node.log.term(index) {
            Some(of) => {
                let message = RaftMessage::Heartbeat { term: node.term, prev: (of, index), commit };
                cx.send(Self::member(self.group(cx.id()), place), message);
            }
            None => self.send_snapshot(node, place, cx),
        }
    }

    /// Sends a replica the next entries, or a snapshot in their place. `made`: a body made for another
    /// replica, and the index it begins after.
    fn send_next(
        &self,
        node: &mut Replica,
        place: usize,
        made: &mut Option<(u32, Shared)>,
        cx: &mut impl Context<Self>,
    ) {
        let Some(lead) = &mut node.lead else { return };
        let peer = &mut lead.peers[place];
        let index = peer.next.saturating_sub(1);
        let Some(of) = node.log.term(index) else { return self.send_snapshot(node, place, cx) };
        let count = node.log.end().saturating_sub(index).min(self.batch);
        let Some(entry) = node.log.get(index + 1) else { return };
        let (term, prev, commit) = (node.term, (of, index), node.applied);
        let message = if count == 1 && !entry.has_body() {
            RaftMessage::Append { term, prev, commit, entry }
        } else {
            let (_, entries) = match *made {
                Some(made) if made.0 == index => made,
                _ => (index, cx.share(node.log.copy(index, count as usize))),
            };
            *made = Some((index, entries));
            RaftMessage::Batch { term, prev, commit, entries }
        };
        peer.next += count;
        cx.send(Self::member(self.group(cx.id()), place), message);
    }

    pub(crate) fn on_append(
        &self,
        node: &mut Replica,
        from: NodeId,
        (prev, commit): (Place, u32),
        (entries, bodies): (&[Entry], &[Shared]),
        cx: &mut impl Context<Self>,
    ) {
        let entries = &entries[..entries.len().min(MOST as usize)];
        let group = self.group(cx.id());
        let is_sound = entries.iter().all(|entry| entry.is_of(group))
            && bodies_of(entries.iter().copied()) <= bodies.len();
        if !is_sound || !self.follow(node, from, cx) {
            return;
        }
        let term = node.term;
        // What was cut off is committed, and so in every later leader's log.
        let matches = prev.1 < node.log.base() || node.log.term(prev.1) == Some(prev.0);
        let answer = if matches {
            let index = self.take(node, prev.1, (entries, bodies), cx);
            self.apply(node, commit.min(index), cx);
            RaftMessage::Ack { term, index }
        } else {
            let (at, hint) = (prev.1, node.log.hint(prev.1, node.applied));
            RaftMessage::Refuse { term, at, hint }
        };
        self.await_leader(node, cx);
        cx.send(from, answer);
    }

    /// Puts entries after `index` into the log: only where there are others, these go (section 5.3).
    /// Returns up to where it is then the leader's.
    fn take(
        &self,
        node: &mut Replica,
        mut index: u32,
        (entries, bodies): (&[Entry], &[Shared]),
        cx: &mut impl Context<Self>,
    ) -> u32 {
        let mut bodies = bodies.iter().copied();
        for entry in entries {
            index += 1;
            let body = if entry.has_body() { bodies.next() } else { None };
            if index <= node.log.base() || node.log.term(index) == Some(entry.term) {
                continue;
            }
            if index <= node.applied {
                // Only a liar contradicts what is committed.
                return index - 1;
            }
            if index <= node.log.end() {
                node.log.truncate(index - 1).into_iter().for_each(|body| cx.release(body));
                if node.config.index >= index {
                    node.find_config();
                }
            }
            body.into_iter().for_each(|body| cx.retain(body));
            node.log.push(*entry, body);
            node.config.enter(index, entry.command);
        }
        index
    }

    /// Hears the leader of its term. False: it leads itself.
    pub(crate) fn follow(
        &self,
        node: &mut Replica,
        from: NodeId,
        cx: &mut impl Context<Self>,
    ) -> bool {
        if node.lead.is_some() {
            return false;
        }
        self.step_down(node, cx);
        node.heard = cx.now();
        let is_new = node.leader.replace(from) != Some(from);
        if is_new || node.client.is_late(cx.now(), self.patience()) {
            self.ask_again(node, cx);
        }
        true
    }

    pub(crate) fn on_ack(
        &self,
        node: &mut Replica,
        from: NodeId,
        index: u32,
        cx: &mut impl Context<Self>,
    ) {
        let place = self.group(from).place_of(from);
        let end = node.log.end();
        let Some(lead) = node.lead.as_mut().filter(|_| index <= end) else { return };
        lead.answered = lead.answered.with(Voters::one(place));
        let peer = &mut lead.peers[place];
        let is_news = index > peer.matched;
        peer.matched = index.max(peer.matched);
        peer.next = peer.next.max(index + 1);
        peer.probing &= index + 1 < peer.next;
        if is_news {
            self.commit(node, cx);
            self.ask(node, cx);
        }
        // Who lags behind is sent twice as much with every answer.
        for _ in 0..2 {
            let Some(lead) = &node.lead else { return };
            let peer = lead.peers[place];
            if !peer.probing && peer.next <= lead.flushed {
                self.send_next(node, place, &mut None, cx);
            }
        }
    }

    pub(crate) fn on_refuse(
        &self,
        node: &mut Replica,
        from: NodeId,
        (at, hint): (u32, u32),
        cx: &mut impl Context<Self>,
    ) {
        let place = self.group(from).place_of(from);
        let Some(lead) = &mut node.lead else { return };
        lead.answered = lead.answered.with(Voters::one(place));
        let peer = &mut lead.peers[place];
        // Otherwise it is about what was sent before, and has been answered since.
        if at >= peer.next || at <= peer.matched && at + 1 < peer.next {
            return;
        }
        if at <= peer.matched {
            // It had that, and has forgotten.
            peer.matched = 0;
        }
        peer.next = hint.min(at.saturating_sub(1)).max(peer.matched) + 1;
        peer.probing = true;
        lead.refused = cx.now();
        cx.record(RaftMetric::Refused, 1);
        if peer.next <= node.log.end() {
            self.send_next(node, place, &mut None, cx);
        } else {
            self.send_heartbeat(node, place, cx);
        }
    }

    /// What a majority has is committed, with an entry of the leader's own term (section 5.4.2).
    pub(crate) fn commit(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        let group = self.group(cx.id());
        let (own, end) = (group.place_of(cx.id()), node.log.end());
        let Some(lead) = &mut node.lead else { return };
        lead.peers[own].matched = end;
        let index = node.config.reached(|place| lead.peers[place].matched);
        if index <= node.applied || !self.may_commit(node.log.term(index), node.term) {
            return;
        }
        let sent = index.checked_sub(lead.first).and_then(|_| lead.since.first().copied());
        let took = sent.filter(|sent| lead.refused < *sent || lead.refused.0 == 0);
        let took = took.map(|sent| cx.now().since(sent));
        for at in lead.first..=index {
            let sent = lead.since.get((at - lead.first) as usize).copied();
            cx.record(RaftMetric::Commit, cx.now().since(sent.unwrap_or(cx.now())).0);
        }
        let done = (index + 1).saturating_sub(lead.first) as usize;
        lead.since.drain(..done.min(lead.since.len()));
        lead.first = lead.first.max(index + 1);
        cx.record(RaftMetric::Committed, (index - node.applied).into());
        let (group, term) = (group.number, node.term);
        cx.output(RaftOutput::Committed { group, index, term, took });
        self.apply(node, index, cx);
        let Some(lead) = &node.lead else { return };
        if lead.flushed <= node.applied && lead.flushed < node.log.end() {
            self.flush(node, cx);
        }
        self.propose_entry(node, cx);
    }

    #[cfg(not(test))]
    fn may_commit(&self, of: Option<u32>, term: u32) -> bool {
        of == Some(term)
    }

    #[cfg(test)]
    fn may_commit(&self, of: Option<u32>, term: u32) -> bool {
        of == Some(term) || self.commits_older_terms
    }

    /// The state machine takes what is committed.
    fn apply(&self, node: &mut Replica, upto: u32, cx: &mut impl Context<Self>) {
        let group = self.group(cx.id());
        while node.applied < upto {
            let index = node.applied + 1;
            let Some(entry) = node.log.get(index) else { return };
            let mut fresh = false;
            if let Command::Request { client, number } = entry.command {
                fresh = node.sessions[group.place_of(client)].insert(number);
                self.answer(node, client, number, cx);
            }
            node.applied = index;
            node.digest = fresh.fold(entry.fold(node.digest));
            let (group, digest) = (group.number, node.digest);
            cx.output(RaftOutput::Applied { group, index, entry, fresh, digest });
            if let Command::Entry { value, has_body } = entry.command {
                self.hand_over(node, index, (value, has_body), cx);
            }
            if matches!(entry.command, Command::Voters { .. }) && node.config.index == index {
                self.settle(node, cx);
            }
        }
        self.cut(node);
    }
}
