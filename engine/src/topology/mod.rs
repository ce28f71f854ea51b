//! Who is whose neighbour.

mod spec;

pub use spec::{EdgeDirection, TopologySpec};
use anthill_protocol::NodeId;
/// stub
pub struct Topology { pub(crate) n: u32 }
#[allow(missing_docs)]
impl Topology {
    #[inline] pub fn degree(&self, _: NodeId)->u32{self.n-1}
    #[inline] pub fn peer(&self, node: NodeId, slot:u32)->NodeId{ NodeId(if slot<node.0{slot}else{slot+1})}
    pub fn edges(&self)->u64{u64::from(self.n)*u64::from(self.n-1)}
    pub fn kind(&self)->&'static str{"complete"}
}
