//! Lists sorted by the name of a fund.
//!
//! Names are digests, and so spread evenly: in a sorted list of n a name is some √n places from where
//! it would be if they were spread perfectly. A search that begins there touches one or two cache
//! lines of a long list, one by halves a new one at nearly every step. Whatever the names are, it takes logarithmic time.

use crate::objects::fund::FundId;

/// Where an entry would be among so many if names were spread perfectly.
fn guess(count: usize, fund: FundId) -> usize {
    ((u128::from(fund.0) * count as u128) >> 64) as usize
}

/// Where the entry of a fund is, or else where it belongs.
pub(crate) fn place_of<T>(
    entries: &[T],
    fund: FundId,
    name: impl Fn(&T) -> FundId,
) -> Result<usize, usize> {
    let count = entries.len();
    let guess = guess(count, fund);
    // All before `low` are less, all from `high` on are not.
    let (mut low, mut high) = (0, count);
    let mut step = 4;
    if guess < count && name(&entries[guess]) < fund {
        low = guess + 1;
        while low + step < count {
            if name(&entries[low + step]) >= fund {
                high = low + step;
                break;
            }
            low += step + 1;
            step *= 2;
        }
    } else {
        high = guess;
        while high > step {
            if name(&entries[high - step - 1]) < fund {
                low = high - step;
                break;
            }
            high -= step + 1;
            step *= 2;
        }
    }
    let place = low + entries[low..high].partition_point(|entry| name(entry) < fund);
    match entries.get(place) {
        Some(entry) if name(entry) == fund => Ok(place),
        _ => Err(place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anthill_protocol::draw;

    #[test]
    fn it_finds_what_a_search_by_halves_finds() {
        for count in [0usize, 1, 2, 3, 7, 100, 1_000] {
            for spread in [u64::MAX, u64::MAX / 3, 2_000] {
                let mut names: Vec<FundId> =
                    (0..count as u64).map(|i| FundId(draw::draw(7, i) % spread)).collect();
                names.sort_unstable();
                names.dedup();
                let others = (0..200).map(|i| FundId(draw::draw(8, i) % spread));
                let ends = [FundId(0), FundId(u64::MAX)];
                for fund in names.iter().copied().chain(others).chain(ends) {
                    let found = place_of(&names, fund, |name| *name);
                    assert_eq!(found, names.binary_search(&fund), "{fund:?} among {count}");
                }
            }
        }
    }

    /// A search by halves of a million looks at 20 names.
    #[test]
    fn few_names_are_looked_at() {
        let mut names: Vec<FundId> = (0..1_000).map(|i| FundId(draw::draw(7, i))).collect();
        names.sort_unstable();
        let looks = std::cell::Cell::new(0);
        for fund in &names {
            let look = |name: &FundId| {
                looks.set(looks.get() + 1);
                *name
            };
            assert!(place_of(&names, *fund, look).is_ok());
        }
        assert!(looks.get() < 9_000, "{}", looks.get());
    }
}
