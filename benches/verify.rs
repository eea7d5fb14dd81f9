//! Decode, verify and look up one tag, beside the floor on the same bytes.
//!
//! `cargo bench --bench verify` prints the ratio of both, measured in turns in one run, which is
//! the figure to quote; then criterion's own measurements of each.

mod support;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, Throughput};
use support::{Floor, Repository, median};

fn main() {
    let sets = [
        ("10", Repository::fixture("tags-10")),
        ("1k", Repository::fixture("tags-1k")),
        ("10k", Repository::fixture("tags-10k")),
        ("100k", Repository::published(100_000)),
    ];
    let floor = Floor::new();
    println!("{:>5} {:>12} {:>12} {:>12} {:>7}", "tags", "bytes", "ours", "floor", "ratio");
    for (name, set) in &sets {
        let (ours, least) = in_turns(|| set.look_up(), || floor.run(set.targets()));
        let ratio = ours.as_secs_f64() / least.as_secs_f64();
        println!("{name:>5} {:>12} {ours:>12.1?} {least:>12.1?} {ratio:>7.2}", set.targets().len());
    }
    let mut criterion = Criterion::default().configure_from_args();
    for (name, set) in &sets {
        let mut group = criterion.benchmark_group("verify");
        group.throughput(Throughput::Bytes(set.targets().len() as u64)).sample_size(10);
        group.bench_function(BenchmarkId::new("ours", name), |b| b.iter(|| set.look_up()));
        group.bench_function(BenchmarkId::new("floor", name), |b| b.iter(|| floor.run(set.targets())));
        group.finish();
    }
    criterion.final_summary();
}

/// Medians of two jobs that take turns, so that both see the same machine.
fn in_turns<A, B>(mut first: impl FnMut() -> A, mut second: impl FnMut() -> B) -> (Duration, Duration) {
    let mut times = (Vec::new(), Vec::new());
    let start = Instant::now();
    while times.0.len() < 15 || (start.elapsed() < Duration::from_secs(1) && times.0.len() < 2_000) {
        times.0.push(timed(&mut first));
        times.1.push(timed(&mut second));
    }
    (median(times.0), median(times.1))
}

fn timed<T>(job: &mut impl FnMut() -> T) -> Duration {
    let start = Instant::now();
    black_box(job());
    start.elapsed()
}
