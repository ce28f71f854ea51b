//! Logs that do not grow for ever (section 7).
//!
//! The state machine is small and always on disk, so a snapshot is its state as it is, and cutting
//! the log costs nothing else. A replica keeps half an interval of what it has applied, for those that
//! are just a little behind.

use anthill_protocol::{Bodies as _, Context, NodeId, Shared};

use crate::Raft;
use crate::messages::{Image, RaftBody, RaftMessage, RaftMetric, RaftOutput};
use crate::replica::Replica;

impl Raft {
    /// The entries that a log has room for from the beginning: what it comes to hold, as far as that is little.
    pub(crate) fn room(&self) -> usize {
        let more = self.snapshot_interval / 8;
        self.snapshot_interval.saturating_add(more).min(128) as usize
    }

    /// Cuts the log when so much of it has been applied.
    pub(crate) fn cut(&self, node: &mut Replica) {
        let kept = node.applied - node.log.base();
        if self.snapshot_interval == 0 || kept < self.snapshot_interval {
            return;
        }
        let config = &mut node.base_config;
        let index = node.applied - self.snapshot_interval / 2;
        node.log.cut(index, |index, command| config.enter(index, command));
    }

    /// Sends a replica the state machine.
    pub(crate) fn send_snapshot(
        &self,
        node: &mut Replica,
        place: usize,
        cx: &mut impl Context<Self>,
    ) {
        let Some(of) = node.log.term(node.applied) else { return };
        let mut config = node.base_config;
        for (index, command) in node.log.others() {
            if *index <= node.applied {
                config.enter(*index, *command);
            }
        }
        let (last, digest, sessions) = ((of, node.applied), node.digest, node.sessions.to_vec());
        let Some(lead) = &mut node.lead else { return };
        let peer = &mut lead.peers[place];
        (peer.next, peer.probing) = (node.applied + 1, true);
        cx.record(RaftMetric::Snapshots, 1);
        let snapshot = cx.share(RaftBody::Snapshot(Image { last, config, digest, sessions }));
        let message = RaftMessage::Install { term: node.term, snapshot };
        cx.send(Self::member(self.group(cx.id()), place), message);
    }

    pub(crate) fn on_install(
        &self,
        node: &mut Replica,
        from: NodeId,
        snapshot: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let RaftBody::Snapshot(image) = bodies.get(snapshot) else {
            return;
        };
        let (of, index) = image.last;
        // Only a liar is so far ahead.
        let is_sane = image.sessions.len() == node.sessions.len()
            && image.config.is_of(self.group(cx.id()))
            && index < u32::MAX / 2;
        if !is_sane || !self.follow(node, from, cx) {
            return;
        }
        if index > node.applied {
            if node.log.term(index) == Some(of) {
                node.log.cut(index, |_, _| ());
            } else {
                let gone = node.log.restart_after(image.last);
                gone.into_iter().for_each(|body| cx.release(body));
            }
            (node.applied, node.digest, node.base_config) = (index, image.digest, image.config);
            node.sessions.copy_from_slice(&image.sessions);
            node.find_config();
            let (group, digest) = (self.group(cx.id()).number, node.digest);
            cx.output(RaftOutput::Installed { group, index, digest });
        }
        self.await_leader(node, cx);
        cx.send(from, RaftMessage::Ack { term: node.term, index });
    }
}
