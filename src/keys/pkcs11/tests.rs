//! What needs no token; the rest is proven with SoftHSM.

use super::*;
use crate::keys::FixedPassphrases;

#[test]
fn labels_of_tokens_read_back() {
    let gun = Gun::new("example.com/app").unwrap();
    let alice = KeyRole::new("alice").unwrap();
    assert_eq!(objects::label(&KeyRole::Root, Some(&gun)).unwrap(), "root");
    assert_eq!(objects::label(&KeyRole::Targets, Some(&gun)).unwrap(), "targets example.com/app");
    assert_eq!(objects::label(&KeyRole::Targets, None).unwrap(), "targets");
    assert_eq!(objects::label(&alice, None).unwrap(), "alice");
    let misleading = KeyRole::new("targets example.com/app").unwrap();
    assert_eq!(objects::label(&misleading, None).unwrap_err().code(), "KEY_TOKEN");
}

#[test]
fn a_module_that_is_none_is_told() {
    for module in ["/nonexistent/module.so", file!()] {
        let opened = Pkcs11Keys::open(Path::new(module), "x", FixedPassphrases::new());
        assert_eq!(opened.unwrap_err().code(), "KEY_TOKEN");
    }
}
