//! Publishers: what they must not carry on, and what must not hold them up.

use std::{
    io::Read,
    sync::{Arc, Mutex},
};

use tuf_notary::{
    crypto::PrivateKey,
    edit::Changes,
    keys::{KeyRole, KeyStore as _, MemoryKeys},
    metadata::TargetInfo,
    name::{Hashes, Resource, RoleName, TargetName},
    testkit::{ForgeKey, SimulatedTransport},
    transport::{Transport, TransportError, Upload},
    verify::Trust,
};

use crate::lab::Lab;

/// Takes uploads and keeps them from the server.
#[derive(Clone, Debug)]
struct Capturing(SimulatedTransport, Arc<Mutex<Option<Upload>>>);

impl Transport for Capturing {
    fn fetch(&self, what: &Resource, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        self.0.fetch(what, max)
    }

    fn publish(&self, upload: &Upload) -> Result<(), TransportError> {
        *self.1.lock().unwrap() = Some(upload.clone());
        Ok(())
    }
}

fn capturing(lab: &Lab) -> Capturing {
    Capturing(lab.server.transport(&lab.gun()), Arc::default())
}

#[test]
fn pc_11_a_root_near_its_end_does_not_hold_up_a_publisher_without_its_key() {
    let mut lab = Lab::new();
    lab.forge.expires("root", "2027-01-01T00:00:00Z");
    lab.serve();
    let transport = capturing(&lab);
    let publisher = lab.publisher(transport.clone());
    let info = TargetInfo { length: 1, hashes: Hashes::sha256([1; 32]), custom: None };
    let changes = Changes::new().sign(TargetName::new("v2").unwrap(), info);
    let plan = publisher.plan(&changes).unwrap();
    let expiring: Vec<_> = plan.expiring.iter().map(|(role, _)| role.clone()).collect();
    assert_eq!(expiring, [RoleName::Root], "said six months ahead");
    assert_eq!(publisher.publish(&changes).unwrap_err().code(), "STALE", "the server never gets it");
    let roles: Vec<_> = transport.1.lock().unwrap().take().unwrap().files;
    let roles: Vec<_> = roles.iter().map(|(role, _)| role.as_str()).collect();
    assert_eq!(roles, ["targets", "snapshot"]);
}

/// Who witnesses a file signs what they can read of it, nothing else.
#[test]
fn pc_13_unknown_members_of_a_witnessed_file_are_not_signed_again() {
    let (mut lab, key) = (Lab::new(), ForgeKey::ecdsa());
    lab.forge.delegate("targets", "targets/a", &[ForgeKey::ecdsa()], 1, &[""]);
    lab.forge.add_tag("targets/a", "v1", 1, 1);
    lab.forge.doc("targets/a")["unknown"] = "signed".into();
    let unsigned = |file: Vec<u8>| [b"{\"unsigned\":1,", &file[1..]].concat();
    lab.forge.after_sign("targets/a", unsigned);
    lab.forge.list_keys("targets/a", std::slice::from_ref(&key), 1);
    lab.serve();
    let (transport, keys) = (capturing(&lab), MemoryKeys::new());
    let private = PrivateKey::from_pkcs8_der(&key.private().to_notary_pkcs8()).unwrap();
    keys.import(private, &KeyRole::new("a").unwrap(), None).unwrap();
    let publisher = crate::facade::Collection::builder(lab.gun(), Trust::FirstUse)
        .transport(transport.clone())
        .keys(keys)
        .clock({
            let now = lab.now;
            move || now
        })
        .build();
    let witness = Changes::new().witness(RoleName::new("targets/a").unwrap());
    publisher.publish(&witness).expect_err("the server never gets it");
    let files = transport.1.lock().unwrap().take().unwrap().files;
    let [(_, file)] = files.as_slice() else { panic!("{} files", files.len()) };
    let text = String::from_utf8(file.clone()).unwrap();
    assert!(text.starts_with("{\"signed\":{\"_type\":\"Targets\"") && text.contains("\"v1\""), "{text}");
    assert!(!text.contains("unknown") && !text.contains("unsigned"), "{text}");
}
