//! 100,000 targets, from a trusted root to one target, by a new client each time; and the second
//! refresh of a client that finds nothing new.
//!
//! `cargo bench --bench cold` in this folder prints medians and ratios, measured in turns so that all
//! clients see the same machine, and whether ours is as fast as it is meant to be: those are the
//! figures to quote. On a busy machine the time of the processor, all threads together, says more
//! than the clock on the wall. Then come criterion's own measurements, with `--profile-time` alone.

use std::{
    env,
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use criterion::{BatchSize, Criterion, Throughput};
use rustix::time::{ClockId, clock_gettime};
use tempfile::TempDir;
use tuf_notary_peers::{clients::Clients, files::Files};

const ROUNDS: usize = 11;
const TARGETS: usize = 100_000;
const UNCHANGED: Duration = Duration::from_millis(5);

fn main() {
    let files = Files::write(TARGETS);
    let size = files.size();
    let clients = Clients::new(files);
    if !env::args().any(|argument| argument == "--profile-time") {
        in_turns(&clients, size);
        unchanged(&clients);
    }
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("cold");
    group.throughput(Throughput::Bytes(size as u64)).sample_size(10);
    group.bench_function("ours", |b| b.iter(|| clients.ours()));
    group.bench_function("sigstore-tuf", |b| b.iter(|| clients.sigstore()));
    group.bench_function("rust-tuf", |b| b.iter(|| clients.rust_tuf()));
    group.bench_function("tough", |b| {
        b.iter_batched_ref(folder, |folder| clients.tough(folder.path()), BatchSize::PerIteration)
    });
    group.finish();
    let repository = clients.refreshed();
    criterion.bench_function("unchanged refresh", |b| b.iter(|| repository.refresh().expect("trusted")));
    criterion.final_summary();
}

fn in_turns(clients: &Clients, size: usize) {
    let mut spent: [Vec<Spent>; 4] = Default::default();
    for _ in 0..ROUNDS {
        let folder = folder();
        let jobs: [&dyn Fn() -> u64; 4] =
            [&|| clients.ours(), &|| clients.sigstore(), &|| clients.tough(folder.path()), &|| {
                clients.rust_tuf()
            }];
        let found = jobs.map(measured);
        assert!(found.iter().all(|(length, _)| *length == found[0].0), "they disagree");
        spent.iter_mut().zip(found).for_each(|(spent, (_, one))| spent.push(one));
    }
    let [ours, sigstore, tough, rust_tuf] = spent.map(median);
    println!("{TARGETS} targets, {size} bytes, medians of {ROUNDS} rounds in turns");
    println!("{:>13} {:>10} {:>10}", "", "wall", "processor");
    println!("{:>13} {:>10.1?} {:>10.1?}", "ours", ours.wall, ours.processor);
    report("sigstore-tuf", ours, sigstore, Some(0.2));
    report("tough", ours, tough, Some(0.07));
    report("rust-tuf", ours, rust_tuf, None);
}

fn report(name: &str, ours: Spent, theirs: Spent, goal: Option<f64>) {
    let ratio = |ours: Duration, theirs: Duration| ours.as_secs_f64() / theirs.as_secs_f64();
    let (wall, processor) = (ratio(ours.wall, theirs.wall), ratio(ours.processor, theirs.processor));
    let verdict = goal.map_or(String::new(), |goal| format!(", goal {goal}: {}", verdict(wall <= goal)));
    let Spent { wall: by_wall, processor: by_processor } = theirs;
    println!(
        "{name:>13} {by_wall:>10.1?} {by_processor:>10.1?}; ours is {wall:.3} and {processor:.3} of it{verdict}"
    );
}

/// With what the first refresh has kept, nothing but the timestamp is asked for.
fn unchanged(clients: &Clients) {
    let repository = clients.refreshed();
    let refresh = || repository.refresh().expect("trusted").targets().body().version.get();
    let time = median((0..101).map(|_| measured(&refresh).1).collect()).wall;
    println!("an unchanged refresh: {time:.1?}, goal {UNCHANGED:?}: {}", verdict(time < UNCHANGED));
}

#[derive(Clone, Copy)]
struct Spent {
    wall: Duration,
    processor: Duration,
}

fn measured<T>(job: &(impl Fn() -> T + ?Sized)) -> (T, Spent) {
    let (start, before) = (Instant::now(), processor());
    let result = black_box(job());
    (result, Spent { wall: start.elapsed(), processor: processor() - before })
}

/// What all threads of this process have had of the processor.
fn processor() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().expect("a duration")
}

fn median(spent: Vec<Spent>) -> Spent {
    let middle = |time: fn(&Spent) -> Duration| {
        let mut times: Vec<_> = spent.iter().map(time).collect();
        times.sort_unstable();
        times[times.len() / 2]
    };
    Spent { wall: middle(|one| one.wall), processor: middle(|one| one.processor) }
}

const fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

/// In memory, where the system has such a place.
fn folder() -> TempDir {
    let shared = Path::new("/dev/shm");
    if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() }.expect("a folder")
}
