//! A node: it follows the chain, or uses it.

use anthill_protocol::Snapshot;

use crate::server::Server;
use crate::user::User;

/// A validator or full node, or a user.
#[derive(Clone, Debug, Snapshot)]
pub enum Node {
    Server(Kept<Server>),
    User(User),
}

/// A box that can be saved: users are many, and smaller than what follows the chain.
#[derive(Clone, Debug)]
pub struct Kept<T>(pub Box<T>);

impl<T: Snapshot> Snapshot for Kept<T> {
    fn save(&self, out: &mut Vec<u8>) {
        self.0.save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, anthill_protocol::SnapshotError> {
        T::load(bytes).map(|it| Self(Box::new(it)))
    }
}

impl Node {
    /// What follows the chain.
    pub fn new(server: Server) -> Self {
        Self::Server(Kept(Box::new(server)))
    }

    pub fn server(&self) -> Option<&Server> {
        if let Self::Server(it) = self { Some(&it.0) } else { None }
    }

    pub fn server_mut(&mut self) -> Option<&mut Server> {
        if let Self::Server(it) = self { Some(&mut it.0) } else { None }
    }
}
