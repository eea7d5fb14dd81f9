//! An Ed25519 public key is one canonical point of large order, so that every verifier agrees on
//! what it signed (RFC 8032 section 5.1.3; WK-10).

use super::error::CryptoError;

/// Field prime 2^255 - 19, little-endian.
const PRIME: [u8; 32] = {
    let mut prime = [0xff; 32];
    prime[0] = 0xed;
    prime[31] = 0x7f;
    prime
};

/// The y coordinates, little-endian, of the eight points whose order divides the cofactor.
const SMALL_ORDER_Y: [[u8; 32]; 5] = [
    // y = 0, order 4
    [0; 32],
    // y = 1, order 1
    {
        let mut one = [0; 32];
        one[0] = 1;
        one
    },
    // y = -1, order 2
    {
        let mut minus_one = PRIME;
        minus_one[0] = 0xec;
        minus_one
    },
    // order 8
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    // order 8, the negative of the former
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

/// Refuses lengths other than 32, coordinates not below the prime and points of small order.
///
/// Whether the point is on the curve is left to the verification itself.
pub(super) fn check(key: &[u8]) -> Result<[u8; 32], CryptoError> {
    let bytes = <[u8; 32]>::try_from(key).map_err(|_| CryptoError::KeyLength {
        what: "Ed25519 public key",
        expected: 32,
        got: key.len(),
    })?;
    let mut y = bytes;
    if let Some(top) = y.last_mut() {
        // The highest bit is the sign of x, no part of y.
        *top &= 0x7f;
    }
    if !y.iter().rev().lt(PRIME.iter().rev()) {
        return Err(CryptoError::WeakKey { reason: "the point is not in canonical form" });
    }
    if SMALL_ORDER_Y.contains(&y) {
        return Err(CryptoError::WeakKey { reason: "the point is of small order" });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_sign(mut key: [u8; 32]) -> [u8; 32] {
        key[31] |= 0x80;
        key
    }

    #[test]
    fn refuses_points_of_small_order_with_either_sign() {
        for y in SMALL_ORDER_Y {
            assert!(matches!(check(&y), Err(CryptoError::WeakKey { .. })));
            let signed = check(&with_sign(y));
            assert!(matches!(signed, Err(CryptoError::WeakKey { .. })));
        }
    }

    #[test]
    fn the_order_eight_coordinates_are_negatives_of_each_other() {
        let mut carry = 0u16;
        let sum: Vec<u8> = (0..32)
            .map(|i| {
                carry += u16::from(SMALL_ORDER_Y[3][i]) + u16::from(SMALL_ORDER_Y[4][i]);
                let byte = carry.to_le_bytes()[0];
                carry >>= 8;
                byte
            })
            .collect();
        assert_eq!(sum, PRIME);
    }

    #[test]
    fn refuses_coordinates_from_the_prime_upward() {
        for low in 0xed..=0xff {
            let mut key = PRIME;
            key[0] = low;
            for key in [key, with_sign(key)] {
                let reason = "the point is not in canonical form";
                assert_eq!(check(&key), Err(CryptoError::WeakKey { reason }));
            }
        }
        let mut below = PRIME;
        below[0] = 0xeb;
        assert!(check(&below).is_ok());
    }

    #[test]
    fn refuses_other_lengths() {
        for length in [0, 31, 33, 64] {
            let error = check(&vec![9; length]).unwrap_err();
            assert!(matches!(error, CryptoError::KeyLength { got, .. } if got == length));
        }
    }
}
