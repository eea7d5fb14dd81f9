//! Which loopback port a child listens on, once it was told to take any free one.
//!
//! A port that we pick and hand over can be taken by someone else in between, and a test would then
//! talk to the wrong server. The kernel picks without that race; Linux tells us through `/proc`.

use std::fs;

/// The port of the first listening IPv4 socket that process `pid` holds.
pub fn port(pid: u32) -> Option<u16> {
    let table = fs::read_to_string(format!("/proc/{pid}/net/tcp")).ok()?;
    let held = sockets(pid)?;
    table
        .lines()
        .skip(1)
        .find_map(|line| listening(line).filter(|(_, inode)| held.contains(inode)))
        .map(|(port, _)| port)
}

/// The inode numbers of the sockets that a process holds.
fn sockets(pid: u32) -> Option<Vec<String>> {
    let links = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.filter_map(Result::ok);
    let targets = links.filter_map(|link| fs::read_link(link.path()).ok());
    let inode = |target: &str| Some(target.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned());
    Some(targets.filter_map(|target| inode(target.to_str()?)).collect())
}

/// Port and inode of a line of `/proc/net/tcp` (see proc(5)) whose socket listens.
fn listening(line: &str) -> Option<(u16, String)> {
    const LISTEN: &str = "0A";
    let columns: Vec<_> = line.split_whitespace().collect();
    let (address, state, inode) = (columns.get(1)?, columns.get(3)?, columns.get(9)?);
    let port = u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok()?;
    (*state == LISTEN).then(|| (port, (*inode).to_owned()))
}
