//! A context behind a table of functions: a protocol written against it is compiled once, in its own
//! crate, and not once more for every engine.
//!
//! Worth it where handlers are long, as those of a protocol that holds several others: a call through the
//! table costs a nanosecond or two.

use crate::behaviour::{GetBody, passed_on};
use crate::{
    Bodies, Claim, Context, Digest, NodeId, Protocol, PublicKey, RegionId, Shared, Signature, Span,
    Time, Verdicts,
};

macro_rules! declare_world {
    ({ $($get:ident($($a:ident: $t:ty)?) -> $r:ty,)* }
     { $($act:ident($($b:ident: $u:ty),*) -> $s:ty,)* }) => {
        /// A context as an object.
        trait World<P: Protocol> {
            $(fn $get(&self $(, $a: $t)?) -> $r;)*
            $(fn $act(&mut self $(, $b: $u)*) -> $s;)*
            fn send(&mut self, to: NodeId, message: P::Message);
            fn send_slot(&mut self, slot: u32, message: P::Message);
            fn set_timer(&mut self, delay: Span, timer: P::Timer);
        }

        impl<P: Protocol, C: Context<P>> World<P> for C {
            $(fn $get(&self $(, $a: $t)?) -> $r { Context::$get(self $(, $a)?) })*
            $(fn $act(&mut self $(, $b: $u)*) -> $s { Context::$act(self $(, $b)*) })*

            fn send(&mut self, to: NodeId, message: P::Message) {
                Context::send(self, to, message);
            }

            fn send_slot(&mut self, slot: u32, message: P::Message) {
                Context::send_slot(self, slot, message);
            }

            fn set_timer(&mut self, delay: Span, timer: P::Timer) {
                Context::set_timer(self, delay, timer);
            }
        }
    };
}

passed_on!(declare_world);

/// Any context of a protocol, as one type.
///
/// ```
/// use anthill_protocol::kit::Erased;
/// use anthill_protocol::phold::Phold;
/// use anthill_protocol::recording::Recording;
/// use anthill_protocol::{Context as _, NodeId};
///
/// // Compiled once, whatever calls it.
/// fn handler(cx: &mut Erased<'_, Phold>) -> NodeId {
///     cx.id()
/// }
///
/// let mut cx = Recording::<Phold>::new(NodeId(3), 10);
/// assert_eq!(Erased::run(&mut cx, handler), NodeId(3));
/// ```
pub struct Erased<'a, P: Protocol> {
    world: &'a mut dyn World<P>,
    bodies: ErasedBodies<'a, P::Body>,
}

impl<P: Protocol> Erased<'_, P> {
    /// Runs a handler under any context.
    pub fn run<C: Context<P>, T>(cx: &mut C, handler: impl FnOnce(&mut Erased<'_, P>) -> T) -> T {
        let bodies = cx.bodies();
        handler(&mut Erased { world: cx, bodies: ErasedBodies(&bodies) })
    }
}

/// The bodies of such a context.
pub struct ErasedBodies<'a, B>(&'a dyn GetBody<B>);

impl<B> Clone for ErasedBodies<'_, B> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<B> Bodies<B> for ErasedBodies<'_, B> {
    fn get(&self, handle: Shared) -> &B {
        self.0.get(handle)
    }
}

macro_rules! implement_context {
    ({ $($get:ident($($a:ident: $t:ty)?) -> $r:ty,)* }
     { $($act:ident($($b:ident: $u:ty),*) -> $s:ty,)* }) => {
        impl<'a, P: Protocol> Context<P> for Erased<'a, P> {
            type Bodies = ErasedBodies<'a, P::Body>;

            $(fn $get(&self $(, $a: $t)?) -> $r { self.world.$get($($a)?) })*
            $(fn $act(&mut self $(, $b: $u)*) -> $s { self.world.$act($($b),*) })*

            fn bodies(&self) -> Self::Bodies {
                self.bodies.clone()
            }

            fn send(&mut self, to: NodeId, message: P::Message) {
                self.world.send(to, message);
            }

            fn send_slot(&mut self, slot: u32, message: P::Message) {
                self.world.send_slot(slot, message);
            }

            fn set_timer(&mut self, delay: Span, timer: P::Timer) {
                self.world.set_timer(delay, timer);
            }
        }
    };
}

passed_on!(implement_context);
