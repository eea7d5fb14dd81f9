//! Metadata that came by a way of its own, here inside one document: no transport, no store, no
//! network. The program turns the machine by hand and gives it the bytes and the time.
//!
//! Without a store nothing is remembered: an older bundle is good again for as long as nothing in
//! it has expired. Whoever minds keeps what `Step::Save` gives and returns it at `Step::Load`.

use std::{collections::BTreeMap, error::Error, time::SystemTime};

use tuf_notary::{
    Gun, Trust, View,
    blocking::{Collection, Initialise},
    crypto::digest,
    edit::Changes,
    keys::MemoryKeys,
    limits::Limits,
    metadata::TargetInfo,
    name::{Hashes, TargetName},
    testkit::TrustServer,
    verify::{Refresh, RefreshPlan, Reply, Step, VerifyError},
    view::Freshness,
    wire::Dialect,
};

/// Metadata by its names on a server, as an archive, a message or an attestation would carry it.
type Bundle = BTreeMap<String, Vec<u8>>;

const GUN: &str = "registry.example.com/team/app";
const ARTEFACT: &[u8] = b"what the bundle travels with";

/// Verifies a bundle as of `now`. The bytes may come from anybody; `trust` must not.
fn verify(bundle: &Bundle, gun: &Gun, trust: Trust, now: SystemTime) -> Result<View, VerifyError> {
    let mut machine = Refresh::new(RefreshPlan {
        gun: gun.clone(),
        trust,
        dialect: Dialect::Notary,
        limits: Limits::default(),
        now,
        as_of: false,
        offline: false,
    });
    let mut outcome = Ok(());
    loop {
        let reply = match machine.step() {
            Step::Fetch { resource, .. } => {
                bundle.get(&resource.notary_name()).map_or(Reply::Absent, |file| Reply::Found(file.clone()))
            }
            Step::Load(_) => Reply::Absent,
            Step::Save(..) => continue,
            Step::Done => break,
            _ => Reply::Failed, // a step of a later version of the crate
        };
        if let Err(error) = machine.supply(reply) {
            outcome = Err(error);
        }
    }
    outcome?;
    Ok(View::of(gun.clone(), machine.finish()?, Freshness::Online))
}

/// A publisher signs and packs; the second value is the root that verifiers get beforehand.
fn pack(gun: &Gun) -> Result<(Bundle, Vec<u8>), Box<dyn Error>> {
    let server = TrustServer::new();
    let publisher = Collection::builder(gun.clone(), Trust::FirstUse)
        .transport(server.transport(gun))
        .keys(MemoryKeys::new())
        .build();
    let info = TargetInfo {
        length: ARTEFACT.len().try_into()?,
        hashes: Hashes::sha256(digest::sha256(ARTEFACT)),
        custom: None,
    };
    let changes = Changes::new().sign(TargetName::new("v1")?, info);
    let view = publisher.initialise(&Initialise::new().changes(changes))?;
    let set = view.trusted();
    let bundle = [
        ("root.json".to_owned(), set.root().bytes()),
        ("timestamp.json".to_owned(), set.timestamp().bytes()),
        (format!("snapshot.{}.json", hex(set.snapshot().sha256())), set.snapshot().bytes()),
        (format!("targets.{}.json", hex(set.targets().sha256())), set.targets().bytes()),
    ];
    let bundle = bundle.into_iter().map(|(name, bytes)| (name, bytes.to_vec())).collect();
    Ok((bundle, set.root().bytes().to_vec()))
}

fn main() -> Result<(), Box<dyn Error>> {
    let gun = Gun::new(GUN)?;
    let (mut bundle, root) = pack(&gun)?;
    println!("A bundle of {} files arrives, together with an artefact.", bundle.len());

    let view = verify(&bundle, &gun, Trust::Root(root.clone()), SystemTime::now())?;
    let target = view.target("v1")?;
    target.verify(ARTEFACT)?;
    println!("  verified: v1 is sha256:{}, until {}", hex(&digest::sha256(ARTEFACT)), view.expires());

    println!("Somebody changes one byte of it on the way.");
    bundle.values_mut().for_each(|file| file.iter_mut().last().into_iter().for_each(|byte| *byte ^= 1));
    match verify(&bundle, &gun, Trust::Root(root), SystemTime::now()) {
        Err(error) => println!("  refused: {error}"),
        Ok(_) => return Err("a changed bundle was believed".into()),
    }
    Ok(())
}

fn hex(sha256: &[u8; 32]) -> String {
    sha256.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bundle_holds_until_it_expires() {
        let gun = Gun::new(GUN).unwrap();
        let (bundle, root) = pack(&gun).unwrap();
        let at = |now| verify(&bundle, &gun, Trust::Root(root.clone()), now);
        let view = at(SystemTime::now()).unwrap();
        assert!(view.target("v1").unwrap().verify(ARTEFACT).is_ok());
        let end = view.expires().to_system_time();
        assert!(at(end - Duration::from_secs(1)).is_ok());
        assert_eq!(at(end).unwrap_err().code(), "EXPIRED");
    }

    #[test]
    fn another_publishers_bundle_or_a_changed_one_is_refused() {
        let gun = Gun::new(GUN).unwrap();
        let (bundle, root) = pack(&gun).unwrap();
        let (others, _) = pack(&gun).unwrap();
        let trust = || Trust::Root(root.clone());
        assert!(verify(&others, &gun, trust(), SystemTime::now()).is_err());
        for name in bundle.keys().filter(|name| *name != "root.json") {
            let mut changed = bundle.clone();
            let file = changed.get_mut(name).unwrap();
            let at = file.len() / 2;
            file[at] ^= 1;
            assert!(verify(&changed, &gun, trust(), SystemTime::now()).is_err(), "{name}");
            changed.remove(name);
            assert!(verify(&changed, &gun, trust(), SystemTime::now()).is_err(), "without {name}");
        }
    }
}
