//! A TUF 1.0 client before a server that answers with genuine, older, garbled and foreign files.
//!
//! Whatever comes: no panic; a role's trusted version never falls; what is found is what the publisher
//! has signed.
#![no_main]

use std::sync::OnceLock;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tuf_notary::{
    Repository,
    limits::Limits,
    name::{Form, Resource, RoleName, TargetName, Version},
    store::MemoryStore,
    testkit::{TufForge, TufForgeKey, TufPublished},
};

/// The files that differ between the states.
const ROLES: [&str; 6] = ["root", "timestamp", "snapshot", "targets", "team", "leaf"];
/// The targets, and what the publisher has ever signed as their content.
const TARGETS: [(&str, &[&[u8]]); 3] =
    [("file.txt", &[]), ("team/a", &[b"first", b"second"]), ("team/leaf/b", &[b"leaf"])];

/// What becomes of one file.
#[derive(Arbitrary, Debug)]
enum Change<'a> {
    /// The file of another state.
    Older {
        state: u8,
    },
    /// Some bytes are others.
    Garbled {
        at: u16,
        xor: u8,
        truncate: Option<u16>,
    },
    /// Bytes of the attacker's.
    Raw(&'a [u8]),
    Absent,
}

#[derive(Arbitrary, Debug)]
struct Round<'a> {
    state: u8,
    changes: Vec<(u8, Change<'a>)>,
}

fuzz_target!(|rounds: Vec<Round<'_>>| {
    let (store, states) = (MemoryStore::new(), states());
    let mut trusted = Vec::new();
    for round in rounds.iter().take(4) {
        let mut served = pick(states, round.state).clone();
        for (role, change) in round.changes.iter().take(8) {
            alter(&mut served, pick(&ROLES, *role), change, states);
        }
        let repository = Repository::builder(states[0].file("1.root.json").expect("the first root"))
            .transport(served.transport())
            .store(store.clone())
            .limits(Limits { max_metadata: 1 << 16, max_root_rotations: 4, ..Limits::default() })
            .clock(TufForge::now)
            .build();
        if let Ok(view) = repository.refresh() {
            let now = vec![view.root().body().version, view.timestamp().body().version];
            assert!(
                trusted.iter().zip(&now).all(|(before, now): (&Version, _)| before <= now),
                "a version fell"
            );
            trusted = now;
        }
        for (name, contents) in TARGETS {
            let name = TargetName::new(name).expect("a name");
            let Ok(Some(found)) = repository.find(&name) else { continue };
            let known = contents.iter().any(|content| {
                tuf_notary::metadata::TargetInfo::from_bytes(content).hashes.sha256 == found.hashes().sha256
            });
            assert!(known || contents.is_empty(), "{name} was never signed so");
        }
    }
});

fn alter(served: &mut TufPublished, role: &str, change: &Change<'_>, states: &[TufPublished]) {
    let files: Vec<_> =
        resources(role).filter_map(|it| Some((served.file(&it.tuf_name())?.to_vec(), it))).collect();
    for (mut file, resource) in files {
        match change {
            Change::Absent => {
                served.remove(&resource.tuf_name());
                continue;
            }
            Change::Older { state } => file = pick(states, *state).newest(role),
            Change::Raw(bytes) => file = bytes.to_vec(),
            Change::Garbled { at, xor, truncate } => {
                if let Some(length) = truncate {
                    file.truncate(usize::from(*length));
                }
                let at = usize::from(*at) % file.len().max(1);
                if let Some(byte) = file.get_mut(at) {
                    *byte ^= xor;
                }
            }
        }
        served.insert(resource, file);
    }
}

/// The names under which a role's files may be asked for.
fn resources(role: &str) -> impl Iterator<Item = Resource> {
    let role = RoleName::tuf(role).expect("a role");
    let versions = (1..=4).filter_map(|version| Version::new(version).ok().map(Form::Version));
    versions.chain([Form::Latest]).map(move |form| Resource { role: role.clone(), form })
}

fn pick<T>(all: &[T], at: u8) -> &T {
    &all[usize::from(at) % all.len()]
}

/// Three states of one repository: with a delegation below another, changed content, new keys.
fn states() -> &'static [TufPublished] {
    static STATES: OnceLock<Vec<TufPublished>> = OnceLock::new();
    STATES.get_or_init(|| {
        let mut forge = TufForge::new();
        forge.delegate("targets", "team", &[TufForgeKey::ed25519()], 1, &["team/*", "team/*/*"]);
        forge.delegate("team", "leaf", &[TufForgeKey::ed25519()], 1, &["team/leaf/*"]);
        forge.add_target("team", "team/a", b"first");
        forge.add_target("leaf", "team/leaf/b", b"leaf");
        let first = forge.build();
        forge.add_target("team", "team/a", b"second");
        forge.bump("team");
        let second = forge.build();
        forge.rotate("timestamp", &[TufForgeKey::ed25519()], 1);
        forge.bump("timestamp");
        vec![first, second, forge.build()]
    })
}
