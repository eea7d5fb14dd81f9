//! CK: clocks that are wrong, and clocks that move.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

use tuf_notary::{
    name::{Expiry, TargetName},
    testkit::TufForge,
    verify::Notice,
};

use crate::{
    facade::Repository,
    lab::{DAY, FOUR, LATER, Lab, keys},
};

fn day(count: u32) -> SystemTime {
    TufForge::now() + DAY * count
}

fn text(time: SystemTime) -> String {
    Expiry::after(time, Duration::ZERO).unwrap().to_string()
}

/// Timestamps last for 30 days; a delegated role signs `team/file`.
fn forge() -> TufForge {
    let mut forge = TufForge::new();
    forge.expires("timestamp", &text(day(30)));
    forge.delegate("targets", "team", &keys::<1>(), 1, &["team/*"]);
    forge.add_target("team", "team/file", b"x");
    forge
}

#[track_caller]
fn is_behind(lab: &Lab) -> bool {
    lab.refresh().unwrap().notices().contains(&Notice::ClockBehind)
}

#[test]
fn ck_01_a_clock_that_is_set_back_makes_nothing_valid_again() {
    for role in ["targets", "snapshot", "timestamp"] {
        let mut lab = Lab::of(forge());
        lab.clock.set(day(20));
        lab.refresh().unwrap();
        let mut good = lab.forge.clone();
        // Newer than what is trusted, so that only the time is against it.
        lab.forge.expires(role, &text(day(10)));
        lab.forge.bump("targets");
        lab.serve();
        lab.clock.set(day(5));
        for _ in 0..2 {
            lab.refused("EXPIRED");
        }
        for _ in 0..2 {
            good.bump("targets");
        }
        lab.recovers(&good.build());
        assert!(is_behind(&lab));
        // What has expired by the clock itself is not made valid by a latest time before it.
        lab.clock.set(day(31));
        lab.refused("EXPIRED");
    }
}

#[test]
fn ck_01_nor_a_delegated_role_that_is_looked_at_later() {
    let mut lab = Lab::of(forge());
    lab.forge.expires("team", &text(day(10)));
    lab.forge.bump("snapshot");
    lab.serve();
    lab.clock.set(day(20));
    let repository = lab.repository();
    let find = |repository: &Repository| {
        let found = repository.find(&TargetName::new("team/file").unwrap());
        found.map(|found| found.is_some()).map_err(|error| error.code())
    };
    repository.refresh().unwrap();
    lab.clock.set(day(5));
    assert_eq!(find(&repository), Err("EXPIRED"), "the client that goes on");
    assert_eq!(find(&lab.repository()), Err("EXPIRED"), "and one that begins");
}

#[test]
fn ck_02_a_clock_that_was_far_ahead_locks_nobody_out() {
    let lab = Lab::of(forge());
    lab.refresh().unwrap();
    for ahead in [31, 400, 3_600, 36_500] {
        lab.clock.set(day(ahead));
        lab.refused("EXPIRED");
        lab.clock.set(day(1));
        assert!(!is_behind(&lab));
    }
}

/// The latest time never runs further ahead than a timestamp lasts, and can be forgotten.
#[test]
fn ck_02_a_clock_that_was_a_little_ahead_locks_nobody_out() {
    let mut lab = Lab::of(forge());
    lab.clock.set(day(29));
    lab.refresh().unwrap();
    for today in 0..60 {
        lab.clock.set(day(today));
        if today % 30 == 29 {
            lab.forge.expires("timestamp", &text(day(today + 31)));
            lab.forge.bump("timestamp");
            lab.serve();
        }
        assert_eq!(is_behind(&lab), today < 29, "day {today}");
    }
    lab.clock.set(day(1));
    assert!(is_behind(&lab));
    lab.repository().dangerous().forget().unwrap();
    assert!(!is_behind(&lab));
}

#[test]
fn ck_03_impossible_times_are_refused_without_panic() {
    let epoch = SystemTime::UNIX_EPOCH;
    let mut times = vec![epoch - Duration::from_secs(1), epoch, epoch + Duration::from_secs(1 << 40)];
    let most = Duration::from_secs(i64::MAX as u64);
    times.extend(epoch.checked_add(most));
    times.extend(epoch.checked_sub(most));
    for time in times {
        // Whether a time before the repository was made is refused is the calendar's business.
        let lab = Lab::of(forge());
        lab.clock.set(time);
        let first = lab.refresh();
        assert!(first.is_err() || time < day(0), "{time:?}");
        if let Err(error) = &first {
            assert_eq!(error.code(), "EXPIRED", "{time:?}: {error}");
        }
        let _ = lab.find("team/file");
        lab.clock.set(day(1));
        lab.refresh().unwrap();
        lab.clock.set(time);
        match time < day(1) {
            true => assert!(is_behind(&lab)),
            false => drop(lab.refused("EXPIRED")),
        }
    }
}

#[test]
fn ck_03_dates_beyond_32_bits_are_dates_like_any_other() {
    let far = SystemTime::UNIX_EPOCH + Duration::from_secs((1 << 32) + 1);
    let mut forge = forge();
    for role in FOUR.into_iter().chain(["team"]) {
        forge.expires(role, &text(far + DAY));
    }
    let lab = Lab::of(forge);
    lab.clock.set(far);
    assert!(lab.find("team/file").unwrap().is_some());
    lab.clock.advance(DAY);
    lab.refused("EXPIRED");
}

/// A clock that goes on by an hour each time it is looked at: all files expire within a refresh.
#[test]
fn ck_04_files_are_judged_by_the_start_of_the_refresh() {
    let mut forge = forge();
    for role in ["root", "timestamp", "snapshot", "targets"] {
        forge.expires(role, &text(day(0) + Duration::from_secs(1)));
    }
    let lab = Lab::of(forge);
    let asked = Arc::new(AtomicU32::new(0));
    // The transport moves the clock: half a second for each request.
    let clock = lab.clock.clone();
    let slow = Slow { server: lab.server.clone(), clock: clock.clone(), asked: Arc::clone(&asked) };
    let repository = Repository::builder(lab.shipped.clone())
        .transport(slow)
        .store(lab.store.clone())
        .clock(move || clock.now())
        .build();
    repository.refresh().unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 4);
    assert_eq!(repository.refresh().unwrap_err().code(), "EXPIRED");
    let mut forge = lab.forge.clone();
    for role in ["timestamp", "snapshot", "targets"] {
        forge.expires(role, LATER);
    }
    forge.bump("root");
    forge.expires("root", LATER);
    forge.bump("targets");
    lab.server.serve(&forge.build());
    repository.refresh().unwrap();
}

#[derive(Debug)]
struct Slow {
    server: crate::server::Server,
    clock: crate::lab::Clock,
    asked: Arc<AtomicU32>,
}

impl tuf_notary::transport::Transport for Slow {
    fn fetch(
        &self,
        what: &tuf_notary::name::Resource,
        max: u64,
    ) -> Result<Box<dyn std::io::Read + Send>, tuf_notary::transport::TransportError> {
        self.clock.advance(Duration::from_millis(500));
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.server.fetch(what, max)
    }
}
