//! The contract between a protocol and whatever runs it.

use crate::behaviour::{Behaviour, Scheduler};
use crate::complexity::Theory;
use crate::history::Operation;
use crate::judge::{Judge, Setting};
use crate::ledger::LedgerEntry;
use crate::parameter::{AdversaryKind, Parameter, ParameterError, Values};
use crate::{
    Cell, Check, Column, Context, Diagram, Dice, Message, Metric, Output, Questions, RunFacts,
    RunScale, SignatureEstimate, Snapshot, Totals, fold_bytes,
};

/// A distributed protocol: the immutable parameters, and what a node does on each occasion.
///
/// A handler sees one node's state and its [`Context`], never another node. It must be a pure
/// function of (parameters, state, event, draws): then any sharding gives the same run.
pub trait Protocol: Sized + Send + Sync + 'static {
    /// The compact state of one node.
    type Node: Send + Snapshot;
    /// What nodes send each other.
    type Message: Message;
    /// What they share by handle; [`crate::NoBody`] for nothing.
    type Body: crate::Body;
    /// A one-shot tag that a node leaves for itself.
    type Timer: Snapshot + Copy + Send + Sync + core::fmt::Debug + 'static;
    /// What the protocol measures.
    type Metric: Metric;
    /// What nodes tell the outside world; [`crate::NoOutput`] for nothing.
    type Output: Output;

    /// Whether [`Protocol::complete`] is ever true; off, it is not evaluated.
    const STOPS_EARLY: bool = false;

    /// Whether [`Protocol::equivocate`] ever gives a conflicting message; off, a scenario whose
    /// adversary equivocates is refused.
    const CAN_EQUIVOCATE: bool = false;

    /// Whether what is saved of nodes and bodies is all of them; off, no run can be saved. A state that is
    /// told by a hash, or a body that holds what was worked out and cannot be again, is not all.
    const SAVES_ALL: bool = true;

    /// Parameters that may change in the middle of a run, by their full names (`"protocol.fanout"`,
    /// `"workload.rate"`): a saved run can go on with other values. What a node holds, and what is worked
    /// out of blocks or logs again, must not depend on them.
    const MAY_CHANGE: &'static [&'static str] = &[];

    /// Whether a program outside the emulation can play a node: the protocol says what its lines mean
    /// ([`Protocol::on_line`]) and tells it some ([`Context::tell_program`]).
    const HAS_PROGRAMS: bool = false;

    /// Whether [`Protocol::hint`] does anything.
    const HINTS: bool = false;

    /// Names addresses that the handler of a message will soon read, beside the node's state itself:
    /// where an entry of a long list is likely to be. A host may fetch them into its cache; it reads
    /// nothing through them, and what is named changes no result.
    fn hint(
        &self,
        _node: &Self::Node,
        _message: &Self::Message,
        _bodies: &impl crate::Bodies<Self::Body>,
        _fetch: impl FnMut(*const u8),
    ) {
    }

    /// The node comes up at the start of the run.
    fn start(&self, cx: &mut impl Context<Self>) -> Self::Node;

    /// A message arrives.
    fn on_message(
        &self,
        node: &mut Self::Node,
        from: crate::NodeId,
        message: &Self::Message,
        cx: &mut impl Context<Self>,
    );

    /// A timer that this node set fires.
    fn on_timer(&self, node: &mut Self::Node, timer: Self::Timer, cx: &mut impl Context<Self>);

    /// The program that plays this node has written a line. Whatever it says, this must not panic.
    fn on_line(&self, _node: &mut Self::Node, _line: &str, _cx: &mut impl Context<Self>) {}

    /// The node comes up again after a crash, with or without the state it had. Its timers died
    /// with the crash.
    ///
    /// The default forgets the old state without releasing what it retained: a protocol whose nodes
    /// hold shared bodies has to do so here.
    fn restart(&self, node: &mut Self::Node, keep_state: bool, cx: &mut impl Context<Self>) {
        if !keep_state {
            *node = self.start(cx);
        }
    }

    /// What a node does that an adversary holds; `None`: it is honest. Asked once for every node
    /// before it starts.
    fn behaviour(&self, _node: crate::NodeId) -> Option<Box<dyn Behaviour<Self>>> {
        None
    }

    /// The adversary that decides when messages arrive; `None`: the network does. Asked before any
    /// node starts.
    fn scheduler(&self, _setting: &Setting) -> Option<Box<dyn Scheduler<Self>>> {
        None
    }

    /// Nodes beside those that the scenario counts, such as the clients of replicas: their ids follow.
    /// It depends on parameters only; [`Configure::fit`] is told of the scenario's nodes alone.
    fn extra_nodes(&self) -> u32 {
        0
    }

    /// What an output means to a client, for checkers of histories; `None`: nothing.
    fn operation(&self, _node: crate::NodeId, _output: &Self::Output) -> Option<Operation> {
        None
    }

    /// Whether [`Protocol::ledger`] tells anything.
    const HAS_LEDGER: bool = false;

    /// How many blocks the chain has whose ledger a node holds; `None`: it holds none, or an adversary
    /// holds the node, so that its word does not count.
    fn ledger_height(&self, _id: crate::NodeId, _node: &Self::Node) -> Option<u64> {
        None
    }

    /// Tells the ledger that a node holds at the end of the run: its blocks from the first on, each with
    /// its transactions, then accounts and contracts. Asked of the first node of those with the longest
    /// chain; changes no result.
    fn ledger(
        &self,
        _node: &Self::Node,
        _bodies: &impl crate::Bodies<Self::Body>,
        _tell: &mut dyn FnMut(LedgerEntry),
    ) {
    }

    /// What must hold between nodes, judged from their outputs.
    fn judges(&self, _setting: &Setting) -> Vec<Judge<Self::Output>> {
        Vec::new()
    }

    /// A hash of the state at the end of the run; enters the digest.
    fn state_hash(&self, node: &Self::Node) -> u64 {
        let mut bytes = Vec::new();
        node.save(&mut bytes);
        fold_bytes(&bytes)
    }

    /// A conflicting version of a message, for the generic equivocating node; `None` if the
    /// protocol has none.
    fn equivocate(&self, _message: &Self::Message) -> Option<Self::Message> {
        None
    }

    /// Events per node and virtual second at the busiest, roughly: sizes sub-shards, changes no
    /// result.
    fn events_per_node_second(&self) -> f64 {
        100.0
    }

    /// What somebody outside asks of a real node, such as to take a signed transaction; the bytes are the
    /// protocol's own. Answers in JSON.
    ///
    /// # Errors
    /// Why the node does not do it, for people.
    fn request(
        &self,
        _node: &mut Self::Node,
        _request: &[u8],
        _cx: &mut impl Context<Self>,
    ) -> Result<String, String> {
        Err("this protocol takes no requests from outside".to_owned())
    }

    /// What a real node knows of something, in JSON: `path` names it, as in `blocks/7`, and `""` is the
    /// node's own summary. `None`: there is no such thing.
    fn query(
        &self,
        _node: &Self::Node,
        _path: &str,
        _bodies: &impl crate::Bodies<Self::Body>,
    ) -> Option<String> {
        None
    }

    /// Whether the run has reached its goal: evaluated at window boundaries on the totals of all
    /// nodes, by every engine alike.
    fn complete(&self, _totals: &Totals) -> bool {
        false
    }
}

/// A protocol that a scenario can name: its parameters, checks and a size hint.
pub trait Configure: Protocol {
    /// Its name in scenarios and on the command line.
    const NAME: &'static str;
    /// One sentence on what it does, with its source.
    const ABOUT: &'static str;
    /// Its parameters, with defaults and units.
    const PARAMETERS: &'static [Parameter];
    /// Parameters of what it is asked to do, such as rates of arrival: the keys of `[workload]`. A
    /// scenario of a protocol without any has no such section.
    const WORKLOAD: &'static [Parameter] = &[];
    /// Adversaries that know its rules, beside those that work on any protocol's messages. The
    /// protocol chooses and plays the nodes that they hold.
    const ADVERSARIES: &'static [AdversaryKind] = &[];
    /// The runs that its sequence diagrams are recorded from, and who is who in them.
    const DIAGRAMS: &'static [Diagram] = &[Diagram::OF_NODES];
    /// The columns of the table of nodes at the end of a run.
    const COLUMNS: &'static [Column] = &[];
    /// What a swarm of random runs has to reach to say anything about the protocol, such as a change of
    /// views: metrics, by name, that must not all stay 0. A swarm of 200 runs that never reached one has
    /// failed as *not exercised*.
    const SITUATIONS: &'static [&'static str] = &[];

    /// Builds the protocol from checked values, one for every parameter.
    ///
    /// # Errors
    /// When the values contradict each other.
    fn configure(values: &Values) -> Result<Self, ParameterError>;

    /// Fits the protocol to a scenario's number of nodes and seed: refuses parameters that cannot
    /// work with so many nodes, and works out what all nodes share. Called once after
    /// [`Configure::configure`], before any node starts.
    ///
    /// A scenario is read and fitted to be checked before it is known what it will need, and
    /// fitted again to run, so the memory this takes should be small beside the nodes' states.
    ///
    /// # Errors
    /// When a value cannot work with this number of nodes.
    fn fit(&mut self, _nodes: u32, _seed: u64) -> Result<(), ParameterError> {
        Ok(())
    }

    /// What is drawn for a random run of this protocol beside what is drawn for all of them: keys of the
    /// scenario and their values as TOML, `("protocol.faults", "2")`. `nodes` is what was drawn for the
    /// run; `"nodes"` and `"until"` may be given too. What is named here is drawn nowhere else: a key of
    /// `adversary`, for one, leaves it to the protocol whether there is an adversary.
    fn swarm(_dice: &mut Dice, _nodes: u32) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// What [`Configure::checks`] have to know of the network beside the facts of the run.
    fn asks(&self, _facts: &RunFacts) -> Questions {
        Questions::default()
    }

    /// Where a network of so many real nodes differs from the preset: keys of the scenario and their values
    /// as TOML. `nodes` may be given: ids beyond the real nodes are nobody's.
    fn real(_nodes: u32) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Whether it asks for the column `stake` of a scenario's `network.node_file`, as whole numbers by
    /// [`Configure::weigh`].
    fn reads_stakes(&self) -> bool {
        false
    }

    /// Takes the stakes of the real nodes, in the order of ids; called after [`Configure::fit`].
    ///
    /// # Errors
    /// When they differ and the protocol knows no stakes.
    fn weigh(&mut self, stakes: &[u64]) -> Result<(), ParameterError> {
        if stakes.windows(2).all(|two| two[0] == two[1]) {
            return Ok(());
        }
        let problem = "this protocol knows no stakes: give all nodes the same STAKE".to_owned();
        Err(ParameterError { name: "STAKE", problem })
    }

    /// Facts of a finished run beside what theory says of them. A check states under which conditions
    /// its expectation holds, and looks at all of them: a run outside is not judged, or its violation
    /// is marked as expected.
    fn checks(&self, _facts: &RunFacts) -> Vec<Check> {
        Vec::new()
    }

    /// The most faults that it tolerates among so many nodes, for its parameter `faults`; `None`: it has no
    /// such parameter, or takes 0 for it. Asked before [`Configure::fit`].
    fn most_faults(&self, _nodes: u32) -> Option<u32> {
        None
    }

    /// What theory says that it costs with so many nodes, as it is configured; asked after
    /// [`Configure::fit`].
    fn complexity(&self, _nodes: u32) -> Theory {
        Theory::default()
    }

    /// A node's row of that table: one cell for each of [`Configure::COLUMNS`].
    fn row(&self, _id: crate::NodeId, _node: &Self::Node) -> Vec<Cell> {
        Vec::new()
    }

    /// Upper bound on the events pending at once per node, for the memory estimate; `degree` is
    /// the mean degree of the topology (nodes − 1 if complete). Asked before [`Configure::fit`]. By default a message
    /// to each of up to 64 neighbours, and two timers.
    fn pending_per_node(&self, degree: f64) -> f64 {
        2.0 + degree.min(64.0)
    }

    /// How many signatures a run of that size makes and how many distinct ones it checks, roughly;
    /// `None` for a protocol without any, or that cannot tell.
    fn signatures(&self, _scale: &RunScale) -> Option<SignatureEstimate> {
        None
    }
}
