//! Operators see what happens, under names that stay, and never a secret.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, Once},
};

use data_encoding::{BASE64, HEXLOWER};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};
use tuf_notary::{
    blocking::{Collection, Initialise},
    crypto::PrivateKey,
    edit::Changes,
    keys::{DirectoryKeys, FixedPassphrases, KeyRole, KeyStore, MemoryKeys},
    metadata::TargetInfo,
    name::{Gun, Hashes, RoleName, TargetName},
    testkit::{Fault, TrustServer},
    verify::Trust,
};

type Fields = BTreeMap<String, String>;

/// What a piece of work showed: spans and events with their fields as text.
#[derive(Debug)]
struct Seen(Vec<(String, Fields)>);

thread_local! {
    static SEEN: RefCell<Vec<(String, Fields)>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what each thread shows apart. It is the only subscriber and there from the beginning: what
/// is of interest is decided once a process.
#[derive(Debug)]
struct Recorder;

fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Recorder).expect("there is no other"));
}

struct Collect<'a>(&'a mut Fields);

impl Visit for Collect<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("tuf_notary")
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut fields = Fields::new();
        attributes.record(&mut Collect(&mut fields));
        SEEN.with_borrow_mut(|seen| {
            seen.push((attributes.metadata().name().to_owned(), fields));
            span::Id::from_u64(seen.len().try_into().unwrap())
        })
    }

    fn record(&self, id: &span::Id, values: &span::Record<'_>) {
        let at: usize = id.into_u64().try_into().unwrap();
        SEEN.with_borrow_mut(|seen| values.record(&mut Collect(&mut seen[at - 1].1)));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::new();
        event.record(&mut Collect(&mut fields));
        SEEN.with_borrow_mut(|seen| seen.push(("event".to_owned(), fields)));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

impl Seen {
    /// What `work` shows on this thread.
    fn by<T>(work: impl FnOnce() -> T) -> (Self, T) {
        install();
        SEEN.take();
        let done = work();
        (Self(SEEN.take()), done)
    }

    /// The fields of all spans of a name.
    fn spans(&self, name: &str) -> Vec<Fields> {
        self.0.iter().filter(|(found, _)| found == name).map(|(_, fields)| fields.clone()).collect()
    }
}

const GUN: &str = "registry.example.com/team/app";

fn gun() -> Gun {
    install();
    Gun::new(GUN).unwrap()
}

fn reader(server: &TrustServer) -> Collection {
    Collection::builder(gun(), Trust::FirstUse).transport(server.transport(&gun())).build()
}

fn publish(server: &TrustServer, keys: impl KeyStore + 'static) {
    let info = TargetInfo { length: 528, hashes: Hashes::sha256([0x5e; 32]), custom: None };
    let tag = TargetName::new("v1").unwrap();
    let publisher =
        Collection::builder(gun(), Trust::FirstUse).transport(server.transport(&gun())).keys(keys).build();
    publisher.initialise(&Initialise::new().changes(Changes::new().sign(tag, info))).unwrap();
}

fn published() -> TrustServer {
    let server = TrustServer::new();
    publish(&server, MemoryKeys::new());
    server
}

fn names(fields: &Fields) -> Vec<&str> {
    fields.keys().map(String::as_str).collect()
}

#[test]
fn a_refresh_shows_what_it_fetched_and_verified() {
    let server = published();
    let (seen, view) = Seen::by(|| reader(&server).refresh().unwrap());
    let [refresh] = &seen.spans("refresh")[..] else { panic!("{seen:?}") };
    assert_eq!(names(refresh), ["duration", "gun", "outcome", "source", "version"]);
    assert_eq!((&refresh["gun"][..], &refresh["outcome"][..]), (GUN, "OK"));
    assert_eq!((&refresh["source"][..], &refresh["version"][..]), ("server", "1"));
    assert!(refresh["duration"].parse::<f64>().unwrap() > 0.0);

    let fetched = seen.spans("fetch");
    let roles: Vec<_> = fetched.iter().map(|span| &span["role"][..]).collect();
    assert_eq!(roles, ["root", "timestamp", "snapshot", "targets"]);
    let verified = seen.spans("verify");
    let of_targets = view.trusted().targets().bytes().len().to_string();
    for (name, spans, expected) in [
        ("fetch", &fetched, &["bytes", "duration", "file", "gun", "outcome", "role"][..]),
        ("verify", &verified, &["bytes", "duration", "gun", "outcome", "role", "version"]),
    ] {
        for span in spans {
            assert_eq!(names(span), expected, "{name}");
            assert_eq!((&span["gun"][..], &span["outcome"][..]), (GUN, "OK"), "{name}");
        }
        let targets = spans.iter().find(|span| span["role"] == "targets").unwrap();
        assert_eq!(targets["bytes"], of_targets, "{name}");
    }
    assert_eq!(verified.len(), 4);
    assert!(verified.iter().all(|span| span["version"] == "1"));
}

#[test]
fn the_asynchronous_facade_shows_the_same() {
    let server = published();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let collection = tuf_notary::future::Collection::builder(gun(), Trust::FirstUse)
        .transport(server.transport(&gun()))
        .build();
    let (seen, outcome) = Seen::by(|| runtime.block_on(collection.refresh()));
    outcome.unwrap();
    let counts = ["refresh", "fetch", "verify"].map(|name| seen.spans(name).len());
    assert_eq!(counts, [1, 4, 4]);
}

#[test]
fn what_fails_names_its_code() {
    let server = published();
    server.misbehave(&gun(), Fault::Mutate { role: RoleName::Targets, change: Arc::new(|_| b"{}".to_vec()) });
    let (seen, error) = Seen::by(|| reader(&server).refresh().unwrap_err());
    assert_eq!(seen.spans("refresh")[0]["outcome"], error.code());
    let verified = seen.spans("verify");
    let last = verified.last().unwrap();
    assert_eq!((&last["role"][..], &last["outcome"][..]), ("targets", error.code()));
    assert!(!last.contains_key("version"), "nothing holds: {last:?}");

    let nobody = TrustServer::new();
    let (seen, _) = Seen::by(|| reader(&nobody).refresh().unwrap_err());
    assert_eq!(seen.spans("fetch")[0]["outcome"], "MISSING");
    assert_eq!(seen.spans("refresh")[0]["outcome"], "NOT_SIGNED");
}

/// A private scalar as logs would print it.
fn spellings(key: &PrivateKey) -> [String; 3] {
    let pkcs8 = key.to_notary_pkcs8();
    let at = pkcs8.windows(2).position(|pair| pair == [0x04, 0x20]).unwrap() + 2;
    let scalar = &pkcs8[at..at + 32];
    let decimal = format!("{scalar:?}");
    [HEXLOWER.encode(scalar), BASE64.encode(scalar), decimal.trim_matches(['[', ']']).to_owned()]
}

#[test]
fn publishing_shows_no_secret() {
    const PASSPHRASE: &str = "nobody-may-read-this";
    let (server, folder) = (TrustServer::new(), tempfile::tempdir().unwrap());
    let passphrases = FixedPassphrases::new().otherwise(PASSPHRASE);
    let mut secrets = vec![PASSPHRASE.to_owned()];
    let (seen, ()) = Seen::by(|| {
        let keys = DirectoryKeys::open(folder.path(), passphrases);
        for role in [KeyRole::Root, KeyRole::Targets, KeyRole::Snapshot] {
            let key = PrivateKey::generate_ecdsa().unwrap();
            secrets.extend(spellings(&key));
            keys.import(key, &role, Some(&gun())).unwrap();
        }
        publish(&server, keys);
    });
    assert_eq!(seen.spans("publish").len(), 1);
    let shown = format!("{seen:?}");
    for secret in secrets {
        assert!(!shown.contains(&secret), "a secret is in {shown}");
    }
    let known = ["refresh", "fetch", "verify", "publish", "server_key", "delete", "event"];
    let known_fields = ["gun", "role", "file", "version", "outcome", "bytes", "duration", "source"];
    for (name, fields) in &seen.0 {
        assert!(known.contains(&&name[..]), "{name} is not documented");
        if name != "event" {
            assert!(fields.keys().all(|field| known_fields.contains(&&field[..])), "{name}: {fields:?}");
        }
    }
}

#[cfg(feature = "metrics")]
mod numbers {
    use std::time::{Duration, SystemTime};

    use metrics_util::debugging::{DebugValue, DebuggingRecorder};
    use tuf_notary::{telemetry, view::Freshness};

    use super::*;

    /// Every metric that `work` recorded, by name and labels.
    fn recorded(work: impl FnOnce()) -> BTreeMap<String, DebugValue> {
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        metrics::with_local_recorder(&recorder, work);
        let found = snapshotter.snapshot().into_vec().into_iter().map(|(key, _, _, value)| {
            let mut labels: Vec<_> =
                key.key().labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
            labels.sort();
            (format!("{} {}", key.key().name(), labels.join(" ")).trim().to_owned(), value)
        });
        found.collect()
    }

    fn counted(found: &BTreeMap<String, DebugValue>, name: &str) -> u64 {
        match found.get(name) {
            Some(DebugValue::Counter(count)) => *count,
            other => panic!("{name}: {other:?} in {found:#?}"),
        }
    }

    fn gauged(found: &BTreeMap<String, DebugValue>, name: &str) -> f64 {
        match found.get(name) {
            Some(DebugValue::Gauge(value)) => value.into_inner(),
            other => panic!("{name}: {other:?} in {found:#?}"),
        }
    }

    #[test]
    fn refreshes_requests_bytes_and_seconds_are_counted() {
        let server = published();
        let mut bytes = 0;
        let found = recorded(|| {
            let collection = reader(&server);
            let view = collection.refresh().unwrap();
            let set = view.trusted();
            bytes = [set.root().bytes(), set.timestamp().bytes(), set.snapshot().bytes()]
                .map(|bytes| bytes.len())
                .into_iter()
                .sum::<usize>()
                + set.targets().bytes().len()
                + set.timestamp().bytes().len();
            collection.refresh().unwrap();
            server.misbehave(
                &gun(),
                Fault::Mutate { role: RoleName::Timestamp, change: Arc::new(|_| Vec::new()) },
            );
            assert_eq!(collection.refresh().unwrap_err().code(), "MALFORMED");
        });
        let refreshes = |outcome| format!("{} outcome={outcome} source=server", telemetry::REFRESHES);
        assert_eq!(counted(&found, &refreshes("OK")), 2);
        assert_eq!(counted(&found, &refreshes("MALFORMED")), 1);
        let requests = format!("{} operation=fetch outcome=OK", telemetry::REQUESTS);
        assert_eq!(counted(&found, &requests), 6, "four, one, and one with an empty answer");
        assert_eq!(counted(&found, telemetry::RECEIVED_BYTES), u64::try_from(bytes).unwrap());
        for (name, times) in [
            (format!("{} source=server", telemetry::REFRESH_SECONDS), 3),
            (format!("{} operation=fetch", telemetry::REQUEST_SECONDS), 6),
        ] {
            match &found[&name] {
                DebugValue::Histogram(seconds) => assert_eq!(seconds.len(), times, "{name}"),
                other => panic!("{name}: {other:?}"),
            }
        }
    }

    #[test]
    fn the_days_to_expiry_are_told_of_each_role() {
        let server = published();
        let now = SystemTime::now();
        let refresh_at = |time: SystemTime| {
            let builder = Collection::builder(gun(), Trust::FirstUse).transport(server.transport(&gun()));
            builder.clock(move || time).build().refresh().map(drop)
        };
        let name = |gauge, role| format!("{gauge} gun={GUN} role={role}");
        let found = recorded(|| refresh_at(now).unwrap());
        for role in ["root", "timestamp", "snapshot", "targets"] {
            let left = gauged(&found, &name(telemetry::SECONDS_TO_EXPIRY, role));
            let until = gauged(&found, &name(telemetry::EXPIRES_TIMESTAMP, role));
            let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
            assert!(left > 86400.0, "{role} expires in {left} s");
            assert!((until - since_epoch - left).abs() < 1.0, "{role}: {until} is not {left} s from now");
        }
        let left = gauged(&found, &name(telemetry::SECONDS_TO_EXPIRY, "timestamp"));
        let after = now + Duration::from_secs_f64(left + 3600.0);
        let found = recorded(|| drop(refresh_at(after).unwrap_err()));
        let left = gauged(&found, &name(telemetry::SECONDS_TO_EXPIRY, "timestamp"));
        assert!((left + 3600.0).abs() < 1.0, "an hour after the expiry: {left} s");
    }

    #[test]
    fn an_audit_counts_and_alarms_nobody() {
        let server = published();
        let found = recorded(|| {
            let builder = Collection::builder(gun(), Trust::FirstUse).transport(server.transport(&gun()));
            builder.freshness(Freshness::AsOf(SystemTime::now())).build().refresh().unwrap();
        });
        assert!(found.keys().any(|name| name.starts_with(telemetry::REFRESHES)));
        assert!(!found.keys().any(|name| name.starts_with(telemetry::SECONDS_TO_EXPIRY)), "{found:#?}");
    }
}
