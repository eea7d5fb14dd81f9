//! Files that a configuration names, or that are one.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// Largest file that is read.
const MAX_FILE: u64 = 4 << 20;

/// Reads a file below `base`.
pub(super) fn read(base: &Path, path: &Path) -> Result<Vec<u8>, String> {
    if path.as_os_str().is_empty() {
        return Err("an empty path".to_owned());
    }
    let path = base.join(path);
    bounded(&path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Reads a whole file of sensible size.
pub(super) fn bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= MAX_FILE) {
        return Ok(bytes);
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, format!("longer than {MAX_FILE} bytes")))
}
