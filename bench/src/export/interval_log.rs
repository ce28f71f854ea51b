//! `metrics/NAME.hlog`: the histogram itself, as an HDR V2 interval log.
//!
//! One interval over the whole run. Times are virtual, from zero; the format's "seconds since
//! epoch" is therefore 0, and the file is identical for any execution.

use std::time::{Duration, UNIX_EPOCH};

use anyhow::anyhow;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

/// The file's content: ASCII.
///
/// # Errors
/// If the histogram cannot be encoded.
pub(crate) fn text(
    name: &str,
    histogram: &Histogram<u64>,
    virtual_ns: u64,
) -> anyhow::Result<Vec<u8>> {
    let mut log = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let mut writer = IntervalLogWriterBuilder::new()
        .add_comment("[Anthill: values in ns, times virtual]")
        .with_start_time(UNIX_EPOCH)
        .with_base_time(UNIX_EPOCH)
        .with_max_value_divisor(1e6)
        .begin_log_with(&mut log, &mut serializer)?;
    writer
        .write_comment("\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Histogram\"")?;
    writer
        .write_histogram(
            histogram,
            Duration::ZERO,
            Duration::from_nanos(virtual_ns),
            Tag::new(name),
        )
        .map_err(|e| anyhow!("{e}"))?;
    Ok(log)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabricated;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    #[test]
    fn the_log_starts_at_zero_and_reads_back() {
        let outcome = fabricated::outcome();
        let (name, histogram) = &outcome.result.latencies[0];
        let log = text(name, histogram, 2_000_000_000).expect("encoded");
        assert_eq!(log, text(name, histogram, 2_000_000_000).expect("encoded"));
        let lines = String::from_utf8(log.clone()).expect("ASCII");
        assert!(lines.contains("#[StartTime: 0.000 (seconds since epoch)]"), "{lines}");
        assert!(lines.contains("\nTag=hop,0.000,2.000,"), "{lines}");

        let interval = IntervalLogIterator::new(&log).find_map(|entry| match entry {
            Ok(LogEntry::Interval(interval)) => Some(interval.encoded_histogram().to_owned()),
            _ => None,
        });
        let encoded = interval.expect("one interval");
        // `HISTF` is the V2 deflate cookie in base64, by which tools recognise the format.
        assert!(encoded.starts_with("HISTF"), "{encoded}");
        let bytes = fabricated::base64(&encoded);
        let read: Histogram<u64> =
            Deserializer::new().deserialize(&mut bytes.as_slice()).expect("a histogram");
        assert_eq!(&read, histogram);
    }
}
