//! FZ-14, FZ-15: the freshness mode alone decides what serves without the server.

use std::time::{Duration, SystemTime};

use crate::facade::Collection;
use tuf_notary::{
    blocking::Initialise,
    edit::Changes,
    keys::MemoryKeys,
    name::Slot,
    store::{MemoryStore, MetadataStore, StoreError, StoreLock},
    testkit::{Fault, Forge, ForgeKey},
    verify::Notice,
    view::Freshness,
    wire::TrustRecord,
};

use crate::lab::Lab;

const DAY: Duration = Duration::from_secs(86_400);

fn client(lab: &Lab, freshness: Freshness) -> Collection {
    let now = lab.now;
    Collection::builder(lab.gun(), lab.trust.clone())
        .transport(lab.server.transport(&lab.gun()))
        .store(lab.store.clone())
        .clock(move || now)
        .freshness(freshness)
        .build()
}

/// Trusted a day ago.
fn trusting() -> Lab {
    let mut lab = Lab::trusting();
    lab.now += DAY;
    lab.server.clear_requests();
    lab
}

fn record(lab: &Lab) -> Option<TrustRecord> {
    let bytes = lab.store.read(&Slot::Record, u64::MAX).unwrap()?;
    Some(TrustRecord::read(&bytes).unwrap())
}

fn unreachable(lab: &Lab) {
    lab.server.misbehave(&lab.gun(), Fault::Disconnect { role: None });
}

#[test]
fn fz_14_online_needs_the_server() {
    let lab = trusting();
    unreachable(&lab);
    let client = client(&lab, Freshness::Online);
    assert_eq!(client.refresh().unwrap_err().code(), "NETWORK");
    lab.server.behave(&lab.gun());
    let view = client.refresh().unwrap();
    assert_eq!((view.is_cached(), view.freshness()), (false, Freshness::Online));
    assert_eq!((view.confirmed(), view.age(lab.now + DAY)), (Some(lab.now), Some(DAY)));
}

#[test]
fn fz_14_a_preferred_cache_serves_when_the_network_fails_and_says_so() {
    let lab = trusting();
    let client = client(&lab, Freshness::PreferCache);
    unreachable(&lab);
    let view = client.refresh().unwrap();
    assert_eq!((view.is_cached(), view.freshness()), (true, Freshness::PreferCache));
    assert_eq!(view.age(lab.now), Some(DAY), "the server confirmed it a day ago");
    assert!(view.notices().iter().any(|it| matches!(it, Notice::ServedFromCache { .. })));
    assert!(view.target("v1").is_ok());
    lab.server.behave(&lab.gun());
    let view = client.refresh().unwrap();
    assert_eq!((view.is_cached(), view.age(lab.now)), (false, Some(Duration::ZERO)));
    assert!(!view.notices().iter().any(|it| matches!(it, Notice::ServedFromCache { .. })));
}

#[test]
fn fz_14_a_preferred_cache_serves_when_a_connection_breaks() {
    let lab = trusting();
    let timestamp = "timestamp".parse().unwrap();
    lab.server.misbehave(&lab.gun(), Fault::Truncate { role: timestamp, length: 10 });
    assert!(client(&lab, Freshness::PreferCache).refresh().unwrap().is_cached());
}

#[test]
fn fz_14_a_preferred_cache_replaces_no_answer() {
    for (status, code) in [
        (401, "UNAUTHORIZED"),
        (403, "UNAUTHORIZED"),
        (404, "MISSING"),
        (429, "SERVER_ERROR"),
        (500, "SERVER_ERROR"),
        (503, "SERVER_ERROR"),
    ] {
        let lab = trusting();
        lab.server.misbehave(&lab.gun(), Fault::Fail { role: None, status });
        let error = client(&lab, Freshness::PreferCache).refresh().unwrap_err();
        assert_eq!(error.code(), code, "{status}");
    }
    let mut lab = trusting();
    lab.forge.rotate("timestamp", &[ForgeKey::ecdsa()], 1);
    lab.forge.set_keys("timestamp", &[ForgeKey::ecdsa()], 1);
    let forged = lab.forge.build();
    let file = forged.file("timestamp.json").unwrap().to_vec();
    lab.server.misbehave(&lab.gun(), Fault::Serve { name: "timestamp.json".to_owned(), bytes: file });
    assert_eq!(client(&lab, Freshness::PreferCache).refresh().unwrap_err().code(), "THRESHOLD");
}

#[test]
fn fz_14_a_cache_that_has_expired_serves_nobody() {
    for freshness in [Freshness::PreferCache, Freshness::Offline] {
        let mut lab = Lab::new();
        lab.forge.expires("timestamp", "2026-11-25T12:00:00Z");
        lab.serve();
        lab.refresh().unwrap();
        unreachable(&lab);
        lab.now += DAY - Duration::from_secs(1);
        assert!(client(&lab, freshness).refresh().unwrap().is_cached());
        lab.now += Duration::from_secs(1);
        let code = if freshness == Freshness::Offline { "EXPIRED" } else { "NETWORK" };
        assert_eq!(client(&lab, freshness).refresh().unwrap_err().code(), code);
    }
}

#[test]
fn fz_14_without_a_cache_the_reason_is_that_of_the_network() {
    let lab = Lab::new();
    unreachable(&lab);
    assert_eq!(client(&lab, Freshness::PreferCache).refresh().unwrap_err().code(), "NETWORK");
}

#[test]
fn fz_14_an_update_that_broke_off_is_not_answered_by_what_it_replaces() {
    let mut lab = trusting();
    lab.forge.bump("targets");
    lab.serve();
    let targets = "targets".parse().unwrap();
    lab.server.misbehave(&lab.gun(), Fault::Disconnect { role: Some(targets) });
    let client = client(&lab, Freshness::PreferCache);
    assert_eq!(client.refresh().unwrap_err().code(), "NETWORK", "a newer snapshot is known");
    lab.server.behave(&lab.gun());
    assert_eq!(Lab::version(&client.refresh().unwrap(), "targets"), Some(2));
}

#[test]
fn fz_15_offline_asks_nobody() {
    let lab = trusting();
    let client = client(&lab, Freshness::Offline);
    let view = client.refresh().unwrap();
    assert_eq!((view.is_cached(), view.freshness()), (true, Freshness::Offline));
    assert_eq!((view.confirmed(), view.age(lab.now)), (Some(lab.now - DAY), Some(DAY)));
    assert_eq!(record(&lab).unwrap().confirmed, Some(lab.now - DAY), "nobody has confirmed it since");
    let publishing = client.publish(&Changes::new()).map(drop);
    let beginning = client.initialise(&Initialise::new()).map(drop);
    for refused in [publishing, beginning, client.delete_remote()] {
        assert_eq!(refused.unwrap_err().code(), "UNSUPPORTED");
    }
    assert!(lab.server.requests().is_empty(), "{:?}", lab.server.requests());
}

#[test]
fn fz_15_offline_without_what_is_needed_says_what_is_missing() {
    let lab = Lab::new();
    lab.server.serve(&lab.forge.clone().build());
    let offline = client(&lab, Freshness::Offline);
    let error = offline.refresh().unwrap_err();
    assert_eq!((error.code(), error.is_unanswered(), error.is_untrusted()), ("NOT_CACHED", true, false));
    assert!(error.to_string().contains("root.json"), "{error}");
    for role in ["timestamp", "snapshot", "targets"] {
        let lab = trusting();
        lab.steal(role);
        let error = client(&lab, Freshness::Offline).refresh().unwrap_err();
        assert_eq!(error.code(), "NOT_CACHED");
        assert!(error.to_string().contains(role), "{error}");
        assert!(lab.server.requests().is_empty());
    }
}

#[test]
fn fz_15_offline_a_cache_is_judged_as_strictly_as_a_server() {
    let mut lab = Lab::trusting();
    let old = ["timestamp", "snapshot", "targets"].map(|role| (role, lab.kept(role).unwrap()));
    for role in ["targets", "snapshot", "timestamp"] {
        lab.forge.bump(role);
    }
    lab.serve();
    lab.refresh().unwrap();
    for (role, file) in &old {
        lab.plant(role, file);
    }
    assert_eq!(client(&lab, Freshness::Offline).refresh().unwrap_err().code(), "ROLLBACK");
}

#[test]
fn fz_15_offline_an_expired_root_is_expired() {
    let mut lab = Lab::new();
    lab.forge.expires("root", "2026-11-28T12:00:00Z");
    lab.serve();
    lab.refresh().unwrap();
    lab.now += DAY * 5;
    lab.server.clear_requests();
    assert_eq!(client(&lab, Freshness::Offline).refresh().unwrap_err().code(), "EXPIRED");
    assert!(lab.server.requests().is_empty());
}

#[test]
fn fz_15_an_audit_begins_no_trust_and_leaves_no_trace() {
    let mut lab = Lab::new();
    lab.serve();
    let past = lab.now;
    lab.now += DAY * 3650;
    let view = client(&lab, Freshness::AsOf(past)).refresh().unwrap();
    assert_eq!((view.freshness(), view.confirmed()), (Freshness::AsOf(past), None));
    assert!(!view.is_cached() && record(&lab).is_none() && lab.kept("root").is_none());
    // What the audit saw binds nobody: today's first contact is one.
    lab.now = past;
    let view = client(&lab, Freshness::Online).refresh().unwrap();
    assert!(view.notices().iter().any(|it| matches!(it, Notice::FirstUse { .. })));
}

#[test]
fn fz_15_an_audit_changes_nothing_that_is_known_and_publishes_nothing() {
    let mut lab = trusting();
    let before = (record(&lab), lab.kept("timestamp"), lab.kept("targets"));
    for role in ["targets", "snapshot", "timestamp"] {
        lab.forge.bump(role);
    }
    lab.serve();
    let audit = client(&lab, Freshness::AsOf(lab.now));
    assert_eq!(Lab::version(&audit.refresh().unwrap(), "targets"), Some(2));
    assert_eq!((record(&lab), lab.kept("timestamp"), lab.kept("targets")), before);
    lab.server.clear_requests();
    assert_eq!(audit.publish(&Changes::new()).unwrap_err().code(), "UNSUPPORTED");
    assert!(lab.server.requests().is_empty());
}

/// Takes nothing, or everything but one slot.
#[derive(Clone, Debug)]
struct ReadOnly(MemoryStore, Option<Slot>);

impl MetadataStore for ReadOnly {
    fn read(&self, slot: &Slot, max: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.read(slot, max)
    }

    fn write(&self, slot: &Slot, content: &[u8]) -> Result<(), StoreError> {
        match self.1.as_ref().is_none_or(|refused| refused == slot) {
            true => Err(StoreError::Other("read-only".to_owned())),
            false => self.0.write(slot, content),
        }
    }

    fn remove(&self, slot: &Slot) -> Result<(), StoreError> {
        self.0.remove(slot)
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.0.clear()
    }

    fn lock(&self, _: Duration) -> Result<StoreLock, StoreError> {
        Err(StoreError::Other("read-only".to_owned()))
    }
}

fn over(lab: &Lab, store: ReadOnly, freshness: Freshness) -> Collection {
    Collection::builder(lab.gun(), lab.trust.clone())
        .transport(lab.server.transport(&lab.gun()))
        .keys(MemoryKeys::new())
        .store(store)
        .clock(Forge::now)
        .freshness(freshness)
        .build()
}

#[test]
fn rb_01_floors_hold_for_the_run_where_nothing_can_be_written() {
    let root = Slot::Metadata("root".parse().unwrap());
    for refused in [None, Some(root), Some(Slot::Record)] {
        let mut lab = Lab::new();
        lab.serve();
        let older = lab.server.checkpoint(&lab.gun());
        for role in ["targets", "snapshot", "timestamp"] {
            lab.forge.bump(role);
        }
        lab.serve();
        let below = MemoryStore::new();
        let client = over(&lab, ReadOnly(below.clone(), refused.clone()), Freshness::PreferCache);
        let view = client.refresh().unwrap();
        assert!(view.notices().iter().any(|it| matches!(it, Notice::NotSaved { .. })));
        let view = client.refresh().unwrap();
        assert!(!view.notices().iter().any(|it| matches!(it, Notice::FirstUse { .. })), "{refused:?}");
        lab.server.misbehave(&lab.gun(), Fault::Replay(older));
        assert_eq!(client.refresh().unwrap_err().code(), "ROLLBACK", "{refused:?}");
        lab.server.behave(&lab.gun());
        unreachable(&lab);
        assert!(client.refresh().unwrap().is_cached(), "{refused:?}");
        let kept = |slot: &Slot| below.read(slot, u64::MAX).unwrap().is_some();
        let record_alone = kept(&Slot::Record) && !kept(&Slot::Metadata("root".parse().unwrap()));
        assert!(!record_alone, "a record without its root: {refused:?}");
        client.dangerous().forget().unwrap();
        assert_eq!(client.refresh().unwrap_err().code(), "NETWORK", "nothing is left");
    }
}

#[test]
fn rb_01_what_others_write_counts_more_than_what_could_not_be_written() {
    let mut lab = Lab::new();
    lab.serve();
    let below = MemoryStore::new();
    let client = over(&lab, ReadOnly(below.clone(), None), Freshness::Online);
    client.refresh().unwrap();
    let older = lab.server.checkpoint(&lab.gun());
    for role in ["targets", "snapshot", "timestamp"] {
        lab.forge.bump(role);
    }
    lab.serve();
    let other = Collection::builder(lab.gun(), lab.trust.clone())
        .transport(lab.server.transport(&lab.gun()))
        .store(below)
        .clock(Forge::now)
        .build();
    other.refresh().unwrap();
    lab.server.misbehave(&lab.gun(), Fault::Replay(older));
    assert_eq!(client.refresh().unwrap_err().code(), "ROLLBACK", "the other has seen newer files");
}

#[test]
fn fz_15_a_view_serves_again_while_it_is_fresh_and_holds() {
    let mut lab = Lab::new();
    lab.forge.expires("timestamp", "2026-11-24T13:00:00Z");
    lab.serve();
    let time = std::sync::Arc::new(std::sync::Mutex::new(lab.now));
    let clock = time.clone();
    let client = Collection::builder(lab.gun(), lab.trust.clone())
        .transport(lab.server.transport(&lab.gun()))
        .clock(move || *clock.lock().unwrap())
        .max_age(Duration::from_secs(2 * 60 * 60))
        .build();
    let minutes = |minutes: u64| lab.now + Duration::from_secs(60 * minutes);
    let at = |now: SystemTime| {
        *time.lock().unwrap() = now;
        lab.server.clear_requests();
        let outcome = client.refresh().map(drop);
        (outcome.is_ok(), lab.server.requests().len())
    };
    assert_eq!(at(minutes(0)), (true, 4));
    assert_eq!(at(minutes(0)), (true, 0));
    assert_eq!(at(minutes(59)), (true, 0));
    assert_eq!(at(minutes(60)), (false, 1), "it has expired, whatever the window says");
    assert_eq!(at(minutes(0)), (true, 1), "a failure ends the window");
}
