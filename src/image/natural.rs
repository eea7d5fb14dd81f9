//! The order in which Docker lists tags.

use std::cmp::Ordering;

/// Docker's order of tags: numbers in them count as numbers, so that v9 comes before v10, and come
/// before other characters.
pub(super) fn natural(mut a: &[u8], mut b: &[u8]) -> Ordering {
    loop {
        let ((x, rest_x), (y, rest_y)) = (number(a), number(b));
        if x.is_empty() != y.is_empty() && !a.is_empty() && !b.is_empty() {
            return x.is_empty().cmp(&y.is_empty());
        }
        if x.is_empty() {
            match (a.split_first(), b.split_first()) {
                (Some((x, rest_a)), Some((y, rest_b))) if x == y => (a, b) = (rest_a, rest_b),
                _ => return a.cmp(b),
            }
            continue;
        }
        let value = |digits: &[u8]| digits.iter().copied().skip_while(|c| *c == b'0').collect::<Vec<_>>();
        let (m, n) = (value(x), value(y));
        let order = m.len().cmp(&n.len()).then(m.cmp(&n)).then(x.len().cmp(&y.len()));
        if order.is_ne() {
            return order;
        }
        (a, b) = (rest_x, rest_y);
    }
}

/// The digits that a text begins with, and what follows.
fn number(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|c| !c.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_as_numbers_and_come_first() {
        let ordered = ["1", "latest", "v1", "v1.9", "v1.10", "v01", "v9", "v10", "v-1"];
        for pair in ordered.windows(2) {
            let [a, b] = pair else { continue };
            assert_eq!(natural(a.as_bytes(), b.as_bytes()), Ordering::Less, "{a} {b}");
            assert_eq!(natural(b.as_bytes(), a.as_bytes()), Ordering::Greater, "{b} {a}");
        }
        assert_eq!(natural(b"v1", b"v1"), Ordering::Equal);
    }
}
