//! Messages with their zeros counted: the wire form of one that carries a block is as long as the block, and
//! nearly all of it zeros.

use crate::machine::Malformed;

/// Fewer zeros than this are not worth a count.
const RUN: usize = 16;
/// No message is longer than two bodies of the greatest length.
pub(crate) const MOST: usize = 2 * (1 << 24);

/// Shortens: stretches of bytes, each as (length, zeros after it, bytes).
pub(crate) fn shorten(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let plain = plain(rest);
        let zeros = rest[plain..].iter().take_while(|byte| **byte == 0).count();
        out.extend((plain as u32).to_le_bytes());
        out.extend((zeros as u32).to_le_bytes());
        out.extend_from_slice(&rest[..plain]);
        rest = &rest[plain + zeros..];
    }
    out
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

/// Undoes [`shorten`].
///
/// # Errors
/// If the bytes are nothing that it writes, or stand for too many.
pub(crate) fn lengthen(mut bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let (plain, zeros) = (count(&mut bytes)?, count(&mut bytes)?);
        let (head, tail) =
            bytes.split_at_checked(plain).ok_or(Malformed("a message is cut off"))?;
        if plain + zeros == 0 || plain + zeros > MOST - out.len() {
            return Err(Malformed("a message longer than any"));
        }
        out.extend_from_slice(head);
        out.resize(out.len() + zeros, 0);
        bytes = tail;
    }
    Ok(out)
}

fn count(bytes: &mut &[u8]) -> Result<usize, Malformed> {
    let (head, tail) = bytes.split_first_chunk().ok_or(Malformed("a message is cut off"))?;
    *bytes = tail;
    Ok(u32::from_le_bytes(*head) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_shortened_comes_back() {
        for bytes in
            [vec![], vec![0; 5_000], vec![1; 40], [vec![7; 30], vec![0; 99], vec![1]].concat()]
        {
            let short = shorten(&bytes);
            assert!(short.len() <= bytes.len() + 8);
            assert_eq!(lengthen(&short).as_deref(), Ok(&bytes[..]));
        }
    }

    #[test]
    fn a_promised_length_takes_no_memory() {
        let mut bomb = Vec::new();
        for _ in 0..4 {
            bomb.extend(0u32.to_le_bytes());
            bomb.extend((MOST as u32 / 2).to_le_bytes());
        }
        assert!(lengthen(&bomb).is_err());
        assert!(lengthen(&[0; 8]).is_err() && lengthen(&[1, 0, 0, 0, 0, 0, 0, 0]).is_err());
    }
}
