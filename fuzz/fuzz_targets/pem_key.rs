//! Key files: no panic, no endless derivation, and a key that is read signs what it verifies.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tuf_notary::crypto::{PemBlock, PrivateKey, Signer};

fuzz_target!(|bytes: &[u8]| {
    for block in PemBlock::read_all(bytes) {
        use_key(PrivateKey::from_pem(&block, None));
        // PKCS#8 may ask for seconds of derivation, old blocks can't.
        if block.header("DEK-Info").is_some() && block.label != "ENCRYPTED PRIVATE KEY" {
            use_key(PrivateKey::from_pem(&block, Some("secret99")));
        }
    }
    use_key(PrivateKey::from_pkcs8_der(bytes));
});

fn use_key<E>(key: Result<PrivateKey, E>) {
    let Ok(key) = key else { return };
    let Ok(signature) = key.sign(b"message") else { return };
    key.public_key().verify(key.scheme(), b"message", &signature).expect("its own signature verifies");
}
