//! KS-13: what held a secret on the heap is wiped before it is given back.
//!
//! Every block of memory is looked through when it is freed or moved, while a key goes through all
//! that a store does with it. The secrets are known, so they would be found.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    fs, slice,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use tuf_notary::{
    crypto::{PemBlock, PrivateKey, Signer as _},
    keys::{DirectoryKeys, FixedPassphrases, IfExists, ImportOptions, KeyRole, KeyStore as _, MemoryKeys},
    wire::notary::canonical_id,
};
use zeroize::Zeroizing;

/// The first bytes of the scalars in `p256.pkcs8.pem` and `p384.pkcs8.pem`.
const SCALARS: [[u8; 16]; 2] = [P256, P384];
const P384: [u8; 16] = *b"\xcd\x55\x32\xe7\x99\x67\x72\xb5\x4c\xdd\x2a\xd0\x2c\xec\xa5\x59";
const P256: [u8; 16] = *b"\x2b\x1a\xb5\x12\x53\x3c\x81\xa2\x41\xdc\x64\xcd\x4c\x74\x4c\x5f";
const PASSPHRASE: &[u8] = b"a passphrase of this test alone";

static WATCHING: AtomicBool = AtomicBool::new(false);
static FOUND_SCALAR: AtomicUsize = AtomicUsize::new(0);
static FOUND_PASSPHRASE: AtomicUsize = AtomicUsize::new(0);

struct Watcher;

// SAFETY: every call goes to the system's allocator as it came; blocks are only read, within their
// layout, before they are freed.
unsafe impl GlobalAlloc for Watcher {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Zeroed, for what lies in unused room is not ours to read.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if WATCHING.load(Ordering::Relaxed) {
            look_through(unsafe { slice::from_raw_parts(block, layout.size()) });
        }
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static WATCHER: Watcher = Watcher;

fn look_through(block: &[u8]) {
    let count = |needle: &[u8]| block.windows(needle.len()).filter(|window| *window == needle).count();
    let scalars = SCALARS.iter().map(|scalar| count(scalar)).sum();
    FOUND_SCALAR.fetch_add(scalars, Ordering::Relaxed);
    FOUND_PASSPHRASE.fetch_add(count(PASSPHRASE), Ordering::Relaxed);
}

fn found() -> (usize, usize) {
    (FOUND_SCALAR.swap(0, Ordering::Relaxed), FOUND_PASSPHRASE.swap(0, Ordering::Relaxed))
}

#[test]
fn ks_13_freed_memory_holds_no_secret() {
    let text = fs::read("src/crypto/testdata/p256.pkcs8.pem").unwrap();
    let secret = PrivateKey::from_pem(&PemBlock::read_all(&text)[0], None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let passphrase = String::from_utf8(PASSPHRASE.to_vec()).unwrap();
    WATCHING.store(true, Ordering::Relaxed);

    // The watch itself works.
    drop(secret.to_notary_pkcs8().to_vec());
    drop(passphrase.clone());
    let text = fs::read("src/crypto/testdata/p384.pkcs8.pem").unwrap();
    drop(PemBlock::read_all(&text)[0].contents.to_vec());
    assert_eq!(found(), (2, 1), "the secrets are not what this test takes them for");

    let fixed = || FixedPassphrases::new().otherwise(&passphrase);
    let keys = DirectoryKeys::open(folder.path(), fixed());
    let id = canonical_id(secret.public_key());
    let again = PrivateKey::from_pkcs8_der(&secret.to_notary_pkcs8()).unwrap();
    keys.import(again, &KeyRole::Root, None).unwrap();
    let signer = keys.signer(&id).unwrap();
    signer.sign(b"message").unwrap();
    drop(signer);
    assert_eq!(found(), (0, 0), "keeping, opening, signing");

    let exported = keys.export(&id).unwrap();
    keys.change_passphrase(&id, &fixed()).unwrap();
    drop(keys.backup(&folder.path().join("backup.pem"), IfExists::Refuse).unwrap());
    let memory = MemoryKeys::new();
    let report = memory.import_pem(&exported, &ImportOptions::new(), &fixed());
    assert_eq!(report.imported.len(), 1);
    memory.signer(&id).unwrap().sign(b"message").unwrap();
    memory.export_encrypted(&id, &fixed()).unwrap();
    memory.remove(&id).unwrap();
    assert_eq!(found(), (0, 0), "export, import, new passphrase");

    // A panic unwinds through the same destructors.
    let unwound = std::panic::catch_unwind(|| {
        let _key = PrivateKey::from_pkcs8_der(&secret.to_notary_pkcs8()).unwrap();
        let _passphrases = fixed();
        std::panic::resume_unwind(Box::new(()));
    });
    assert!(unwound.is_err());
    assert_eq!(found(), (0, 0), "a panic");

    for name in ["p384.pkcs8", "p384.no_public", "p384.compressed", "p256.no_public"] {
        let text = Zeroizing::new(fs::read(format!("src/crypto/testdata/{name}.pem")).unwrap());
        let key = PrivateKey::from_pem(&PemBlock::read_all(&text)[0], None).unwrap();
        key.sign(b"message").unwrap();
    }
    assert_eq!(found(), (0, 0), "keys of RustCrypto's crates");

    for block in PemBlock::read_all(&fs::read("src/crypto/testdata/legacy_encrypted.pem").unwrap()) {
        assert!(PrivateKey::from_pem(&block, Some("secret99")).is_ok());
        assert!(PrivateKey::from_pem(&block, Some(&*passphrase)).is_err());
    }
    assert_eq!(found(), (0, 0), "old encrypted blocks");
    WATCHING.store(false, Ordering::Relaxed);
}
