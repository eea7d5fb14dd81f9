//! Our transports keep what `Transport` promises, whatever the server does.

#[cfg(feature = "http-blocking")]
#[path = "transports/auth.rs"]
mod auth;
#[cfg(feature = "directory")]
#[path = "transports/directory.rs"]
mod directory;
#[cfg(all(feature = "docker-config", unix))]
#[path = "transports/docker_config.rs"]
mod docker_config;
#[cfg(feature = "http-blocking")]
mod adapter {
    pub use tuf_notary::transport::{HttpRepository, HttpTransport, HttpTransportBuilder};
    use tuf_notary::transport::{TransportError, TufRepository};

    pub const IS_BLOCKING: bool = true;

    pub fn build(builder: HttpTransportBuilder<TufRepository>) -> Result<HttpRepository, TransportError> {
        builder.build()
    }
}
#[cfg(feature = "http-blocking")]
#[path = "transports/faults.rs"]
mod faults;
#[cfg(feature = "http-blocking")]
#[path = "transports/http.rs"]
mod http;
#[cfg(feature = "http-blocking")]
#[path = "transports/proxies.rs"]
mod proxies;
#[cfg(feature = "http-blocking")]
#[path = "transports/realms.rs"]
mod realms;
#[cfg(feature = "http-blocking")]
#[path = "transports/redirects.rs"]
mod redirects;
#[cfg(feature = "http-blocking")]
#[path = "transports/repository.rs"]
mod repository;
#[cfg(feature = "directory")]
#[path = "transports/repository_directory.rs"]
mod repository_directory;
#[path = "transports/served.rs"]
mod served;
#[cfg(feature = "http-blocking")]
#[path = "transports/server.rs"]
mod server;
#[cfg(feature = "http-blocking")]
#[path = "transports/slow.rs"]
mod slow;
#[cfg(feature = "http-blocking")]
#[path = "transports/tls.rs"]
mod tls;

use std::{
    io::{Cursor, Read},
    panic,
    pin::pin,
    task::{Context, Waker},
};

use served::{served, targets};
use tuf_notary::{
    name::Resource,
    testkit::suite::{self, Served},
    transport::{Blocking, MemoryTransport, TargetTransport, Transport, TransportError},
};

#[test]
fn the_memory_transport_keeps_its_promises() {
    let served = served();
    let transport: MemoryTransport = served.present.iter().cloned().collect();
    suite::transport(&transport, &served);
    transport.remove(&served.present[0].0).expect("it was there");
    transport.insert(served.absent.clone(), "xx");
    let swapped =
        Served { present: vec![(served.absent, b"xx".to_vec())], absent: served.present[0].0.clone() };
    suite::transport(&transport, &swapped);
}

#[test]
fn the_memory_transport_keeps_its_promises_for_targets() {
    let (served, transport) = (targets(), MemoryTransport::new());
    for (path, content) in &served.present {
        assert_eq!(transport.insert_target(path.clone(), content.clone()), None);
    }
    suite::target_transport(&transport, &served);
    for (path, content) in served.present {
        assert_eq!(transport.remove_target(&path), Some(content));
        assert!(transport.fetch_target(&path, 10).is_err());
    }
}

#[derive(Debug)]
struct FaultyTargets(MemoryTransport, Fault);

impl TargetTransport for FaultyTargets {
    fn fetch_target(&self, path: &str, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        let what = path.to_owned();
        match (self.1, self.0.fetch_target(path, max)) {
            (Fault::CutsToTheCap, _) => Ok(Box::new(self.0.fetch_target(path, u64::MAX)?.take(max))),
            (Fault::EmptyForAbsent, Err(_)) => Ok(Box::new(Cursor::new([]))),
            (Fault::OutageForAbsent, Err(TransportError::NotFound { .. })) => {
                Err(TransportError::Connection { what, reason: "no idea".to_owned() })
            }
            (Fault::OtherBytes, Ok(_)) => Ok(Box::new(Cursor::new([b'x'; 8]))),
            (Fault::NamesAnotherLimit, Err(TransportError::TooLarge { what, .. })) => {
                Err(TransportError::TooLarge { what, limit: 1 << 40 })
            }
            (Fault::Climbs, Err(TransportError::Path { .. })) => {
                self.0.fetch_target(path.rsplit("./").next().unwrap(), max)
            }
            (_, outcome) => outcome,
        }
    }
}

#[test]
fn the_suite_notices_a_faulty_transport_of_targets() {
    let served = targets();
    let passes = |fault| {
        let memory = MemoryTransport::new();
        for (path, content) in &served.present {
            memory.insert_target(path.clone(), content.clone());
        }
        let transport = FaultyTargets(memory, fault);
        let is_kept = panic::catch_unwind(|| suite::target_transport(&transport, &served)).is_ok();
        let transport = Blocking::new(transport);
        let asynchronous = || {
            let suite = pin!(suite::async_target_transport(&transport, &served));
            assert!(suite.poll(&mut Context::from_waker(Waker::noop())).is_ready());
        };
        assert_eq!(panic::catch_unwind(panic::AssertUnwindSafe(asynchronous)).is_ok(), is_kept, "{fault:?}");
        is_kept
    };
    assert!(passes(Fault::None));
    for fault in [
        Fault::CutsToTheCap,
        Fault::EmptyForAbsent,
        Fault::OutageForAbsent,
        Fault::OtherBytes,
        Fault::NamesAnotherLimit,
        Fault::Climbs,
    ] {
        assert!(!passes(fault), "{fault:?}");
    }
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    CutsToTheCap,
    EmptyForAbsent,
    OutageForAbsent,
    OtherBytes,
    NamesAnotherLimit,
    Climbs,
}

#[derive(Debug)]
struct Faulty(MemoryTransport, Fault);

impl Transport for Faulty {
    fn fetch(&self, what: &Resource, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        let name = what.notary_name();
        match (self.1, self.0.fetch(what, max)) {
            (Fault::CutsToTheCap, _) => Ok(Box::new(self.0.fetch(what, u64::MAX)?.take(max))),
            (Fault::EmptyForAbsent, Err(_)) => Ok(Box::new(Cursor::new([]))),
            (Fault::OutageForAbsent, Err(TransportError::NotFound { .. })) => {
                Err(TransportError::Connection { what: name, reason: "no idea".to_owned() })
            }
            (Fault::OtherBytes, Ok(_)) => Ok(Box::new(Cursor::new([b'x'; 8]))),
            (Fault::NamesAnotherLimit, Err(TransportError::TooLarge { what, .. })) => {
                Err(TransportError::TooLarge { what, limit: 1 << 40 })
            }
            (_, outcome) => outcome,
        }
    }
}

#[test]
fn the_suite_notices_a_faulty_transport() {
    let served = served();
    let passes = |fault| {
        let transport = Faulty(served.present.iter().cloned().collect(), fault);
        panic::catch_unwind(|| suite::transport(&transport, &served)).is_ok()
    };
    assert!(passes(Fault::None));
    for fault in [
        Fault::CutsToTheCap,
        Fault::EmptyForAbsent,
        Fault::OutageForAbsent,
        Fault::OtherBytes,
        Fault::NamesAnotherLimit,
    ] {
        assert!(!passes(fault), "{fault:?}");
    }
}
