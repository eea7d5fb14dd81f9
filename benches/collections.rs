//! A thousand collections, verified by the asynchronous façade and by a loop of `notary lookup`; and
//! what a look-up costs in a view that is fresh.
//!
//! `cargo bench --bench collections --features http-async`. Needs Debian's `notary`, with
//! `notary-server`. Both ask the same server, in turns; the loop is timed on every tenth collection.

#[path = "../tests/common/mod.rs"]
mod common;
mod support;

use std::{
    env, fs,
    hint::black_box,
    num::NonZeroUsize,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use common::notary_server::NotaryServer;
use support::median;
use tuf_notary::{
    blocking::{self, Initialise},
    edit::Changes,
    future::{Collection, Collections},
    keys::MemoryKeys,
    metadata::TargetInfo,
    name::{Gun, Hashes, TargetName},
    testkit::TrustServer,
    transport::{AsyncHttpTransport, HttpTransport},
    verify::Trust,
};

const COLLECTIONS: usize = 1_000;
const TAGS: u8 = 10;
const AT_ONCE: usize = 16;
const SERVER: &str = "TUF_NOTARY_BENCH_SERVER";

fn main() {
    match env::var(SERVER) {
        Ok(url) => verify_all(&url),
        Err(_) => compare(),
    }
}

fn compare() {
    look_up();
    let folder = tempfile::tempdir().expect("a folder");
    let Some(server) = NotaryServer::start("collections") else { return };
    let url = server.url();
    (0..COLLECTIONS).for_each(|number| publish(&url, number));
    let itself = env::current_exe().expect("a path");
    let (mut ours, mut theirs, mut peak) = (Vec::new(), Vec::new(), 0);
    for round in 0..3 {
        // A process of its own, which owes nothing to the publishing.
        let output = Command::new(&itself).env(SERVER, &url).output().expect("started");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let numbers: Vec<u64> = text.split_whitespace().map(|it| it.parse().expect("a number")).collect();
        let [micros, kilobytes] = numbers[..] else { panic!("{text}") };
        ours.push(Duration::from_micros(micros));
        peak = peak.max(kilobytes);
        theirs.push(notary(&url, &folder.path().join(format!("cache-{round}"))));
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!(
        "{COLLECTIONS} collections of {TAGS} tags: ours {ours:.2?}, peak {:.1} MB; notary lookup {theirs:.2?} \
         (every tenth, times ten); ratio {:.1}",
        peak as f64 * 1024.0 / 1e6,
        theirs.as_secs_f64() / ours.as_secs_f64()
    );
}

/// What a program pays that asks for a tag while its view is fresh.
fn look_up() {
    let server = TrustServer::new();
    let gun = Gun::new("registry.example.com/team/fresh").expect("a GUN");
    let infos = (0..100_000_u32).map(|number| (format!("v0.0-{number:06}"), info(number as u8)));
    let changes =
        infos.fold(Changes::new(), |all, (tag, info)| all.sign(TargetName::new(&tag).expect("a name"), info));
    let collection = blocking::Collection::builder(gun.clone(), Trust::FirstUse)
        .transport(server.transport(&gun))
        .keys(MemoryKeys::new())
        .max_age(Duration::from_secs(3600))
        .build();
    collection.initialise(&Initialise::new().changes(changes)).expect("published");
    collection.refresh().expect("trusted");
    let (rounds, before) = (100_000, Instant::now());
    for _ in 0..rounds {
        let view = collection.refresh().expect("fresh");
        black_box(view.target(black_box("v0.0-050000")).expect("signed").length());
    }
    println!("a tag of 100,000 in a fresh view: {:.0?}", before.elapsed() / rounds);
}

fn info(byte: u8) -> TargetInfo {
    TargetInfo { length: 1234, hashes: Hashes::sha256([byte; 32]), custom: None }
}

fn gun(number: usize) -> Gun {
    Gun::new(&format!("registry.example.com/many/c{number:04}")).expect("a GUN")
}

fn publish(url: &str, number: usize) {
    let gun = gun(number);
    let changes = (0..TAGS).fold(Changes::new(), |all, tag| {
        all.sign(TargetName::new(&format!("v{tag}")).expect("a name"), info(tag))
    });
    let transport = HttpTransport::builder(url.parse().expect("a URL"), &gun).dangerous().allow_plain_http();
    let collection = blocking::Collection::builder(gun, Trust::FirstUse)
        .transport(transport.build().expect("a transport"))
        .keys(MemoryKeys::new())
        .build();
    collection.initialise(&Initialise::new().changes(changes)).expect("published");
}

/// All of them once, cold; prints microseconds and the peak memory in kilobytes.
fn verify_all(url: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let begun = Instant::now();
    runtime.block_on(async {
        let builder = AsyncHttpTransport::builder(url.parse().expect("a URL"), &gun(0));
        let transport = builder.dangerous().allow_plain_http().build_async().expect("a transport");
        let most = NonZeroUsize::new(COLLECTIONS).expect("not zero");
        let all = Collections::new(most, move |gun| {
            let transport = transport.for_collection(gun)?;
            Ok(Collection::builder(gun.clone(), Trust::FirstUse).transport(transport).build())
        });
        let tasks: Vec<_> = (0..AT_ONCE)
            .map(|first| {
                let all = all.clone();
                tokio::spawn(async move {
                    for number in (first..COLLECTIONS).step_by(AT_ONCE) {
                        let view = all.get(&gun(number)).expect("a handle").refresh().await.expect("trusted");
                        assert_eq!(view.target("v7").expect("signed").length(), 1234);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("done");
        }
    });
    let elapsed = begun.elapsed().as_micros();
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    println!("{elapsed} {}", peak.trim().trim_end_matches(" kB"));
}

/// The time of `notary lookup` for all, from every tenth.
fn notary(url: &str, cache: &Path) -> Duration {
    let begun = Instant::now();
    for number in (0..COLLECTIONS).step_by(10) {
        let arguments = ["lookup", gun(number).as_str(), "v7"].map(str::to_owned);
        let mut command = Command::new("notary");
        command.args(["-s", url, "-d"]).arg(cache).args(arguments).stdout(Stdio::null());
        assert!(command.status().expect("notary runs").success());
    }
    begun.elapsed() * 10
}
