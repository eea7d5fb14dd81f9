//! The update machine, fed with genuine, older, garbled and foreign replies in any order.
//!
//! Whatever comes: no panic; a role's trusted version never falls; nothing is saved that the
//! publisher did not sign.
#![no_main]

use std::{collections::BTreeMap, sync::OnceLock};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tuf_notary::{
    limits::Limits,
    metadata::{Root, Snapshot, Targets, Timestamp},
    name::{RoleName, Slot},
    testkit::{Forge, ForgeKey, Published},
    verify::{Refresh, RefreshPlan, Reply, Step, Trust},
    wire::{Dialect, Document, Envelope},
};

const GUN: &str = "example.com/app";

#[derive(Arbitrary, Debug)]
enum Action<'a> {
    /// What a server in this state answers.
    Honest {
        state: u8,
    },
    /// Any genuine file.
    Any {
        state: u8,
        file: u8,
    },
    /// A genuine file with some bytes changed.
    Garbled {
        state: u8,
        at: u16,
        xor: u8,
        truncate: Option<u16>,
    },
    /// Bytes of the attacker's.
    Raw(&'a [u8]),
    Absent,
    Failed,
}

fuzz_target!(|refreshes: Vec<Vec<Action<'_>>>| {
    let mut store = BTreeMap::new();
    for actions in refreshes.iter().take(4) {
        let before = versions(&store);
        refresh(&mut store, actions);
        let after = versions(&store);
        for (role, version) in before {
            assert!(after.get(&role).is_some_and(|now| *now >= version), "{role} fell");
        }
    }
});

fn refresh(store: &mut BTreeMap<Slot, Vec<u8>>, actions: &[Action<'_>]) {
    let mut actions = actions.iter();
    let mut machine = Refresh::new(RefreshPlan {
        gun: GUN.parse().expect("a GUN"),
        trust: Trust::FirstUse,
        dialect: Dialect::Notary,
        limits: Limits { max_metadata: 1 << 16, max_root_rotations: 4, ..Limits::default() },
        now: Forge::now(),
        as_of: false,
        offline: false,
    });
    loop {
        let outcome = match machine.step() {
            Step::Load(slot) => machine.supply(store.get(&slot).cloned().map_or(Reply::Absent, Reply::Found)),
            Step::Fetch { resource, .. } => {
                // A script that ends is a server that is gone.
                let reply =
                    actions.next().map_or(Reply::Failed, |action| answer(action, &resource.notary_name()));
                machine.supply(reply)
            }
            Step::Save(slot, bytes) => {
                if let Slot::Metadata(role) = &slot {
                    assert!(is_genuine(role, &bytes), "{role} was saved and nobody signed it");
                }
                store.insert(slot, bytes.to_vec());
                continue;
            }
            _ => break,
        };
        let _ = outcome;
    }
    let _ = machine.finish();
}

fn answer(action: &Action<'_>, name: &str) -> Reply {
    let file = |state: u8| states()[usize::from(state) % states().len()].file(name).map(<[u8]>::to_vec);
    match action {
        Action::Honest { state } => file(*state).map_or(Reply::Absent, Reply::Found),
        Action::Any { state, file } => {
            let files: Vec<_> = states()[usize::from(*state) % states().len()].files().collect();
            Reply::Found(files[usize::from(*file) % files.len()].1.to_vec())
        }
        Action::Garbled { state, at, xor, truncate } => {
            let Some(mut bytes) = file(*state) else { return Reply::Absent };
            let at = usize::from(*at) % bytes.len();
            bytes[at] ^= xor;
            bytes.truncate(truncate.map_or(usize::MAX, usize::from));
            Reply::Found(bytes)
        }
        Action::Raw(bytes) => Reply::Found(bytes.to_vec()),
        Action::Absent => Reply::Absent,
        Action::Failed => Reply::Failed,
    }
}

/// States that the publisher went through: tags, a delegation, two root rotations.
fn states() -> &'static [Published] {
    static STATES: OnceLock<Vec<Published>> = OnceLock::new();
    STATES.get_or_init(|| {
        let mut forge = Forge::new(GUN);
        let mut states = vec![forge.build()];
        forge.add_tag("targets", "v2", 2, 2);
        forge.bump("targets");
        states.push(forge.build());
        forge.delegate("targets", "targets/releases", &[ForgeKey::ecdsa()], 1, &[""]);
        forge.add_tag("targets/releases", "v3", 3, 3);
        forge.bump("targets");
        states.push(forge.build());
        for _ in 0..2 {
            forge.rotate_root(&[ForgeKey::certificate(GUN)], 1);
            forge.bump("snapshot");
            states.push(forge.build());
        }
        states
    })
}

/// Whether a file says what the publisher signed at some time. Its spelling may differ: white
/// space and escapes don't change what is signed.
fn is_genuine(role: &RoleName, bytes: &[u8]) -> bool {
    match role {
        RoleName::Root => says_the_same::<Root>(role, bytes),
        RoleName::Timestamp => says_the_same::<Timestamp>(role, bytes),
        RoleName::Snapshot => says_the_same::<Snapshot>(role, bytes),
        _ => says_the_same::<Targets>(role, bytes),
    }
}

fn says_the_same<T: Document>(role: &RoleName, bytes: &[u8]) -> bool {
    let message = |bytes: &[u8]| {
        let envelope = Envelope::<T>::read(Dialect::Notary, bytes.to_vec(), &Limits::default()).ok()?;
        Some(envelope.message().ok()?.into_owned())
    };
    let saved = message(bytes);
    let is_of = |name: &str| name.ends_with(&format!("{role}.json")) || name.starts_with(&format!("{role}."));
    let mut signed = states().iter().flat_map(|state| state.files()).filter(|(name, _)| is_of(name));
    saved.is_some() && signed.any(|(_, file)| message(file) == saved)
}

fn versions(store: &BTreeMap<Slot, Vec<u8>>) -> BTreeMap<String, u64> {
    let version = |slot: &Slot, bytes: &[u8]| {
        let Slot::Metadata(role) = slot else { return None };
        let version = match role {
            RoleName::Root => read::<Root>(bytes),
            RoleName::Timestamp => read::<Timestamp>(bytes),
            RoleName::Snapshot => read::<Snapshot>(bytes),
            _ => read::<Targets>(bytes),
        };
        Some((role.to_string(), version))
    };
    store.iter().filter_map(|(slot, bytes)| version(slot, bytes)).collect()
}

fn read<T: Document>(bytes: &[u8]) -> u64 {
    Envelope::<T>::read(Dialect::Notary, bytes.to_vec(), &Limits::default())
        .expect("saved files are readable")
        .body()
        .version()
        .get()
}
