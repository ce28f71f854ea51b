//! The format of pprof's tools: gzipped protocol buffers (github.com/google/pprof, profile.proto).
//!
//! Declared by hand: of the format's messages and fields, those that a CPU profile needs.

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;

use super::Profile;

#[derive(Clone, PartialEq, Message)]
struct Proto {
    #[prost(message, repeated, tag = "1")]
    sample_type: Vec<ValueType>,
    #[prost(message, repeated, tag = "2")]
    sample: Vec<Sample>,
    #[prost(message, repeated, tag = "4")]
    location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    function: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
    #[prost(message, optional, tag = "11")]
    period_type: Option<ValueType>,
    #[prost(int64, tag = "12")]
    period: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct ValueType {
    #[prost(int64, tag = "1")]
    kind: i64,
    #[prost(int64, tag = "2")]
    unit: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    /// Innermost first.
    #[prost(uint64, repeated, tag = "1")]
    location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    value: Vec<i64>,
    #[prost(message, repeated, tag = "3")]
    label: Vec<Label>,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct Label {
    #[prost(int64, tag = "1")]
    key: i64,
    #[prost(int64, tag = "2")]
    text: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(message, repeated, tag = "4")]
    line: Vec<Line>,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function_id: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
    #[prost(int64, tag = "3")]
    system_name: i64,
}

/// The strings of a profile: each once, the empty one first.
struct Strings<'a> {
    places: BTreeMap<&'a str, i64>,
    table: Vec<String>,
}

impl<'a> Strings<'a> {
    fn place(&mut self, text: &'a str) -> i64 {
        let next = self.table.len() as i64;
        *self.places.entry(text).or_insert_with(|| {
            self.table.push(text.to_owned());
            next
        })
    }
}

/// A profile as pprof's tools read it: samples and CPU time by stack, threads as labels.
pub(crate) fn bytes(profile: &Profile) -> Vec<u8> {
    let mut strings = Strings { places: BTreeMap::new(), table: Vec::new() };
    strings.place("");
    let mut value_type =
        |kind, unit| ValueType { kind: strings.place(kind), unit: strings.place(unit) };
    let samples = value_type("samples", "count");
    let cpu = value_type("cpu", "nanoseconds");
    let thread = strings.place("thread");
    let period = 1_000_000_000 / i64::from(profile.hz.max(1));
    // A function has one location, of the same number.
    let mut numbers: BTreeMap<&str, u64> = BTreeMap::new();
    let mut proto = Proto {
        sample_type: vec![samples, cpu],
        period_type: Some(cpu),
        period,
        ..Proto::default()
    };
    for (stack, count) in &profile.stacks {
        let Some((name, functions)) = stack.split_first() else { continue };
        let mut location_id = Vec::with_capacity(functions.len());
        for function in functions.iter().rev() {
            let next = numbers.len() as u64 + 1;
            let id = *numbers.entry(function).or_insert_with(|| {
                let name = strings.place(function);
                proto.function.push(Function { id: next, name, system_name: name });
                let line = vec![Line { function_id: next }];
                proto.location.push(Location { id: next, line });
                next
            });
            location_id.push(id);
        }
        let value = vec![*count as i64, *count as i64 * period];
        let label = vec![Label { key: thread, text: strings.place(name) }];
        proto.sample.push(Sample { location_id, value, label });
    }
    proto.string_table = strings.table;
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let _ = packed.write_all(&proto.encode_to_vec());
    packed.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let stack = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let stacks = BTreeMap::from([
            (stack(&["shard-0", "main", "f"]), 3),
            (stack(&["shard-1", "main", "g"]), 2),
        ]);
        let packed = bytes(&Profile { hz: 100, lost: 0, stacks });
        let mut plain = Vec::new();
        GzDecoder::new(&packed[..]).read_to_end(&mut plain).expect("gzip");
        let proto = Proto::decode(&plain[..]).expect("a profile");
        assert_eq!(proto.string_table[0], "");
        assert_eq!((proto.function.len(), proto.location.len()), (3, 3));
        let name = |id: u64| {
            let function = proto.function.iter().find(|f| f.id == id).expect("declared");
            proto.string_table[function.name as usize].as_str()
        };
        let [first, second] = &proto.sample[..] else { panic!("{proto:?}") };
        let names: Vec<&str> = first.location_id.iter().map(|id| name(*id)).collect();
        assert_eq!(names, ["f", "main"], "innermost first");
        assert_eq!(first.value, [3, 30_000_000]);
        assert_eq!(proto.string_table[second.label[0].text as usize], "shard-1");
    }
}
