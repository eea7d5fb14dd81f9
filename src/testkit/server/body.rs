//! The body of a reply: what came of it is counted, and it ends as the faults say.

use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::Fault;
use crate::name::RoleName;

/// A file on its way to a client.
#[derive(Debug)]
pub(super) struct Body {
    content: io::Cursor<Vec<u8>>,
    end: End,
    read: Arc<AtomicU64>,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Proper,
    Broken,
    Never,
}

impl Body {
    pub(super) fn new(mut content: Vec<u8>, role: &RoleName, faults: &[Fault], read: Arc<AtomicU64>) -> Self {
        let mut end = End::Proper;
        for fault in faults {
            match fault {
                Fault::Truncate { role: broken, length } if broken == role => {
                    content.truncate(*length);
                    end = End::Broken;
                }
                Fault::Endless { role: endless } if endless == role => end = End::Never,
                _ => {}
            }
        }
        Self { content: io::Cursor::new(content), end, read }
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut count = self.content.read(buffer)?;
        if count == 0 && !buffer.is_empty() {
            match self.end {
                End::Proper => {}
                End::Broken => return Err(io::ErrorKind::UnexpectedEof.into()),
                End::Never => {
                    buffer.fill(b' ');
                    count = buffer.len();
                }
            }
        }
        self.read.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(count)
    }
}
