//! SubjectPublicKeyInfo that no generator makes (RFC 5280 section 4.1).

/// Named curves, as the DER of their object identifiers.
pub const P256: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
pub const P224: &[u8] = &[6, 5, 0x2b, 0x81, 4, 0, 0x21];
pub const P521: &[u8] = &[6, 5, 0x2b, 0x81, 4, 0, 0x23];

const EC_PUBLIC_KEY: &[u8] = &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const RSA_ENCRYPTION: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];

pub fn ec(curve: &[u8], point: &[u8]) -> Vec<u8> {
    info(&[EC_PUBLIC_KEY, curve].concat(), point)
}

/// The modulus 2^`bits` - 1 with the exponent 65537.
pub fn rsa(bits: usize) -> Vec<u8> {
    rsa_of(&[vec![0], vec![0xff; bits / 8]].concat(), &[1, 0, 1])
}

/// Both numbers as the contents of an INTEGER.
pub fn rsa_of(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let numbers = [element(2, modulus), element(2, exponent)].concat();
    info(RSA_ENCRYPTION, &element(0x30, &numbers))
}

/// The same P-256 key with its point compressed.
pub fn compressed(spki: &[u8]) -> Vec<u8> {
    let (_, point) = spki.split_at(spki.len() - 65);
    let parity = 2 | (point[64] & 1);
    ec(P256, &[&[parity], &point[1..33]].concat())
}

fn info(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let key = element(3, &[&[0], key].concat());
    element(0x30, &[element(0x30, algorithm), key].concat())
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    let [high, low] = length.to_be_bytes();
    let head = match length {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head, content.to_vec()].concat()
}
