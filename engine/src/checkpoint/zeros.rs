//! Bytes whose runs of zeros are counted: the wire form of a message that carries a block is as long as the
//! block, and nearly all of it zeros.

use anthill_protocol::{Snapshot, SnapshotError};

/// Fewer zeros than this are not worth a count.
const RUN: usize = 16;
/// No message is longer than a few bodies of the greatest length.
const MOST: u64 = 1 << 28;

/// Appends the length of `bytes`, and stretches of them each with the zeros that follow.
pub(crate) fn save(bytes: &[u8], out: &mut Vec<u8>) {
    (bytes.len() as u32).save(out);
    let mut rest = bytes;
    while !rest.is_empty() {
        let plain = plain(rest);
        let zeros = rest[plain..].iter().take_while(|byte| **byte == 0).count();
        (plain as u32, zeros as u32).save(out);
        out.extend_from_slice(&rest[..plain]);
        rest = &rest[plain + zeros..];
    }
}

/// How many bytes come before the next run of zeros.
fn plain(bytes: &[u8]) -> usize {
    let mut zeros = 0;
    for (place, byte) in bytes.iter().enumerate() {
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        if zeros == RUN {
            return place + 1 - RUN;
        }
    }
    bytes.len()
}

/// Reads what [`save`] wrote into `into`, in place of what is there.
pub(crate) fn load(bytes: &mut &[u8], into: &mut Vec<u8>) -> Result<(), SnapshotError> {
    let len = u32::load(bytes)? as usize;
    if len as u64 > MOST {
        return Err(SnapshotError("a message longer than any"));
    }
    into.clear();
    while into.len() < len {
        let (plain, zeros) = <(u32, u32)>::load(bytes)?;
        let (plain, zeros) = (plain as usize, zeros as usize);
        if plain + zeros == 0 || plain + zeros > len - into.len() {
            return Err(SnapshotError("a stretch of a message that does not fit"));
        }
        let (head, tail) =
            bytes.split_at_checked(plain).ok_or(SnapshotError("a message is cut off"))?;
        into.extend_from_slice(head);
        into.resize(into.len() + zeros, 0);
        *bytes = tail;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_bytes_round_trip(parts in vec((vec(0u8..3, 0..40), 0usize..100), 0..8)) {
            let mut bytes = Vec::new();
            for (plain, zeros) in parts {
                bytes.extend(plain);
                bytes.resize(bytes.len() + zeros, 0);
            }
            let mut saved = Vec::new();
            save(&bytes, &mut saved);
            let (mut rest, mut loaded) = (&saved[..], vec![1, 2]);
            prop_assert_eq!(load(&mut rest, &mut loaded), Ok(()));
            prop_assert!(rest.is_empty() && loaded == bytes);
            for cut in 0..saved.len() {
                prop_assert!(load(&mut &saved[..cut], &mut loaded).is_err());
            }
        }

        #[test]
        fn other_bytes_do_not_panic(bytes in vec(any::<u8>(), 0..64)) {
            let _ = load(&mut &bytes[..], &mut Vec::new());
        }
    }

    #[test]
    fn a_long_body_is_short() {
        let mut block = vec![7; 24];
        block.resize(1_000_000, 0);
        let mut saved = Vec::new();
        save(&block, &mut saved);
        assert_eq!(saved.len(), 4 + 8 + 24);
        assert!(load(&mut &[0xff; 12][..], &mut block).is_err());
    }
}
