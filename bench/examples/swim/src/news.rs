//! What rides on messages (section 4.1): each piece of news on so many messages of a member, those that
//! have been on the fewest first.

use anthill_protocol::{NodeId, Snapshot};

use crate::members::{Members, Update};

/// News on one message.
pub const MOST_NEWS: usize = 6;

/// The news of a message.
pub type Bundle = [Option<Update>; MOST_NEWS];

/// Of whom there is news, and on how many messages it has been.
#[derive(Clone, Debug, Default, Snapshot)]
pub(crate) struct News {
    pending: Vec<(NodeId, u32)>,
}

impl News {
    /// There is news of a member.
    pub(crate) fn add(&mut self, member: NodeId) {
        self.pending.retain(|(of, _)| *of != member);
        // Before all others, on no message yet.
        self.pending.insert(0, (member, 0));
    }

    /// The news for a message to `to`, each of which goes on at most `most` messages. What is held against
    /// the receiver itself comes first: it can refute it.
    pub(crate) fn bundle(&mut self, to: NodeId, most: u32, members: &Members) -> Bundle {
        let mut bundle = [None; MOST_NEWS];
        let mut places = bundle.iter_mut();
        let of_receiver = members.of(to);
        if of_receiver.state != crate::State::Alive
            && let Some(place) = places.next()
        {
            *place = Some(of_receiver);
        }
        for ((member, sent), place) in
            self.pending.iter_mut().filter(|(member, _)| *member != to).zip(places)
        {
            *place = Some(members.of(*member));
            *sent += 1;
        }
        self.pending.retain(|(_, sent)| *sent < most);
        self.pending.sort_by_key(|(_, sent)| *sent);
        bundle
    }
}
