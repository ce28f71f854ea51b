//! How long a message takes.

mod spec;

pub use spec::{JitterSpec, LatencyKind, ModelSpec, NetworkSpec, RegionFormat, RegionsSpec};
use anthill_protocol::draw::{self, Purpose};
use anthill_protocol::{NodeId, RegionId, Span};
use crate::topology::Topology;

/// stub
pub struct Network { floor: u64, mean: u64, kind: u8, st: draw::Streams, topo: Topology, table: Vec<u32> }
#[allow(missing_docs)]
impl Network {
    pub fn build(spec: &NetworkSpec, nodes: u32, seed: u64) -> Result<Self, String> {
        let (floor, mean, kind) = match spec.model { ModelSpec::Exponential{floor,mean} => (floor.0, mean.0, 0), ModelSpec::Uniform{min,max}=>(min.0, max.0-min.0, 1), _=> return Err("no".into())};
        // -ln(u) quantiles on octaves with 64 cells, Q16
        let mut table = vec![0u32; 64*64+65];
        for o in 0..64u32 { for c in 0..=64u32 {
            let u = libm::exp2(-(f64::from(o)+1.0))*(1.0+f64::from(c)/64.0);
            table[(o*64+c) as usize] = (-libm::log(u)*f64::from(1<<20)) as u32;
        }}
        for o in 0..63u32 { table[(o*64+64) as usize] = table[(o*64+64) as usize]; }
        Ok(Self{floor,mean,kind,st: draw::Streams::new(seed, Purpose::Delay),topo:Topology{n:nodes},table})
    }
    pub fn lookahead(&self)->Span{Span(self.floor)}
    pub fn horizon(&self)->Span{Span(if self.kind==0 {self.floor+5*self.mean} else {self.floor+self.mean})}
    #[inline] pub fn delay(&self, from: NodeId, _to: NodeId, sequence: u32)->Span{
        let bits = draw::draw(self.st.of(from), u64::from(sequence));
        if self.kind == 1 { return Span(self.floor + draw::below(bits, self.mean+1)); }
        let o = bits.leading_zeros();
        let rest = (bits << o) << 1;
        let cell = (rest >> 58) as usize;
        let frac = (rest << 6) >> 44;
        let i = ((o as usize)*64 + cell) & 4095;
        let (a, b) = (u64::from(self.table[i]), u64::from(self.table[i+1]));
        let e = if cell == 63 { a - (((a - (a - 10793)) * frac) >> 20) } else { a - (((a - b) * frac) >> 20) };
        Span(self.floor + ((u128::from(e) * u128::from(self.mean)) >> 20) as u64)
    }
    #[inline] pub fn delay_via(&self, from: NodeId, _slot:u32, to: NodeId, sequence: u32)->Span{self.delay(from,to,sequence)}
    #[inline] pub fn self_delay(&self, from: NodeId, sequence: u32)->Span{self.delay(from,from,sequence)}
    #[inline] pub fn region_of(&self, _n: NodeId)->RegionId{RegionId(0)}
    pub fn topology(&self)->&Topology{&self.topo}
    pub fn exponential_delay(&self)->Option<(Span,Span)>{(self.kind==0).then_some((Span(self.floor),Span(self.mean)))}
}
