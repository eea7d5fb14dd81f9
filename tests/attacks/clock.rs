//! CK: clocks that are wrong, and clocks that move.

use std::{
    io::Read as _,
    time::{Duration, SystemTime},
};

use crate::facade::Collection;
use tuf_notary::{
    blocking::Initialise,
    keys::MemoryKeys,
    name::Expiry,
    store::MetadataStore as _,
    testkit::{Fault, Forge, ForgeKey},
    transport::{Transport as _, TransportError},
    verify::{Notice, Refresh, RefreshPlan, Reply, Step, TrustedSet, VerifyError},
    wire::Dialect,
};

use crate::lab::{GUN, Lab};

const DAY: Duration = Duration::from_secs(86_400);

/// One refresh by a client whose system clock shows `now`.
fn refresh_at(lab: &Lab, now: SystemTime) -> Result<TrustedSet, VerifyError> {
    let (gun, dialect) = (lab.gun(), Dialect::Notary);
    let transport = lab.server.transport(&gun);
    let plan = RefreshPlan {
        gun,
        trust: lab.trust.clone(),
        dialect,
        limits: lab.limits,
        now,
        as_of: false,
        offline: false,
    };
    let mut machine = Refresh::new(plan);
    let mut outcome = Ok(());
    loop {
        let reply = match machine.step() {
            Step::Load(slot) => lab.store.read(&slot, u64::MAX).unwrap().map_or(Reply::Absent, Reply::Found),
            Step::Fetch { resource, max } => match transport.fetch(&resource, max) {
                Ok(body) => {
                    let mut bytes = Vec::new();
                    body.take(max + 1).read_to_end(&mut bytes).unwrap();
                    Reply::Found(bytes)
                }
                Err(TransportError::NotFound { .. }) => Reply::Absent,
                Err(_) => Reply::Failed,
            },
            Step::Save(slot, bytes) => {
                lab.store.write(&slot, &bytes).unwrap();
                continue;
            }
            _ => break,
        };
        outcome = machine.supply(reply);
    }
    outcome.and_then(|()| machine.finish())
}

#[track_caller]
fn refused_at(lab: &Lab, now: SystemTime, code: &str) {
    let outcome = refresh_at(lab, now).map(|_| "accepted");
    assert_eq!(outcome.map_err(|error| error.code()), Err(code));
}

/// Whether the clock was found to be behind.
#[track_caller]
fn is_behind_at(lab: &Lab, now: SystemTime) -> bool {
    refresh_at(lab, now).unwrap().notices().contains(&Notice::ClockBehind)
}

fn day(count: u32) -> SystemTime {
    Forge::now() + DAY * count
}

fn text(time: SystemTime) -> String {
    Expiry::after(time, Duration::ZERO).unwrap().to_string()
}

/// A lab whose timestamps last for 30 days.
fn lab() -> Lab {
    let mut lab = Lab::new();
    lab.forge.expires("timestamp", &text(day(30)));
    lab.serve();
    lab
}

#[test]
fn ck_01_a_clock_that_is_set_back_makes_nothing_valid_again() {
    let mut lab = lab();
    refresh_at(&lab, day(20)).unwrap();
    let mut good = lab.forge.clone();
    good.bump("targets");
    // Newer than what is trusted, so that only the time is against it.
    lab.forge.expires("targets", &text(day(10)));
    lab.forge.bump("targets");
    lab.serve();
    for _ in 0..2 {
        refused_at(&lab, day(5), "EXPIRED");
    }
    good.bump("snapshot");
    lab.server.serve(&good.build());
    assert!(is_behind_at(&lab, day(5)));
    // What has expired by the clock itself is not made valid by a latest time before it.
    refused_at(&lab, day(31), "EXPIRED");
}

#[test]
fn ck_02_a_clock_that_was_far_ahead_locks_nobody_out() {
    let lab = lab();
    for ahead in [31, 400, 3_600, 36_500] {
        assert!(refresh_at(&lab, day(ahead)).is_err(), "expired, or not yet certified");
        assert!(!is_behind_at(&lab, day(1)));
    }
}

/// The latest time never runs further ahead than a timestamp lasts.
#[test]
fn ck_02_a_clock_that_was_a_little_ahead_locks_nobody_out() {
    let mut lab = lab();
    refresh_at(&lab, day(29)).unwrap();
    for today in 0..60 {
        if today % 30 == 29 {
            lab.forge.expires("timestamp", &text(day(today + 31)));
            lab.forge.bump("timestamp");
            lab.serve();
        }
        assert_eq!(is_behind_at(&lab, day(today)), today < 29, "day {today}");
    }
}

#[test]
fn ck_02_the_latest_time_can_be_forgotten() {
    let lab = lab();
    refresh_at(&lab, day(20)).unwrap();
    lab.collection().dangerous().forget().unwrap();
    assert!(!is_behind_at(&lab, day(1)));
}

#[test]
fn ck_03_impossible_times_are_refused_without_panic() {
    let epoch = SystemTime::UNIX_EPOCH;
    let mut times = vec![epoch - Duration::from_secs(1), epoch, epoch + Duration::from_secs(1 << 40)];
    let most = Duration::from_secs(i64::MAX as u64);
    times.extend(epoch.checked_add(most));
    times.extend(epoch.checked_sub(most));
    for time in times {
        let lab = lab();
        assert!(refresh_at(&lab, time).is_err(), "first contact at {time:?}");
        assert_eq!(lab.kept("root"), None);
        refresh_at(&lab, day(1)).unwrap();
        match time < day(1) {
            true => assert!(is_behind_at(&lab, time)),
            false => refused_at(&lab, time, "EXPIRED"),
        }
        lab.server.clear_requests();
        let collection = Collection::builder(lab.gun(), lab.trust.clone())
            .transport(lab.server.transport(&"example.com/none".parse().unwrap()))
            .keys(MemoryKeys::new())
            .clock(move || time);
        let outcome = collection.build().initialise(&Initialise::new());
        assert!(outcome.is_err(), "published at {time:?}");
    }
}

#[test]
fn ck_03_dates_beyond_32_bits_are_dates_like_any_other() {
    let mut lab = Lab::new();
    lab.now = SystemTime::UNIX_EPOCH + Duration::from_secs((1 << 32) + 1);
    let key = ForgeKey::certificate_with(Forge::now(), lab.now + DAY, GUN);
    lab.forge.set_keys("root", &[key], 1);
    for role in ["root", "targets", "snapshot", "timestamp"] {
        lab.forge.expires(role, &text(lab.now + DAY));
    }
    lab.serve();
    lab.refresh().unwrap();
    lab.now += DAY;
    lab.refused("EXPIRED");
}

/// With the system's own clock: all files expire after the first answer and before the last.
#[test]
fn ck_04_files_are_judged_by_the_start_of_the_refresh() {
    let mut lab = Lab::new();
    let start = SystemTime::now();
    let end = Expiry::after(start, Duration::from_secs(2)).unwrap().to_string();
    let key = ForgeKey::certificate_with(start - DAY, start + DAY, GUN);
    lab.forge.set_keys("root", &[key], 1);
    for role in ["root", "targets", "snapshot", "timestamp"] {
        lab.forge.expires(role, &end);
    }
    lab.serve();
    lab.server.misbehave(&lab.gun(), Fault::Delay(Duration::from_millis(550)));
    let collection = Collection::builder(lab.gun(), lab.trust.clone())
        .transport(lab.server.transport(&lab.gun()))
        .store(lab.store.clone())
        .build();
    collection.refresh().unwrap();
    assert_eq!(collection.refresh().unwrap_err().code(), "EXPIRED");
}

#[test]
fn ck_05_certificates_are_judged_by_the_instant_of_the_refresh() {
    let mut lab = lab();
    refresh_at(&lab, day(20)).unwrap();
    let mut good = lab.forge.clone();
    good.bump("root");
    let key = ForgeKey::certificate_with(day(0), day(10), GUN);
    lab.forge.rotate_root(&[key], 1);
    lab.serve();
    // Good at the clock's time, and not at the latest time that was known.
    refused_at(&lab, day(5), "EXPIRED");
    lab.server.serve(&good.build());
    refresh_at(&lab, day(5)).unwrap();
}
