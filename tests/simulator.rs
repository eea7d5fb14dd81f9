//! The machine against the simulated server: what the forge makes is accepted, and each fault is
//! refused for the reason that it has.

use std::{
    collections::BTreeMap,
    io::Read as _,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use tuf_notary::{
    limits::Limits,
    name::{Form, Gun, Resource, RoleName, Slot, Version},
    testkit::{Fault, Forge, ForgeAuthority, ForgeKey, TrustServer, suite},
    transport::{Transport, TransportError, Upload},
    verify::{DelegatedTargets, Refresh, RefreshPlan, Reply, Step, Trust, TrustedSet},
    wire::Dialect,
};

const GUN: &str = "example.com/app";

/// A client's memory: its store, and what its transport last complained about.
#[derive(Default)]
struct Client {
    store: BTreeMap<Slot, Vec<u8>>,
    complaint: Option<TransportError>,
}

impl Client {
    fn refresh_at(&mut self, server: &TrustServer, now: SystemTime) -> Result<TrustedSet, String> {
        self.refresh_with(server, Trust::FirstUse, now)
    }

    fn refresh_with(
        &mut self,
        server: &TrustServer,
        trust: Trust,
        now: SystemTime,
    ) -> Result<TrustedSet, String> {
        let (gun, dialect, limits) = (gun(), Dialect::Notary, Limits::default());
        let plan =
            RefreshPlan { gun: gun.clone(), trust, dialect, limits, now, as_of: false, offline: false };
        let (mut machine, transport) = (Refresh::new(plan), server.transport(&gun));
        let mut outcome = Ok(());
        loop {
            let reply = match machine.step() {
                Step::Load(slot) => self.store.get(&slot).cloned().map_or(Reply::Absent, Reply::Found),
                Step::Fetch { resource, max } => self.fetch(&transport, &resource, max),
                Step::Save(slot, bytes) => {
                    self.store.insert(slot, bytes.to_vec());
                    continue;
                }
                _ => break,
            };
            outcome = machine.supply(reply);
        }
        outcome.and_then(|()| machine.finish()).map_err(|error| error.code().to_owned())
    }

    fn fetch(&mut self, transport: &dyn Transport, what: &Resource, max: u64) -> Reply {
        let mut bytes = Vec::new();
        let read = transport.fetch(what, max).and_then(|body| {
            let read = body.take(max + 1).read_to_end(&mut bytes);
            read.map_err(|error| TransportError::from_read(what, &error))
        });
        match read {
            Ok(_) => Reply::Found(bytes),
            Err(TransportError::NotFound { .. }) => Reply::Absent,
            Err(error) => {
                self.complaint = Some(error);
                Reply::Failed
            }
        }
    }

    fn refresh(&mut self, server: &TrustServer) -> Result<TrustedSet, String> {
        self.refresh_at(server, Forge::now())
    }
}

fn gun() -> Gun {
    Gun::new(GUN).unwrap()
}

fn served(forge: &mut Forge) -> TrustServer {
    let server = TrustServer::new();
    server.serve(&forge.build());
    server
}

fn refused(forge: &mut Forge) -> String {
    Client::default().refresh(&served(forge)).unwrap_err()
}

#[test]
fn a_new_repository_is_accepted_and_unchanged_files_are_not_asked_for_again() {
    let mut forge = Forge::new(GUN);
    let server = served(&mut forge);
    let mut client = Client::default();
    client.refresh(&server).unwrap();
    assert_eq!(server.requests().len(), 4);
    server.clear_requests();
    assert_eq!(forge.build(), forge.build(), "signatures are made once");
    server.serve(&forge.build());
    let set = client.refresh(&server).unwrap();
    assert_eq!(server.requests(), ["GET timestamp.json"]);
    assert_eq!(set.targets().body().targets.get("v1").unwrap().length, 1);
    assert!(set.notices().is_empty(), "{:?}", set.notices());
}

#[test]
fn every_kind_of_key_signs() {
    let mut forge = Forge::new(GUN);
    let roots = [ForgeKey::certificate(GUN), ForgeKey::rsa().certified(GUN)];
    forge.rotate_root(&roots, 2);
    forge.set_keys("targets", &[ForgeKey::rsa(), ForgeKey::ed25519()], 2);
    forge.set_keys("snapshot", &[ForgeKey::rsa().certified("any")], 1);
    forge.bump("targets");
    forge.delegate("targets", "targets/releases", &[ForgeKey::ecdsa()], 1, &[""]);
    forge.delegate("targets/releases", "targets/releases/a", &[ForgeKey::ed25519()], 1, &["a/"]);
    let set = Client::default().refresh(&served(&mut forge)).unwrap();
    assert_eq!(set.root().body().version.get(), 2);
    assert_eq!(set.delegated().len(), 2);
    assert!(set.delegated().values().all(|state| matches!(state, DelegatedTargets::Usable(_))));
}

#[test]
fn rotations_are_walked_and_a_missing_signature_stops_the_walk() {
    let mut forge = Forge::new(GUN);
    let (server, mut client) = (served(&mut forge), Client::default());
    client.refresh(&server).unwrap();
    let first = forge.keys("root").clone();
    forge.rotate_root(&[ForgeKey::certificate(GUN)], 1);
    forge.rotate("timestamp", &[ForgeKey::ed25519()], 1);
    forge.rotate("targets", &[ForgeKey::ecdsa()], 1);
    server.serve(&forge.build());
    assert_eq!(client.refresh(&server).unwrap().root().body().version.get(), 4);

    let mut only_new = forge.clone();
    only_new.rotate_root(&[ForgeKey::certificate(GUN)], 1);
    only_new.keys("root").remove(0);
    server.serve(&only_new.build());
    assert_eq!(client.refresh(&server).unwrap_err(), "ROOT_CHANGED");

    let mut only_old = forge.clone();
    only_old.rotate_root(&[ForgeKey::certificate(GUN)], 1);
    only_old.keys("root").pop();
    server.serve(&only_old.build());
    assert_eq!(client.refresh(&server).unwrap_err(), "THRESHOLD");

    *forge.keys("root") = first;
    forge.bump("targets");
    server.serve(&forge.build());
    assert!(client.refresh(&server).is_err(), "version 4 signed by the keys of version 1");
}

#[test]
fn one_wrong_thing_is_refused_for_what_it_is() {
    type Change = fn(&mut Forge);
    let cases: [(&str, Change); 10] = [
        ("EXPIRED", |f| f.expires("targets", "2026-11-24T12:00:00Z")),
        ("THRESHOLD", |f| f.set_keys("snapshot", &[ForgeKey::ecdsa()], 2)),
        ("THRESHOLD", |f| *f.keys("targets") = vec![ForgeKey::ecdsa()]),
        ("THRESHOLD", |f| *f.keys("timestamp") = f.keys("timestamp").iter().map(ForgeKey::garbled).collect()),
        ("MALFORMED", |f| {
            f.before_sign("targets", |t| t.replace("\"version\":1", "\"version\":1,\"version\":1"))
        }),
        ("MALFORMED", |f| {
            f.after_sign("snapshot", |mut bytes| {
                bytes.push(b'x');
                bytes
            })
        }),
        ("HASH_MISMATCH", |f| {
            f.pin("targets", |pin| pin["hashes"]["sha512"] = format!("{}==", "A".repeat(86)).into())
        }),
        ("MALFORMED", |f| f.pin("root", |pin| *pin = serde_json::Value::Null)),
        ("THRESHOLD", |f| f.signatures("root", |list| *list = serde_json::json!([]))),
        ("CERTIFICATE", |f| f.set_keys("root", &[ForgeKey::certificate("example.com/other")], 1)),
    ];
    for (at, (code, change)) in cases.into_iter().enumerate() {
        let mut forge = Forge::new(GUN);
        change(&mut forge);
        assert_eq!(refused(&mut forge), code, "case {at}");
    }
}

#[test]
fn white_space_and_escapes_are_signed_as_their_canonical_form() {
    let mut forge = Forge::new(GUN);
    forge.before_sign("targets", |text| text.replace("\"v1\"", " \"\\u0076\\u0031\" "));
    Client::default().refresh(&served(&mut forge)).unwrap();
}

#[test]
fn faults_of_files_are_seen() {
    let mut forge = Forge::new(GUN);
    let checkpoint = served(&mut forge).checkpoint(&gun());
    forge.bump("targets");
    let published = forge.build();
    let flip: Fault = Fault::Mutate {
        role: RoleName::Targets,
        change: Arc::new(|mut bytes| {
            bytes.reverse();
            bytes
        }),
    };
    for (fault, code) in [
        (Fault::Replay(checkpoint), "ROLLBACK"),
        (Fault::Serve { name: "timestamp.json".to_owned(), bytes: b"{}".to_vec() }, "MALFORMED"),
        (flip, "HASH_MISMATCH"),
        (Fault::Truncate { role: RoleName::Snapshot, length: 10 }, "NETWORK"),
        (Fault::Endless { role: RoleName::Timestamp }, "TOO_LARGE"),
        (Fault::Fail { role: Some(RoleName::Snapshot), status: 404 }, "MISSING"),
        (Fault::Fail { role: None, status: 401 }, "NETWORK"),
        (Fault::Fail { role: Some(RoleName::Timestamp), status: 503 }, "NETWORK"),
        (Fault::Disconnect { role: None }, "NETWORK"),
    ] {
        let server = TrustServer::new();
        server.serve(&published);
        let mut client = Client::default();
        client.refresh(&server).unwrap();
        // A newer state, so that there is something to fetch.
        let mut newer = forge.clone();
        newer.bump("targets");
        server.serve(&newer.build());
        server.misbehave(&gun(), fault.clone());
        assert_eq!(client.refresh(&server).unwrap_err(), code, "{fault:?}");
        server.behave(&gun());
        client.refresh(&server).unwrap();
    }
}

#[test]
fn an_endless_file_is_counted_and_a_delay_takes_its_time() {
    let server = served(&mut Forge::new(GUN));
    server.misbehave(&gun(), Fault::Endless { role: RoleName::Root });
    let mut client = Client::default();
    assert_eq!(client.refresh(&server).unwrap_err(), "TOO_LARGE");
    assert_eq!(server.bytes_read(), Limits::default().max_root + 1);
    server.behave(&gun());
    server.misbehave(&gun(), Fault::Delay(Duration::from_millis(5)));
    let begin = Instant::now();
    client.refresh(&server).unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(20), "four requests");
}

/// A forge whose timestamp key, and snapshot key where asked for, are the server's.
fn managed(server: &TrustServer, roles: &[&str]) -> Forge {
    let mut forge = Forge::new(GUN);
    for role in roles {
        let json = server.transport(&gun()).server_key(&role.parse().unwrap(), false).unwrap();
        let public = tuf_notary::wire::notary::read_public_key(&json).unwrap();
        let key = ForgeKey::ed25519().with_public(public);
        forge.list_keys(role, &[key], 1);
    }
    forge
}

fn code_of(result: Result<(), TransportError>) -> String {
    match result.unwrap_err() {
        TransportError::Rejected { code, message } => {
            let name = message.split(':').next().unwrap_or_default();
            format!("{code} {name}")
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn uploads_are_checked_completed_and_stored_as_a_whole() {
    let server = TrustServer::new();
    server.set_now(Forge::now());
    let transport = server.transport(&gun());
    let mut forge = managed(&server, &["timestamp", "snapshot"]);
    transport.publish(&forge.build().upload(&["root", "targets"])).unwrap();
    let set = Client::default().refresh(&server).unwrap();
    assert_eq!((set.snapshot().body().version.get(), set.timestamp().body().version.get()), (1, 1));

    transport.publish(&Upload::default()).unwrap();
    assert_eq!(Client::default().refresh(&server).unwrap().snapshot().body().version.get(), 2);
    assert_eq!(code_of(transport.publish(&forge.build().upload(&["targets"]))), "VERSION targets");
    let before = server.checkpoint(&gun());
    let mut other = Forge::new(GUN);
    other.version("root", 2);
    let upload = other.build().upload(&["root", "targets"]);
    assert_eq!(code_of(transport.publish(&upload)), "INVALID_UPDATE ErrBadRoot");
    forge.version("targets", 2);
    let mut skipping = forge.clone();
    skipping.version("root", 3);
    assert_eq!(code_of(transport.publish(&skipping.build().upload(&["root"]))), "INVALID_UPDATE ErrBadRoot");
    let mut expired = forge.clone();
    expired.expires("targets", "2026-11-24T12:00:00Z");
    let upload = expired.build().upload(&["targets"]);
    assert_eq!(code_of(transport.publish(&upload)), "INVALID_UPDATE ErrBadTargets");
    assert_eq!(server.checkpoint(&gun()), before, "nothing of it was stored");
    transport.publish(&forge.build().upload(&["targets"])).unwrap();
    assert_eq!(Client::default().refresh(&server).unwrap().targets().body().version.get(), 2);
}

#[test]
fn a_file_that_the_server_would_write_otherwise_is_taken_and_lost() {
    let server = TrustServer::new();
    server.set_now(Forge::now());
    let mut forge = managed(&server, &["timestamp"]);
    forge.after_sign("snapshot", |file| [file, b"\n".to_vec()].concat());
    let upload = forge.build().upload(&["root", "targets", "snapshot"]);
    server.transport(&gun()).publish(&upload).unwrap();
    assert_eq!(Client::default().refresh(&server).unwrap_err(), "MISSING");
}

#[test]
fn without_the_key_a_snapshot_must_come_along() {
    let server = TrustServer::new();
    server.set_now(Forge::now());
    let mut forge = managed(&server, &["timestamp"]);
    let transport = server.transport(&gun());
    let upload = forge.build().upload(&["root", "targets"]);
    assert_eq!(code_of(transport.publish(&upload)), "INVALID_UPDATE ErrBadHierarchy");
    let upload = Forge::new(GUN).build().upload(&["root", "targets", "snapshot"]);
    assert_eq!(code_of(transport.publish(&upload)), "INVALID_UPDATE ErrBadRoot");
    let upload = forge.build().upload(&["targets"]);
    assert_eq!(code_of(transport.publish(&upload)), "INVALID_UPDATE ErrValidation");
}

#[test]
fn expired_timestamps_are_renewed_on_request() {
    let server = TrustServer::new();
    server.set_now(Forge::now());
    let mut forge = managed(&server, &["timestamp", "snapshot"]);
    server.transport(&gun()).publish(&forge.build().upload(&["root", "targets"])).unwrap();
    let later = Forge::now() + Duration::from_secs(15 * 86_400);
    let mut client = Client::default();
    assert_eq!(client.refresh_at(&server, later).unwrap_err(), "EXPIRED");
    server.set_now(later);
    assert_eq!(client.refresh_at(&server, later).unwrap().timestamp().body().version.get(), 2);
}

#[test]
fn keys_are_kept_once_a_root_names_them_and_deletion_forgets() {
    let server = TrustServer::new();
    server.set_now(Forge::now());
    let transport = server.transport(&gun());
    let key = |rotate| transport.server_key(&RoleName::Timestamp, rotate).unwrap();
    assert_ne!(key(false), key(false));
    let mut forge = managed(&server, &["timestamp", "snapshot"]);
    transport.publish(&forge.build().upload(&["root", "targets"])).unwrap();
    assert_eq!(key(false), key(false));
    assert_ne!(key(true), key(false));
    assert!(matches!(transport.server_key(&RoleName::Root, false), Err(TransportError::NotFound { .. })));
    server.misbehave(&gun(), Fault::LoseReply);
    assert!(transport.publish(&Upload::default()).is_err());
    assert!(server.file(&gun(), "2.timestamp.json").is_some());
    transport.delete().unwrap();
    assert!(server.file(&gun(), "root.json").is_none());
    assert_eq!(Client::default().refresh(&server).unwrap_err(), "NOT_SIGNED");
}

#[test]
fn an_authority_certifies_root_keys_directly_and_through_another() {
    let (begin, end) = (Forge::now() - Duration::from_secs(60), Forge::now() + Duration::from_secs(60));
    let top = ForgeAuthority::new("top", begin, end);
    let below = top.intermediate("below", begin, end).intermediate("lowest", begin, end);
    let other = ForgeAuthority::new("other", begin, end);
    for issuer in [&top, &below] {
        let mut forge = Forge::new(GUN);
        forge.set_keys("root", &[issuer.certify(&ForgeKey::ecdsa(), begin, end, GUN)], 1);
        let server = served(&mut forge);
        let pinned = |ca: &ForgeAuthority| {
            let trust = Trust::Authority(vec![ca.certificate().clone()]);
            Client::default().refresh_with(&server, trust, Forge::now()).map(drop)
        };
        assert_eq!(pinned(&top), Ok(()));
        assert_eq!(pinned(&other), Err("PIN_MISMATCH".to_owned()));
    }
}

#[test]
fn an_action_comes_once_before_the_request_that_it_waits_for() {
    let server = TrustServer::new();
    server.set_now(Forge::now());
    let mut forge = managed(&server, &["timestamp", "snapshot"]);
    let upload = forge.build().upload(&["root", "targets"]);
    let (first, earlier) = (server.transport(&gun()), upload.clone());
    server.before("POST", move || first.publish(&earlier).unwrap());
    assert_eq!(code_of(server.transport(&gun()).publish(&upload)), "VERSION targets");
}

#[test]
fn the_simulated_transport_keeps_the_promises_of_transports() {
    let mut forge = Forge::new(GUN);
    let server = served(&mut forge);
    let resource = |role, form| Resource { role, form };
    let two = Version::ONE.next().unwrap();
    let names = [
        resource(RoleName::Root, Form::Latest),
        resource(RoleName::Targets, Form::Version(Version::ONE)),
        Resource::latest(RoleName::Timestamp),
    ];
    let content = |what: &Resource| server.file(&gun(), &what.notary_name()).unwrap();
    let present = names.into_iter().map(|what| (what.clone(), content(&what))).collect();
    let absent = resource(RoleName::Root, Form::Version(two));
    suite::transport(&server.transport(&gun()), &suite::Served { present, absent });
}
