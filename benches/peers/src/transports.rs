//! The same files in memory, in the way that each client wants to be served, at the least cost.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use futures_util::stream;
use tough::{TransportError, TransportErrorKind, TransportStream};
use url::Url;

/// A repository of sigstore-tuf's.
pub struct ForSigstore(pub Arc<BTreeMap<String, Vec<u8>>>);

impl sigstore_tuf::Repository for ForSigstore {
    fn fetch_metadata<'a>(&'a self, name: &'a str, _: u64) -> sigstore_tuf::transport::FetchFuture<'a> {
        Box::pin(async move { Ok(self.0.get(name).cloned()) })
    }

    fn fetch_target<'a>(&'a self, _: &'a str, _: u64) -> sigstore_tuf::transport::FetchFuture<'a> {
        Box::pin(async { Ok(None) })
    }
}

/// A transport of tough's.
#[derive(Clone, Debug)]
pub struct ForTough(pub Arc<BTreeMap<String, Bytes>>);

#[async_trait::async_trait]
impl tough::Transport for ForTough {
    async fn fetch(&self, url: Url) -> Result<TransportStream, TransportError> {
        let name = url.path().rsplit('/').next().unwrap_or_default();
        match self.0.get(name) {
            Some(file) => {
                let file: Result<_, TransportError> = Ok(file.clone());
                Ok(Box::pin(stream::iter([file])))
            }
            None => Err(TransportError::new(TransportErrorKind::FileNotFound, url)),
        }
    }
}

/// A repository of sigstore-tuf's on files, for it has none of its own.
pub struct FromFolder(pub BTreeMap<String, std::path::PathBuf>);

impl sigstore_tuf::Repository for FromFolder {
    fn fetch_metadata<'a>(&'a self, name: &'a str, _: u64) -> sigstore_tuf::transport::FetchFuture<'a> {
        let read = |path| std::fs::read(path).expect("readable");
        Box::pin(std::future::ready(Ok(self.0.get(name).map(read))))
    }

    fn fetch_target<'a>(&'a self, _: &'a str, _: u64) -> sigstore_tuf::transport::FetchFuture<'a> {
        Box::pin(async { Ok(None) })
    }
}
