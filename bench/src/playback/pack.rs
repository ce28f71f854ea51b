//! Columns of integers as one packed text that a page can carry.
//!
//! A header in JSON says what follows; each column is its integers, little-endian, one after the other.
//! All of it is compressed and then written in base64, so nothing of what a scenario or a node says is
//! ever part of the page's markup.

use std::io::{self, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value, json};

/// What the page's script knows how to read; raised when that changes.
pub(super) const FORMAT: u32 = 1;

/// Integers of one width.
#[derive(Debug)]
enum Integers {
    Bytes(Vec<u8>),
    Shorts(Vec<u16>),
    Words(Vec<u32>),
    Longs(Vec<u64>),
}

impl Integers {
    fn width(&self) -> usize {
        match self {
            Self::Bytes(_) => 1,
            Self::Shorts(_) => 2,
            Self::Words(_) => 4,
            Self::Longs(_) => 8,
        }
    }

    fn count(&self) -> usize {
        match self {
            Self::Bytes(all) => all.len(),
            Self::Shorts(all) => all.len(),
            Self::Words(all) => all.len(),
            Self::Longs(all) => all.len(),
        }
    }

    fn write(&self, out: &mut impl io::Write) -> io::Result<()> {
        match self {
            Self::Bytes(all) => out.write_all(all),
            Self::Shorts(all) => all.iter().try_for_each(|n| out.write_all(&n.to_le_bytes())),
            Self::Words(all) => all.iter().try_for_each(|n| out.write_all(&n.to_le_bytes())),
            Self::Longs(all) => all.iter().try_for_each(|n| out.write_all(&n.to_le_bytes())),
        }
    }
}

/// Named columns.
#[derive(Debug, Default)]
pub(super) struct Columns(Vec<(&'static str, Integers)>);

impl Columns {
    pub(super) fn bytes(&mut self, name: &'static str, all: impl Iterator<Item = u8>) {
        self.0.push((name, Integers::Bytes(all.collect())));
    }

    pub(super) fn shorts(&mut self, name: &'static str, all: impl Iterator<Item = u16>) {
        self.0.push((name, Integers::Shorts(all.collect())));
    }

    pub(super) fn words(&mut self, name: &'static str, all: impl Iterator<Item = u32>) {
        self.0.push((name, Integers::Words(all.collect())));
    }

    pub(super) fn longs(&mut self, name: &'static str, all: impl Iterator<Item = u64>) {
        self.0.push((name, Integers::Longs(all.collect())));
    }

    /// The packed text: the length of the header as four bytes, the header, the columns.
    ///
    /// # Errors
    /// Never on memory; the compressor's type has one.
    pub(super) fn pack(&self, mut header: Map<String, Value>) -> io::Result<String> {
        let columns = self
            .0
            .iter()
            .map(|(name, all)| json!({ "name": name, "width": all.width(), "count": all.count() }));
        header.insert("format".to_owned(), json!(FORMAT));
        header.insert("columns".to_owned(), columns.collect());
        let text = Value::Object(header).to_string();
        let mut packer = GzEncoder::new(Vec::new(), Compression::default());
        packer.write_all(&(text.len() as u32).to_le_bytes())?;
        packer.write_all(text.as_bytes())?;
        self.0.iter().try_for_each(|(_, all)| all.write(&mut packer))?;
        Ok(crate::page::base64(&packer.finish()?))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::fabricated;

    /// The header and the columns of a packed text, as the page's script reads them.
    pub(in crate::playback) fn unpack(text: &str) -> (Value, Vec<(String, Vec<u64>)>) {
        let mut bytes = Vec::new();
        let packed = fabricated::base64(text);
        flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut bytes).expect("gzip");
        let (length, rest) = bytes.split_at(4);
        let length = u32::from_le_bytes(length.try_into().expect("four")) as usize;
        let (header, mut rest) = rest.split_at(length);
        let header: Value = serde_json::from_slice(header).expect("JSON");
        let mut columns = Vec::new();
        for column in header["columns"].as_array().expect("columns") {
            let of = |key: &str| column[key].as_u64().expect(key) as usize;
            let (width, count) = (of("width"), of("count"));
            let (mine, others) = rest.split_at(width * count);
            let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b));
            let name = column["name"].as_str().expect("a name").to_owned();
            columns.push((name, mine.chunks(width).map(number).collect()));
            rest = others;
        }
        assert!(rest.is_empty(), "{} bytes that no column has", rest.len());
        (header, columns)
    }

    #[test]
    fn what_is_packed_is_what_was_put_in() {
        let mut columns = Columns::default();
        columns.bytes("a", [1, 255].into_iter());
        columns.shorts("b", [65_535, 0, 258].into_iter());
        columns.words("c", std::iter::empty());
        columns.longs("d", [u64::MAX, 1 << 40].into_iter());
        let mut header = Map::new();
        header.insert("name".to_owned(), json!("</script><b>\u{2028}"));
        let text = columns.pack(header).expect("memory");
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b)));
        let (header, found) = unpack(&text);
        assert_eq!(
            (&header["name"], &header["format"]),
            (&json!("</script><b>\u{2028}"), &json!(1))
        );
        let expected: [(String, Vec<u64>); 4] = [
            ("a".into(), vec![1, 255]),
            ("b".into(), vec![65_535, 0, 258]),
            ("c".into(), vec![]),
            ("d".into(), vec![u64::MAX, 1 << 40]),
        ];
        assert_eq!(found, expected);
    }
}
