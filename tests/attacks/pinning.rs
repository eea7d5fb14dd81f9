//! TP: ways around a pin.

use std::{sync::Arc, time::Duration};

use crate::facade::Collection;
use tuf_notary::{
    blocking::Initialise,
    keys::MemoryKeys,
    name::{KeyId, RoleName},
    testkit::{Fault, Forge, ForgeKey, Published},
    verify::{Notice, Trust},
};

use crate::{
    authority::Authority,
    lab::{GUN, Lab},
};

const DAY: Duration = Duration::from_secs(86_400);

fn certificates(keys: &[&ForgeKey]) -> Trust {
    Trust::Certificates(keys.iter().map(|key| KeyId::new(&key.id()).unwrap()).collect())
}

fn authority(authorities: &[&Authority]) -> Trust {
    Trust::Authority(authorities.iter().map(|ca| ca.certificate()).collect())
}

/// A lab with this root key, and with this policy. Nothing was refreshed.
fn served(key: &ForgeKey, trust: Trust) -> Lab {
    let mut lab = Lab::new();
    lab.forge.set_keys("root", std::slice::from_ref(key), 1);
    lab.serve();
    lab.trust = trust;
    lab
}

/// The same, trusted before under `trust`.
fn trusting(key: &ForgeKey, trust: Trust) -> Lab {
    let lab = served(key, trust);
    lab.refresh().unwrap();
    lab
}

/// Each row: what the policy says, and what is wrong with it.
fn wrong_pins() -> Vec<(Trust, &'static str)> {
    let old = Authority::with(Forge::now() - 9 * DAY, Forge::now() - DAY);
    vec![
        (certificates(&[]), "PIN_MISMATCH"),
        (certificates(&[&ForgeKey::certificate(GUN)]), "PIN_MISMATCH"),
        (authority(&[&Authority::new()]), "PIN_MISMATCH"),
        (authority(&[]), "PIN_INVALID"),
        (authority(&[&old]), "PIN_INVALID"),
        (Trust::Root(Vec::new()), "PIN_INVALID"),
        (Trust::Root(b"{}".to_vec()), "PIN_INVALID"),
    ]
}

#[test]
fn tp_01_first_contact_without_a_matching_pin_keeps_nothing() {
    for (trust, code) in wrong_pins() {
        let lab = served(&Authority::new().leaf(), trust);
        lab.refused(code);
        for role in ["root", "timestamp", "snapshot", "targets"] {
            assert_eq!(lab.kept(role), None, "{role}");
        }
    }
}

/// Tightened after the first use: whether the cached root has expired makes no difference.
#[test]
fn tp_02_a_cached_root_does_not_outrank_the_pin() {
    for (trust, code) in wrong_pins() {
        for now in [Forge::now(), Forge::now() + 4_000 * DAY] {
            let mut lab = trusting(&Authority::new().leaf(), Trust::FirstUse);
            lab.server.clear_requests();
            (lab.trust, lab.now) = (trust.clone(), now);
            let before = lab.kept("root");
            lab.refused(code);
            assert_eq!(lab.server.requests(), [""; 0]);
            assert_eq!(lab.kept("root"), before);
            (lab.trust, lab.now) = (Trust::FirstUse, Forge::now());
            lab.refresh().expect("loosened again");
        }
    }
}

#[test]
fn tp_06_a_common_name_of_stars_is_for_no_collection() {
    for (name, code) in [
        ("*", Some("CERTIFICATE")),
        ("**", Some("CERTIFICATE")),
        ("registry.example.com/team/ap", Some("CERTIFICATE")),
        ("REGISTRY.example.com/team/app", Some("CERTIFICATE")),
        ("registry.example.com/team/*", None),
    ] {
        let key = ForgeKey::certificate(name);
        for trust in [Trust::FirstUse, certificates(&[&key])] {
            let lab = served(&key, trust);
            match code {
                Some(code) => drop(lab.refused(code)),
                None => drop(lab.refresh().unwrap()),
            }
        }
    }
}

#[test]
fn tp_07_only_pinned_keys_count() {
    let (pinned, other) = (ForgeKey::certificate(GUN), ForgeKey::certificate(GUN));
    let mut lab = Lab::new();
    lab.trust = certificates(&[&pinned]);
    lab.forge.list_keys("root", &[pinned.clone(), other.clone()], 1);
    *lab.forge.keys("root") = vec![other];
    lab.serve();
    lab.refused("THRESHOLD");
    *lab.forge.keys("root") = vec![pinned];
    lab.serve();
    lab.refresh().unwrap();
}

#[test]
fn tp_07_a_pinned_key_does_not_make_up_for_the_others() {
    let keys = [ForgeKey::certificate(GUN), ForgeKey::certificate(GUN)];
    let mut lab = Lab::new();
    lab.forge.set_keys("root", &keys, 2);
    lab.serve();
    lab.trust = certificates(&[&keys[0]]);
    lab.refused("THRESHOLD");
    lab.trust = certificates(&[&keys[0], &keys[1]]);
    lab.refresh().unwrap();
}

#[test]
fn tp_08_an_unusable_authority_is_not_first_use() {
    let ca = Authority::with(Forge::now() - 9 * DAY, Forge::now() + 5 * DAY);
    let mut lab = served(&ca.leaf(), authority(&[&ca]));
    lab.now = Forge::now() + 6 * DAY;
    lab.refused("PIN_INVALID");
    lab.now = Forge::now();
    lab.refresh().unwrap();
    // The leaf itself, or a certificate that is no CA, is no authority either.
    let leaf = ForgeKey::certificate(GUN);
    let certificate = leaf.public().certificates().unwrap().leaf().clone();
    served(&leaf, Trust::Authority(vec![certificate])).refused("PIN_INVALID");
}

#[test]
fn tp_11_every_first_use_is_told() {
    let told = |lab: &Lab| {
        let view = lab.refresh().unwrap();
        view.notices().iter().any(|notice| matches!(notice, Notice::FirstUse { .. }))
    };
    let lab = served(&ForgeKey::certificate(GUN), Trust::FirstUse);
    assert!(told(&lab));
    assert!(!told(&lab));
    lab.collection().dangerous().forget().unwrap();
    assert!(told(&lab), "a machine without memory");
    let key = ForgeKey::certificate(GUN);
    assert!(!told(&served(&key, certificates(&[&key]))), "a pin is no first use");
}

/// A new root that the old one vouches for, and whose key the pin does not cover.
fn rotated_away(lab: &mut Lab, new: ForgeKey) -> Published {
    let mut good = lab.forge.clone();
    good.bump("root");
    lab.forge.rotate_root(&[new], 1);
    lab.serve();
    good.build()
}

#[test]
fn tp_12_a_rotation_away_from_the_pin_is_refused() {
    let (ca, other) = (Authority::new(), Authority::new());
    for (key, trust) in [(ForgeKey::certificate(GUN), None), (ca.leaf(), Some(authority(&[&ca])))] {
        for new in [ForgeKey::certificate(GUN), other.leaf()] {
            let trust = trust.clone().unwrap_or_else(|| certificates(&[&key]));
            let mut lab = trusting(&key, trust);
            let healthy = rotated_away(&mut lab, new);
            lab.refused_and_kept("PIN_MISMATCH", &["root", "snapshot", "targets"], &healthy);
        }
    }
}

#[test]
fn krot_19_the_pin_binds_the_new_root_of_a_cached_one() {
    let (old, new) = (ForgeKey::certificate(GUN), ForgeKey::certificate(GUN));
    let mut lab = trusting(&old, certificates(&[&old]));
    let healthy = rotated_away(&mut lab, new.clone());
    lab.refused_and_kept("PIN_MISMATCH", &["root"], &healthy);
    let mut lab = trusting(&old, certificates(&[&old, &new]));
    rotated_away(&mut lab, new);
    lab.refresh().unwrap();
}

#[test]
fn tp_12_a_chain_that_comes_back_to_the_pin_is_accepted() {
    let key = ForgeKey::certificate(GUN);
    let mut lab = trusting(&key, certificates(&[&key]));
    rotated_away(&mut lab, ForgeKey::certificate(GUN));
    lab.forge.rotate_root(&[key], 1);
    lab.serve();
    assert_eq!(Lab::version(&lab.refresh().unwrap(), "root"), Some(3));
}

#[test]
fn tp_13_the_id_of_a_bundle_covers_its_intermediates() {
    let ca = Authority::new();
    let alone = ca.leaf();
    let leaf = alone.public().certificates().unwrap().to_pem();
    let text = [leaf, ca.pem()].concat();
    let bundle = alone.with_public(tuf_notary::crypto::PublicKey::new(alone.public().kind().clone(), text));
    served(&bundle, certificates(&[&alone])).refused("PIN_MISMATCH");
    served(&bundle, certificates(&[&bundle])).refresh().unwrap();
    let canonical = KeyId::new(&bundle.canonical_id()).unwrap();
    served(&bundle, Trust::Certificates(vec![canonical])).refresh().unwrap();
}

/// The path of a key that was trusted before is judged at the end of its certificate.
#[test]
fn an_expired_leaf_is_trusted_from_the_cache_only() {
    let ca = Authority::new();
    let mut lab = trusting(&ca.leaf(), authority(&[&ca]));
    lab.now = Forge::now() + 13 * DAY;
    lab.refresh().unwrap();
    let mut first = served(&ca.leaf(), authority(&[&ca]));
    first.now = lab.now;
    first.refused("EXPIRED");
    lab.forge.rotate_root(&[ca.leaf()], 1);
    lab.serve();
    lab.refused("EXPIRED");
}

/// The old key's certificate ended before the new authority began.
#[test]
fn a_key_of_a_former_authority_does_not_spoil_the_pin_of_the_new_one() {
    let old = Authority::with(Forge::now() - 99 * DAY, Forge::now() - 9 * DAY);
    let new = Authority::with(Forge::now() - 5 * DAY, Forge::now() + 99 * DAY);
    let former = old.leaf_with(Forge::now() - 90 * DAY, Forge::now() - 10 * DAY);
    let current = new.leaf_with(Forge::now() - 4 * DAY, Forge::now() + 9 * DAY);
    let mut lab = Lab::new();
    lab.trust = authority(&[&new]);
    lab.forge.list_keys("root", &[former, current.clone()], 1);
    *lab.forge.keys("root") = vec![current];
    lab.serve();
    lab.refresh().unwrap();
    lab.refresh().expect("the cached root is as good as it was");
}

/// He made the root himself: what the server shows afterwards is no first use.
#[test]
fn tp_11_a_publisher_is_not_shown_another_root_than_his_own() {
    for honest in [true, false] {
        let lab = Lab::new();
        lab.server.set_now(lab.now);
        let other = Forge::new(GUN).build();
        for role in [RoleName::Root, RoleName::Timestamp, RoleName::Snapshot, RoleName::Targets] {
            let bytes = other.newest(role.as_str());
            let change = Arc::new(move |own| if honest { own } else { bytes.clone() });
            lab.server.misbehave(&lab.gun(), Fault::Mutate { role, change });
        }
        let collection = Collection::builder(lab.gun(), Trust::FirstUse)
            .transport(lab.server.transport(&lab.gun()))
            .keys(MemoryKeys::new())
            .clock({
                let now = lab.now;
                move || now
            })
            .build();
        let outcome = collection.initialise(&Initialise::new()).map(|view| view.notices().to_vec());
        match honest {
            true => assert_eq!(outcome.unwrap(), []),
            false => assert!(outcome.is_err(), "trusted"),
        }
    }
}

mod given_root {
    use super::*;

    /// The first root of a lab, with a client that was given it and stands at version 3 by now.
    /// Also what a server had at versions 1 and 4.
    fn followed() -> (Lab, Published, Published) {
        let mut lab = Lab::new();
        let first = lab.serve();
        lab.trust = Trust::Root(first.newest("root"));
        lab.refresh().unwrap();
        for role in ["timestamp", "snapshot", "targets"] {
            lab.forge.rotate(role, &[ForgeKey::ecdsa()], 1);
        }
        let middle = lab.forge.build();
        lab.forge.rotate_root(&[ForgeKey::certificate(GUN)], 1);
        lab.forge.rotate_root(&[ForgeKey::certificate(GUN)], 1);
        lab.serve();
        assert_eq!(Lab::version(&lab.refresh().unwrap(), "root"), Some(6));
        (lab, first, middle)
    }

    #[test]
    fn it_is_the_way_to_its_successors_only() {
        let (mut lab, first, _) = followed();
        let newest = lab.forge.build();
        lab.refresh().unwrap();
        lab.trust = Trust::Root(Forge::new(GUN).build().newest("root"));
        lab.refused("ROOT_CHANGED");
        assert_eq!(lab.kept("root"), Some(newest.newest("root")));
        lab.trust = Trust::Root(first.newest("root"));
        lab.refresh().unwrap();
        lab.steal("root");
        assert_eq!(Lab::version(&lab.refresh().unwrap(), "root"), Some(6));
    }

    /// Serves an older state, and nothing that came after it. It is refused, whoever signed it.
    #[track_caller]
    fn refused_replay(lab: &mut Lab, older: &Published) {
        let newest = lab.forge.build();
        for (name, _) in newest.files() {
            let name = name.to_owned();
            lab.server.misbehave(&lab.gun(), Fault::Withhold { name });
        }
        for (name, bytes) in older.files() {
            let (name, bytes) = (name.to_owned(), bytes.to_vec());
            lab.server.misbehave(&lab.gun(), Fault::Serve { name, bytes });
        }
        lab.refused_and_kept("ROLLBACK", &["root", "timestamp", "snapshot", "targets"], &newest);
        assert_eq!(lab.kept("root"), Some(newest.newest("root")));
    }

    /// Its keys were replaced since, and it still vouches for what they signed then.
    #[test]
    fn it_does_not_bring_back_what_it_vouched_for() {
        let (mut lab, first, middle) = followed();
        for older in [first, middle] {
            refused_replay(&mut lab, &older);
            lab.steal("root");
            refused_replay(&mut lab, &older);
        }
    }

    /// The same without a pin: whoever can write to the cache need not be able to change our record.
    #[test]
    fn an_older_root_in_the_cache_does_not_bring_it_back_either() {
        let (mut lab, first, middle) = followed();
        lab.trust = Trust::FirstUse;
        for older in [first, middle] {
            lab.plant("root", &older.newest("root"));
            refused_replay(&mut lab, &older);
        }
    }

    #[test]
    fn a_cached_root_that_it_has_signed_is_used_at_once() {
        let mut lab = Lab::new();
        lab.trust = Trust::Root(lab.serve().newest("root"));
        lab.forge.bump("root");
        lab.serve();
        lab.refresh().unwrap();
        lab.server.clear_requests();
        lab.refresh().unwrap();
        assert_eq!(lab.server.requests(), ["GET timestamp.json"]);
    }

    /// As for any other client that has it in its cache. For a new client it is too late.
    #[test]
    fn a_certificate_that_has_expired_since_does_not_lock_out() {
        let (mut lab, first, _) = followed();
        let short = ForgeKey::certificate_with(Forge::now() - DAY, Forge::now() + 5 * DAY, GUN);
        lab.forge.rotate_root(&[short], 1);
        lab.serve();
        lab.refresh().unwrap();
        lab.now = Forge::now() + 6 * DAY;
        lab.refresh().unwrap();
        lab.collection().dangerous().forget().unwrap();
        lab.trust = Trust::Root(first.newest("root"));
        lab.refused("EXPIRED");
    }

    #[test]
    fn it_wins_over_another_root_of_its_version() {
        let mut lab = Lab::trusting();
        lab.forge = Forge::new(GUN);
        let published = lab.serve();
        lab.trust = Trust::Root(published.newest("root"));
        lab.refresh().unwrap();
        assert_eq!(lab.kept("root"), Some(published.newest("root")));
        lab.trust = Trust::FirstUse;
        lab.refresh().expect("the record follows the root that was given");
    }
}
