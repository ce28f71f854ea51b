//! The context of a held node: one type for all hosts, so that behaviours are plain objects and cost a
//! build only once.

use std::sync::Arc;

use crate::{
    Bodies, Claim, Context, Digest, NodeId, Protocol, PublicKey, RegionId, Shared, Signature, Span,
    Time, Verdicts,
};

/// A host of held nodes: what it has to offer beside a context.
pub trait Hosts<P: Protocol>: Context<P> {
    /// The number of the event that is handled: that of the send or timer that caused it, at its
    /// source.
    fn event_number(&self) -> u32;

    /// The number that the node's next send or timer will have.
    fn next_number(&self) -> u32;

    /// Calls [`super::Behaviour::on_wake`] of this node after `delay`.
    fn wake_after(&mut self, delay: Span);

    /// Tells all held nodes something; they know it from the next window on.
    fn tell(&mut self, message: P::Message);

    /// What held nodes have told each other so far, in the order of their events' keys.
    fn told(&self) -> Vec<(NodeId, P::Message)>;
}

/// The methods of contexts that are passed on as they are: those of `&self`, and of `&mut self`.
macro_rules! passed_on {
    ($generate:ident) => {
        $generate! {
            {
                id() -> NodeId, now() -> Time, local_clock() -> Time, nodes() -> u32,
                region_of(node: NodeId) -> RegionId, degree() -> u32, peer(slot: u32) -> NodeId,
                scenario() -> u64, is_external() -> bool,
            }
            {
                random() -> u64, share(body: P::Body) -> Shared, intern(body: P::Body) -> Shared,
                retain(body: Shared) -> (), release(body: Shared) -> (),
                verify_body(body: Shared) -> Verdicts, public_key(of: NodeId) -> PublicKey,
                sign(digest: &Digest) -> Signature, verify(claim: &Claim) -> bool,
                charge(cpu: Span) -> (), record(metric: P::Metric, value: u64) -> (),
                output(output: P::Output) -> (), tell_program(line: &str) -> (),
            }
        }
    };
}

macro_rules! declare_world {
    ({ $($get:ident($($a:ident: $t:ty)?) -> $r:ty,)* }
     { $($act:ident($($b:ident: $u:ty),*) -> $s:ty,)* }) => {
        /// [`Hosts`] as an object.
        trait World<'w, P: Protocol> {
            $(fn $get(&self $(, $a: $t)?) -> $r;)*
            $(fn $act(&mut self $(, $b: $u)*) -> $s;)*
            fn bodies(&self) -> HeldBodies<'w, P::Body>;
            fn send(&mut self, to: NodeId, message: P::Message);
            fn send_slot(&mut self, slot: u32, message: P::Message);
            fn set_timer(&mut self, delay: Span, timer: P::Timer);
            fn event_number(&self) -> u32;
            fn next_number(&self) -> u32;
            fn wake_after(&mut self, delay: Span);
            fn tell(&mut self, message: P::Message);
            fn told(&self) -> Vec<(NodeId, P::Message)>;
        }

        impl<'w, P: Protocol, C: Hosts<P>> World<'w, P> for C
        where
            C::Bodies: 'w,
        {
            $(fn $get(&self $(, $a: $t)?) -> $r { Context::$get(self $(, $a)?) })*
            $(fn $act(&mut self $(, $b: $u)*) -> $s { Context::$act(self $(, $b)*) })*

            fn bodies(&self) -> HeldBodies<'w, P::Body> {
                HeldBodies(Arc::new(Context::bodies(self)))
            }

            fn send(&mut self, to: NodeId, message: P::Message) {
                Context::send(self, to, message);
            }

            fn send_slot(&mut self, slot: u32, message: P::Message) {
                Context::send_slot(self, slot, message);
            }

            fn set_timer(&mut self, delay: Span, timer: P::Timer) {
                Context::set_timer(self, delay, timer);
            }

            fn event_number(&self) -> u32 {
                Hosts::event_number(self)
            }

            fn next_number(&self) -> u32 {
                Hosts::next_number(self)
            }

            fn wake_after(&mut self, delay: Span) {
                Hosts::wake_after(self, delay);
            }

            fn tell(&mut self, message: P::Message) {
                Hosts::tell(self, message);
            }

            fn told(&self) -> Vec<(NodeId, P::Message)> {
                Hosts::told(self)
            }
        }
    };
}

passed_on!(declare_world);
pub(crate) use passed_on;

/// Access to shared bodies, whatever the host.
pub struct HeldBodies<'w, B>(Arc<dyn GetBody<B> + 'w>);

impl<B> Clone for HeldBodies<'_, B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

pub(crate) trait GetBody<B> {
    fn get(&self, handle: Shared) -> &B;
}

impl<B, T: Bodies<B>> GetBody<B> for T {
    fn get(&self, handle: Shared) -> &B {
        Bodies::get(self, handle)
    }
}

impl<B> Bodies<B> for HeldBodies<'_, B> {
    fn get(&self, handle: Shared) -> &B {
        self.0.get(handle)
    }
}

/// Something that a handler of a held node does to the world.
pub enum Act<P: Protocol> {
    /// It sends a message.
    Send {
        /// Its receiver.
        to: NodeId,
        /// The slot it goes over, unless it is addressed to a node.
        slot: Option<u32>,
        /// What is sent.
        message: P::Message,
    },
    /// It sets a timer.
    Timer {
        /// After so long.
        delay: Span,
        /// Its tag.
        timer: P::Timer,
    },
}

impl<P: Protocol> Clone for Act<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P: Protocol> Copy for Act<P> {}

/// The context of a held node's handler: passes everything on to the host, or keeps what is sent and
/// set for the behaviour to look at.
pub struct Tap<'a, 'w, P: Protocol> {
    world: &'a mut (dyn World<'w, P> + 'a),
    kept: Option<Vec<Act<P>>>,
}

impl<'a, 'w, P: Protocol> Tap<'a, 'w, P> {
    /// The context of one handler call under a host.
    pub fn new<C: Hosts<P> + 'a>(host: &'a mut C) -> Self
    where
        C::Bodies: 'w,
    {
        Self { world: host, kept: None }
    }

    /// Runs a handler of the honest protocol; what it sends and sets is not done but returned. All
    /// else, such as records and signatures, takes place.
    pub fn honestly<T>(&mut self, handler: impl FnOnce(&mut Self) -> T) -> (T, Vec<Act<P>>) {
        let before = self.kept.replace(Vec::new());
        let returned = handler(self);
        let acts = core::mem::replace(&mut self.kept, before).unwrap_or_default();
        (returned, acts)
    }

    /// Does something; returns its number, by which a timer or a message to itself is known again
    /// when it comes: see [`Tap::event_number`].
    pub fn act(&mut self, act: Act<P>) -> u32 {
        let number = self.world.next_number();
        match act {
            Act::Send { to, slot: None, message } => self.world.send(to, message),
            Act::Send { slot: Some(slot), message, .. } => self.world.send_slot(slot, message),
            Act::Timer { delay, timer } => self.world.set_timer(delay, timer),
        }
        number
    }

    /// The number of the event that is handled, at its source.
    pub fn event_number(&self) -> u32 {
        self.world.event_number()
    }

    /// Calls [`super::Behaviour::on_wake`] of this node after `delay`.
    pub fn wake_after(&mut self, delay: Span) {
        self.world.wake_after(delay);
    }

    /// Tells all held nodes something, outside the network; they know it from the next window on.
    pub fn tell(&mut self, message: P::Message) {
        self.world.tell(message);
    }

    /// What held nodes have told each other so far, in the order of their events' keys.
    pub fn told(&self) -> Vec<(NodeId, P::Message)> {
        self.world.told()
    }
}

macro_rules! implement_context {
    ({ $($get:ident($($a:ident: $t:ty)?) -> $r:ty,)* }
     { $($act:ident($($b:ident: $u:ty),*) -> $s:ty,)* }) => {
        impl<'w, P: Protocol> Context<P> for Tap<'_, 'w, P> {
            type Bodies = HeldBodies<'w, P::Body>;

            $(fn $get(&self $(, $a: $t)?) -> $r { self.world.$get($($a)?) })*
            $(fn $act(&mut self $(, $b: $u)*) -> $s { self.world.$act($($b),*) })*

            fn bodies(&self) -> HeldBodies<'w, P::Body> {
                self.world.bodies()
            }

            fn send(&mut self, to: NodeId, message: P::Message) {
                match &mut self.kept {
                    Some(kept) => kept.push(Act::Send { to, slot: None, message }),
                    None => self.world.send(to, message),
                }
            }

            fn send_slot(&mut self, slot: u32, message: P::Message) {
                let to = self.world.peer(slot);
                match &mut self.kept {
                    Some(kept) => kept.push(Act::Send { to, slot: Some(slot), message }),
                    None => self.world.send_slot(slot, message),
                }
            }

            fn set_timer(&mut self, delay: Span, timer: P::Timer) {
                match &mut self.kept {
                    Some(kept) => kept.push(Act::Timer { delay, timer }),
                    None => self.world.set_timer(delay, timer),
                }
            }
        }
    };
}

passed_on!(implement_context);
