//! The tree of blocks: what is known, locked and committed, and how missing blocks are found.
//!
//! A replica keeps the blocks above its last committed one whose ancestors it knows, and beside them some
//! that wait for theirs. Committed blocks hang together by their links: the last one keeps all of them.

use anthill_protocol::kit::{Ask, Final};
use anthill_protocol::{Bodies as _, Context, Digest, NodeId, Shared};

use crate::hotstuff::{HotStuff, HotStuffMetric, HotStuffOutput};
use crate::messages::{HotStuffMessage, short};
use crate::replica::{Certified, Known, Replica, Tip, Waiting};

/// Blocks that wait for their ancestors at one replica.
const MOST_WAITING: usize = 4_096;
/// Blocks in answer to one question.
const MOST_SERVED: usize = 16;
/// Blocks that are looked at to find one that somebody lacks.
const MOST_WALKED: usize = 4_096;

impl HotStuff {
    /// Whether a handle is a certificate that proves its block: of the genesis, or of q replicas whose
    /// signatures hold. What it certifies.
    pub(crate) fn certified(
        &self,
        proof: Shared,
        cx: &mut impl Context<Self>,
    ) -> Option<Certified> {
        let bodies = cx.bodies();
        let certificate = bodies.get(proof).certificate()?;
        let (view, block) = (certificate.view, certificate.block);
        let holds = if view == 0 {
            block == crate::messages::genesis(cx.scenario())
        } else {
            certificate.count() >= self.quorum() && cx.verify_body(proof).failed() == 0
        };
        holds.then_some(Certified { view, block, proof })
    }

    /// Learns of a certificate that holds: keeps it if it is the highest, and draws what follows for
    /// lock and commit. The view it leads to is left to the caller.
    pub(crate) fn learn(
        &self,
        node: &mut Replica,
        certified: Certified,
        cx: &mut impl Context<Self>,
    ) {
        if certified.view > node.high.view {
            cx.retain(certified.proof);
            cx.release(node.high.proof);
            node.high = certified;
        }
        self.update(node, &certified.block, cx);
    }

    /// A block is known to be certified: what its ancestors' certificates lock and commit.
    fn update(&self, node: &mut Replica, certified: &Digest, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let block = |digest: &Digest| bodies.get(node.known(digest)?).block();
        let Some(last) = block(certified) else { return };
        let (view, middle) = last.parent;
        let mut commits = None;
        if self.chain == 2 {
            if view > 0 && view + 1 == last.view {
                commits = Some(middle);
            }
        } else if let Some(parent) = block(&middle) {
            let (first_view, first) = parent.parent;
            if first_view > 0 && first_view + 2 == last.view && view + 1 == last.view {
                commits = Some(first);
            }
        }
        // With two chains the certificate itself locks; with three, its parent's.
        let locked = if self.chain == 2 { (last.view, last.digest) } else { (view, middle) };
        if locked.0 > node.locked.0 {
            node.locked = locked;
        }
        if let Some(digest) = commits {
            self.commit(node, &digest, cx);
        }
    }

    /// Commits a block and what is not committed of its ancestors, oldest first.
    fn commit(&self, node: &mut Replica, digest: &Digest, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let mut path = Vec::new();
        let mut next = *digest;
        while next != node.tip.digest {
            // Known blocks have known ancestors down to the tip; where they do not meet it, the block is of
            // another branch, and the order that was given already stays.
            let Some(handle) = node.known(&next) else { return };
            let Some(block) = bodies.get(handle).block() else { return };
            path.push((handle, block));
            next = block.parent.1;
        }
        for (handle, block) in path.iter().rev() {
            cx.retain(*handle);
            node.tip.block.into_iter().for_each(|before| cx.release(before));
            let (height, view, digest) = (block.height, block.view, block.digest);
            node.tip = Tip { height, view, digest, block: Some(*handle) };
            node.failures = 0;
            cx.record(HotStuffMetric::Blocks, height);
            cx.record(HotStuffMetric::Commit, cx.now().since(block.time).0);
            cx.output(HotStuffOutput::Committed { height, block: short(&digest), view });
            if let Some(entry) = block.entry {
                cx.machine(Ask::Take(Final { index: height, entry }));
            }
            self.execute(node, &block.requests, cx);
        }
        self.prune(node, cx);
    }

    /// Forgets blocks that the last commit has decided about.
    fn prune(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let above = |handle: &Shared| {
            let tip = &node.tip;
            bodies
                .get(*handle)
                .block()
                .is_some_and(|it| it.height > tip.height && it.view > tip.view)
        };
        let (stay, go): (Vec<Known>, _) = node.tree.drain(..).partition(|it| above(&it.block));
        go.iter().for_each(|known| cx.release(known.block));
        let (wait, gone): (Vec<Waiting>, _) =
            node.waiting.drain(..).partition(|it| above(&it.block));
        gone.iter().for_each(|waiting| cx.release(waiting.block));
        (node.tree, node.waiting) = (stay, wait);
    }

    /// Whether a block's ancestors are all known: its parent is the last committed one, or known.
    pub(crate) fn connects(&self, node: &Replica, parent: &Digest) -> bool {
        *parent == node.tip.digest || node.known(parent).is_some()
    }

    /// Adds a block whose certificate holds and whose parent is known, and those that waited for it.
    /// False: it says things of its place that are not so.
    pub(crate) fn insert(
        &self,
        node: &mut Replica,
        handle: Shared,
        cx: &mut impl Context<Self>,
    ) -> bool {
        let bodies = cx.bodies();
        let Some(block) = bodies.get(handle).block() else { return false };
        let parent = if block.parent.1 == node.tip.digest {
            (node.tip.block, node.tip.height)
        } else {
            let link = node.known(&block.parent.1);
            let known = link.and_then(|link| bodies.get(link).block());
            let Some(known) = known else { return false };
            (link, known.height)
        };
        if block.link != parent.0 || block.height != parent.1.saturating_add(1) {
            return false;
        }
        cx.retain(handle);
        node.tree.push(Known { digest: block.digest, block: handle });
        self.update(node, &block.parent.1, cx);
        if node.high.block == block.digest {
            self.update(node, &block.digest, cx);
        }
        true
    }

    /// A block has to wait for its parent, which its sender is asked for.
    pub(crate) fn set_aside(
        &self,
        node: &mut Replica,
        from: NodeId,
        handle: Shared,
        timeouts: Option<u64>,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(block) = bodies.get(handle).block() else { return };
        let (digest, parent) = (block.digest, block.parent.1);
        if node.waiting.len() < MOST_WAITING && !node.waiting.iter().any(|it| it.digest == digest) {
            cx.retain(handle);
            node.waiting.push(Waiting { digest, parent, block: handle, timeouts });
        }
        self.fetch(node, from, &parent, cx);
    }

    /// Asks for a block, once in a while, or for the first that is missing before it.
    pub(crate) fn fetch(
        &self,
        node: &mut Replica,
        from: NodeId,
        digest: &Digest,
        cx: &mut impl Context<Self>,
    ) {
        let recently = node.fetched.is_some_and(|at| cx.now().since(at) < self.view_timeout);
        if from == cx.id() || recently {
            return;
        }
        (node.fetched, node.answers) = (Some(cx.now()), 0);
        let mut missing = *digest;
        while let Some(next) = node.waiting.iter().find(|waiting| waiting.digest == missing) {
            missing = next.parent;
        }
        cx.send(from, HotStuffMessage::Fetch { block: missing, above: node.tip.height });
    }

    /// Asks whoever showed a certificate for its block, if that is missing.
    pub(crate) fn complete_with(
        &self,
        node: &mut Replica,
        from: NodeId,
        certified: &Certified,
        cx: &mut impl Context<Self>,
    ) {
        if certified.view > node.tip.view && node.known(&certified.block).is_none() {
            self.fetch(node, from, &certified.block, cx);
        }
    }

    /// Sends somebody a block and those before it above a height, latest first and not too many.
    pub(crate) fn serve(
        &self,
        node: &Replica,
        from: NodeId,
        digest: &Digest,
        above: u64,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let aside = || node.waiting.iter().find(|it| it.digest == *digest).map(|it| it.block);
        let mut next = node.known(digest).or_else(aside).or(node.tip.block);
        let mut served = 0;
        for _ in 0..MOST_WALKED {
            let Some((handle, block)) = next.and_then(|it| Some((it, bodies.get(it).block()?)))
            else {
                return;
            };
            if block.height <= above || served == MOST_SERVED {
                return;
            }
            if served > 0 || block.digest == *digest {
                cx.send(from, HotStuffMessage::Block { block: handle });
                cx.record(HotStuffMetric::Fetched, 1);
                served += 1;
            }
            next = block.link;
        }
    }

    /// A block that was asked for.
    pub(crate) fn found(
        &self,
        node: &mut Replica,
        from: NodeId,
        handle: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(block) = bodies.get(handle).block() else { return };
        let digest = block.digest;
        let named = node.high.block == digest || node.waiting.iter().any(|it| it.parent == digest);
        // Answers may overtake each other: as many as were asked for are heard.
        let wanted = named || node.answers < MOST_SERVED as u32;
        let known = node.known(&digest).is_some() || digest == node.tip.digest;
        if !wanted || known || block.height <= node.tip.height {
            return;
        }
        let Some(certified) = self.certified(block.justify, cx) else { return };
        node.answers = node.answers.saturating_add(1);
        if !self.connects(node, &certified.block) {
            if node.answers == MOST_SERVED as u32 {
                node.fetched = None;
            }
            return self.set_aside(node, from, handle, None, cx);
        }
        self.accept(node, handle, None, cx);
        self.propose(node, cx);
    }

    /// Adds a block whose parent is known and votes for it, and so with those that waited for it.
    pub(crate) fn accept(
        &self,
        node: &mut Replica,
        handle: Shared,
        timeouts: Option<u64>,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let mut ready = vec![(handle, timeouts)];
        while let Some((handle, timeouts)) = ready.pop() {
            let Some(block) = bodies.get(handle).block() else { continue };
            if !self.insert(node, handle, cx) {
                continue;
            }
            self.vote(node, handle, timeouts, cx);
            let waits = |it: &Waiting| it.parent == block.digest;
            for Waiting { block, timeouts, .. } in node.waiting.extract_if(.., |it| waits(it)) {
                cx.release(block);
                ready.push((block, timeouts));
            }
        }
    }
}
