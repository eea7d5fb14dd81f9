//! Peak resident memory of a whole process that verifies a collection of 100,000 tags and looks
//! one up, beside the size of its targets file. Linux only: it reads /proc.

mod support;

use std::{env, fs, io::Read, process::Command};

use support::Repository;
use tuf_notary::{
    blocking::Collection,
    name::{Gun, Resource},
    transport::{Transport, TransportError},
    verify::Trust,
};

const FOLDER: &str = "TUF_NOTARY_BENCH_FOLDER";
const TAG: &str = "v0.0-050000";

fn main() {
    match env::var(FOLDER) {
        Ok(folder) => look_up(folder),
        Err(_) => measure(),
    }
}

/// The parent writes the files and starts a fresh process, which owes nothing to their making.
fn measure() {
    let repository = Repository::published(100_000);
    let folder = tempfile::tempdir().expect("a folder");
    for (name, file) in &repository.files {
        fs::write(folder.path().join(name), file).expect("written");
    }
    let size = repository.targets().len();
    let itself = env::current_exe().expect("a path");
    let run = |folder: &str| {
        let output = Command::new(&itself).env(FOLDER, folder).output().expect("started");
        String::from_utf8_lossy(&output.stdout).trim().parse::<usize>().expect("kilobytes") * 1024
    };
    let (idle, peak) = (run(""), run(folder.path().to_str().expect("UTF-8")));
    let ratio = |bytes: usize| bytes as f64 / size as f64;
    println!("targets file {size} bytes; idle process {idle}; peak {peak} = {:.2} files", ratio(peak));
    println!("peak above idle: {:.2} files", ratio(peak - idle));
}

fn look_up(folder: String) {
    if !folder.is_empty() {
        let gun = Gun::new("registry.example.com/team/large").expect("a GUN");
        let collection =
            Collection::builder(gun, Trust::FirstUse).transport(Folder(folder)).store(Nowhere).build();
        let view = collection.refresh().expect("trusted");
        assert_eq!(view.target(TAG).expect("signed").length(), 1234);
    }
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    println!("{}", peak.trim().trim_end_matches(" kB"));
}

/// Serves plain files.
#[derive(Debug)]
struct Folder(String);

impl Transport for Folder {
    fn fetch(&self, what: &Resource, _: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        let path = format!("{}/{}.json", self.0, what.role);
        Ok(Box::new(fs::File::open(path).map_err(|_| TransportError::NotFound { what: what.notary_name() })?))
    }
}

/// Keeps nothing, so that only the verifier's memory counts.
#[derive(Debug)]
struct Nowhere;

impl tuf_notary::store::MetadataStore for Nowhere {
    fn read(
        &self,
        _: &tuf_notary::name::Slot,
        _: u64,
    ) -> Result<Option<Vec<u8>>, tuf_notary::store::StoreError> {
        Ok(None)
    }
    fn write(&self, _: &tuf_notary::name::Slot, _: &[u8]) -> Result<(), tuf_notary::store::StoreError> {
        Ok(())
    }
    fn remove(&self, _: &tuf_notary::name::Slot) -> Result<(), tuf_notary::store::StoreError> {
        Ok(())
    }
    fn clear(&self) -> Result<(), tuf_notary::store::StoreError> {
        Ok(())
    }
    fn lock(
        &self,
        _: std::time::Duration,
    ) -> Result<tuf_notary::store::StoreLock, tuf_notary::store::StoreError> {
        Ok(tuf_notary::store::StoreLock::new(()))
    }
}
