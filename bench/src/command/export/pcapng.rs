//! A saved trace as a capture for Wireshark and tshark: pcapng (draft-ietf-opsawg-pcapng).
//!
//! A message is a UDP packet over IPv6, `fd00::` with the node's number in the last 32 bits, to a port that
//! stands for its kind. It is there when it was sent, on the interface `sent`, and when it arrived, on
//! the interface `arrived`. Of its content only the length is known: a packet is captured up to
//! its headers, and its comment has kind, name and fate. Times count from the start of the run.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::run_directory;

/// The port of the first kind; messages come from it.
const FIRST_PORT: u16 = 10_000;
/// Longest line of a trace, in bytes.
const MAX_LINE: u64 = 1 << 16;
/// Link type of packets that begin with an IPv6 header.
const LINKTYPE_IPV6: u16 = 229;
const HEADERS: u32 = 48;
const UDP: u8 = 17;

/// A line of a trace, as far as a packet tells it.
#[derive(Debug, Deserialize)]
struct Line {
    id: String,
    at_ns: Option<u64>,
    from: u32,
    to: u32,
    kind: String,
    bytes: Option<u32>,
    sent_ns: Option<u64>,
    fate: String,
    timer: Option<serde_json::Value>,
}

struct Packet {
    time_ns: u64,
    /// 0: sent, 1: arrived.
    interface: u32,
    from: u32,
    to: u32,
    port: u16,
    bytes: u32,
    comment: String,
}

/// The packets of a trace, in the order of their times.
pub(super) struct Capture {
    packets: Vec<Packet>,
    ports: BTreeMap<String, u16>,
}

impl Capture {
    /// Reads a trace.
    ///
    /// # Errors
    /// Naming the line, if it is none.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let cannot = || format!("cannot read {}; save one with run --trace", path.display());
        let metadata = fs::metadata(path).with_context(cannot)?;
        if !metadata.is_file() || metadata.len() > run_directory::MAX_BYTES {
            bail!("{} is not a file of a run directory", path.display());
        }
        let mut reader = BufReader::new(File::open(path).with_context(cannot)?);
        let mut capture = Self { packets: Vec::new(), ports: BTreeMap::new() };
        let (mut line, mut number) = (Vec::new(), 0u64);
        loop {
            line.clear();
            number += 1;
            let read = (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line);
            if read.with_context(cannot)? == 0 {
                break;
            }
            let taken = serde_json::from_slice::<Line>(&line).map_err(anyhow::Error::from);
            taken.and_then(|line| capture.take(&line)).with_context(|| {
                format!("{}, line {number}: no record of a trace", path.display())
            })?;
        }
        if capture.packets.is_empty() {
            bail!("{} has no message: nothing to write", path.display());
        }
        capture.packets.sort_by_key(|packet| packet.time_ns);
        Ok(capture)
    }

    fn take(&mut self, line: &Line) -> anyhow::Result<()> {
        // Timers and restarts are nobody's packets.
        if line.timer.is_some() || matches!(line.kind.as_str(), "timer" | "restart") {
            return Ok(());
        }
        let next = usize::from(FIRST_PORT) + self.ports.len();
        let port = match self.ports.get(&line.kind) {
            Some(port) => *port,
            None => u16::try_from(next).context("too many kinds of messages")?,
        };
        self.ports.insert(line.kind.clone(), port);
        let mut add = |time_ns: Option<u64>, interface| {
            let Some(time_ns) = time_ns else { return };
            let comment = format!("{} {}, {}", line.kind, line.id, line.fate);
            let (from, to, bytes) = (line.from, line.to, line.bytes.unwrap_or(0));
            self.packets.push(Packet { time_ns, interface, from, to, port, bytes, comment });
        };
        add(line.sent_ns, 0);
        if line.fate == "handled" {
            add(line.at_ns, 1);
        }
        Ok(())
    }

    /// How many packets there are.
    pub(super) fn packets(&self) -> usize {
        self.packets.len()
    }

    /// Which port is which kind, in words.
    pub(super) fn ports(&self) -> String {
        let mut ports: Vec<(u16, &str)> =
            self.ports.iter().map(|(kind, port)| (*port, kind.as_str())).collect();
        ports.sort_unstable();
        let all: Vec<String> =
            ports.into_iter().map(|(port, kind)| format!("udp.dstport {port} is {kind}")).collect();
        all.join(", ")
    }

    /// The file.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        // Section header: byte order, version 1.0, length not known.
        let mut section = Vec::new();
        section.extend(0x1a2b_3c4d_u32.to_le_bytes());
        section.extend(1u16.to_le_bytes());
        section.extend(0u16.to_le_bytes());
        section.extend(u64::MAX.to_le_bytes());
        block(&mut out, 0x0a0d_0d0a, &section);
        for name in ["sent", "arrived"] {
            let mut interface = Vec::new();
            interface.extend(LINKTYPE_IPV6.to_le_bytes());
            interface.extend([0, 0]);
            interface.extend(HEADERS.to_le_bytes());
            option(&mut interface, 2, name.as_bytes());
            // Times in nanoseconds.
            option(&mut interface, 9, &[9]);
            option(&mut interface, 0, &[]);
            block(&mut out, 1, &interface);
        }
        for packet in &self.packets {
            packet.write(&mut out);
        }
        out
    }
}

impl Packet {
    /// As an enhanced packet block.
    fn write(&self, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        body.extend(self.interface.to_le_bytes());
        body.extend(((self.time_ns >> 32) as u32).to_le_bytes());
        body.extend((self.time_ns as u32).to_le_bytes());
        body.extend(HEADERS.to_le_bytes());
        body.extend(self.bytes.saturating_add(HEADERS).to_le_bytes());
        // What is longer than a packet may be has the greatest length.
        let length = u16::try_from(self.bytes.saturating_add(8)).unwrap_or(u16::MAX);
        body.extend([0x60, 0, 0, 0]);
        body.extend(length.to_be_bytes());
        body.extend([UDP, 64]);
        body.extend(address(self.from));
        body.extend(address(self.to));
        body.extend(FIRST_PORT.to_be_bytes());
        body.extend(self.port.to_be_bytes());
        body.extend(length.to_be_bytes());
        body.extend([0, 0]);
        option(&mut body, 1, self.comment.as_bytes());
        option(&mut body, 0, &[]);
        block(out, 6, &body);
    }
}

fn address(node: u32) -> [u8; 16] {
    let mut address = [0; 16];
    address[0] = 0xfd;
    address[12..].copy_from_slice(&node.to_be_bytes());
    address
}

fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = &value[..value.len().min(usize::from(u16::MAX))];
    out.extend(code.to_le_bytes());
    out.extend((value.len() as u16).to_le_bytes());
    out.extend(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

/// A block: its kind, its length before and after, and its body, whose length is a multiple of four.
fn block(out: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let length = body.len() as u32 + 12;
    out.extend(kind.to_le_bytes());
    out.extend(length.to_le_bytes());
    out.extend(body);
    out.extend(length.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "\
{\"id\":\"9000-17-7\",\"at_ns\":9000,\"from\":17,\"to\":4,\"kind\":\"push\",\"bytes\":5,\"sent_ns\":2600,\"latency_ns\":6400,\"start_ns\":9000,\"cause\":null,\"fate\":\"handled\",\"timer\":null}
{\"id\":\"9000-4-1\",\"at_ns\":9000,\"from\":4,\"to\":4,\"kind\":\"timer\",\"bytes\":0,\"sent_ns\":0,\"latency_ns\":null,\"start_ns\":9000,\"cause\":null,\"fate\":\"handled\",\"timer\":\"()\"}
{\"id\":\"1-4-2\",\"at_ns\":null,\"from\":4,\"to\":70000,\"kind\":\"pull\",\"bytes\":100000,\"sent_ns\":3000,\"latency_ns\":null,\"start_ns\":null,\"cause\":null,\"fate\":\"lost\",\"timer\":null}
";

    fn capture(text: &str) -> anyhow::Result<Capture> {
        let desk = tempfile::tempdir()?;
        let path = desk.path().join("trace.jsonl");
        fs::write(&path, text)?;
        Capture::read(&path)
    }

    /// The blocks of a file: kind and body.
    fn blocks(mut bytes: &[u8]) -> Vec<(u32, &[u8])> {
        let word = |bytes: &[u8], at: usize| {
            u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
        };
        let mut all = Vec::new();
        while !bytes.is_empty() {
            let length = word(bytes, 4) as usize;
            assert!(length.is_multiple_of(4) && word(bytes, length - 4) as usize == length);
            all.push((word(bytes, 0), &bytes[8..length - 4]));
            bytes = &bytes[length..];
        }
        all
    }

    #[test]
    fn messages_are_packets_where_they_are_sent_and_where_they_arrive() {
        let capture = capture(TRACE).expect("a trace");
        assert_eq!(capture.packets(), 3, "a lost message arrives nowhere, a timer is no message");
        assert_eq!(capture.ports(), "udp.dstport 10000 is push, udp.dstport 10001 is pull");
        let bytes = capture.bytes();
        let blocks = blocks(&bytes);
        let kinds: Vec<u32> = blocks.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, [0x0a0d_0d0a, 1, 1, 6, 6, 6]);
        let (_, first) = blocks[3];
        assert_eq!(
            first[..20],
            [0, 0, 0, 0, 0, 0, 0, 0, 0x28, 0x0a, 0, 0, 48, 0, 0, 0, 53, 0, 0, 0]
        );
        assert_eq!(first[20..28], [0x60, 0, 0, 0, 0, 13, 17, 64]);
        assert_eq!((first[28], first[43], first[44], first[59]), (0xfd, 17, 0xfd, 4));
        assert_eq!(first[60..68], [0x27, 0x10, 0x27, 0x10, 0, 13, 0, 0]);
        let comment = b"push 9000-17-7, handled";
        assert_eq!(&first[72..72 + comment.len()], comment);
        let (_, lost) = blocks[4];
        assert_eq!(lost[16..20], 100_048u32.to_le_bytes());
        assert_eq!(lost[24..26], [0xff, 0xff], "longer than a packet can be");
        let (_, arrived) = blocks[5];
        assert_eq!((arrived[0], arrived[8]), (1, 0x28), "9000 ns on the second interface");
    }

    #[test]
    fn what_is_no_trace_is_refused_with_its_line() {
        let message = |text: &str| format!("{:#}", capture(text).err().expect("refused"));
        assert!(message("").contains("has no message"));
        assert!(message("{}\n").contains("trace.jsonl, line 1: no record of a trace"));
        assert!(message(&format!("{TRACE}junk\n")).contains("line 4"));
        assert!(message(&"x".repeat(200_000)).contains("line 1"));
        assert!(message("\u{0}\n").contains("line 1"));
        let none = Capture::read(Path::new("/nowhere/trace.jsonl"));
        assert!(none.err().expect("refused").to_string().contains("run --trace"));
    }
}
