//! Positions found by a number that each of them has, in whatever order they come: the images of a class, the hashes
//! with the same bits.

/// Positions in numbered buckets; four bytes for each position and each bucket.
#[derive(Debug)]
pub struct Buckets {
    /// Where every bucket begins in `order`, and where the last one ends.
    starts: Vec<u32>,
    order: Vec<u32>,
}

impl Buckets {
    /// Sorts the positions of `numbers` (from 0) into `count` buckets by counting: each is ascending. A number that is
    /// no bucket's is left out.
    pub fn new(count: usize, numbers: impl Iterator<Item = usize> + Clone) -> Self {
        let mut next = vec![0_u32; count];
        for number in numbers.clone() {
            if let Some(size) = next.get_mut(number) {
                *size += 1;
            }
        }
        let (mut starts, mut sum) = (Vec::with_capacity(count + 1), 0);
        for size in &mut next {
            starts.push(sum);
            sum += std::mem::replace(size, sum);
        }
        starts.push(sum);
        let mut order = vec![0_u32; sum as usize];
        for (position, number) in (0..).zip(numbers) {
            let Some(next) = next.get_mut(number) else { continue };
            if let Some(place) = order.get_mut(*next as usize) {
                *place = position;
            }
            *next += 1;
        }
        Self { starts, order }
    }

    /// The positions in a bucket, ascending; none where there is no such bucket.
    pub fn get(&self, number: usize) -> &[u32] {
        let ends = self.starts.get(number..).and_then(<[u32]>::first_chunk::<2>);
        let Some(&[start, end]) = ends else { return &[] };
        self.order.get(start as usize..end as usize).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_found_by_their_numbers_in_whatever_order_they_come() {
        let numbers = [2_usize, 0, 2, 9, 4, 0, 2];
        let buckets = Buckets::new(5, numbers.iter().copied());
        let expected: [&[u32]; 7] = [&[1, 5], &[], &[0, 2, 6], &[], &[4], &[], &[]];
        assert_eq!([0, 1, 2, 3, 4, 5, usize::MAX].map(|number| buckets.get(number)), expected);
        assert!(Buckets::new(0, numbers.iter().copied()).get(0).is_empty());
    }
}
