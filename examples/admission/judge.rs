//! Pins images by what their collections say. One handle a collection serves all requests: questions
//! that come together become one, and an answer is served again as long as the file allows.

use std::{
    collections::BTreeMap,
    fmt::Display,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::task::JoinSet;
use tuf_notary::{
    Gun,
    future::Collection,
    image::{Reference, ResolvedTrust, TrustConfig},
};

use crate::review::Place;

/// Requests name the collections, so their number is bounded.
const MOST_COLLECTIONS: usize = 1024;

/// Whom to believe, and the collections that were asked so far.
#[derive(Debug)]
pub struct Judge {
    config: TrustConfig,
    collections: Mutex<BTreeMap<Gun, Collection>>,
}

impl Judge {
    pub const fn new(config: TrustConfig) -> Self {
        Self { config, collections: Mutex::new(BTreeMap::new()) }
    }

    /// The places whose image has to be replaced, or why one of the images is refused: all or none.
    pub async fn pin_all(self: Arc<Self>, places: Vec<Place>) -> Result<Vec<Place>, String> {
        let mut images: Vec<_> = places.iter().map(|place| place.image.clone()).collect();
        images.sort();
        images.dedup();
        let mut tasks = JoinSet::new();
        for image in images {
            let judge = Arc::clone(&self);
            tasks.spawn(async move {
                let pinned = judge.pin(&image).await;
                (image, pinned)
            });
        }
        let (mut pinned, mut reasons) = (BTreeMap::new(), Vec::new());
        while let Some(outcome) = tasks.join_next().await {
            match outcome {
                Ok((image, Ok(to))) => drop(pinned.insert(image, to)),
                Ok((image, Err(reason))) => reasons.push(format!("{image}: {reason}")),
                Err(error) => reasons.push(format!("INTERNAL: {error}")),
            }
        }
        if !reasons.is_empty() {
            reasons.sort();
            return Err(reasons.join("; "));
        }
        let mut patch = Vec::new();
        for Place { pointer, image } in places {
            let to = pinned.get(&image).ok_or("INTERNAL: an image was not judged")?;
            if *to != image {
                patch.push(Place { pointer, image: to.clone() });
            }
        }
        Ok(patch)
    }

    async fn pin(&self, image: &str) -> Result<String, String> {
        let image = Reference::parse(image).map_err(|error| reason("IMAGE", error))?;
        let trust = self.config.for_image(&image).map_err(|error| reason(error.code(), &error))?;
        let view = self.collection(&trust)?.refresh().await.map_err(|error| reason(error.code(), &error))?;
        let pinned = trust.judge(&view).map_err(|error| reason(error.code(), &error))?;
        Ok(pinned.reference.to_string())
    }

    fn collection(&self, trust: &ResolvedTrust<'_>) -> Result<Collection, String> {
        let mut collections = self.collections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(collection) = collections.get(trust.gun()) {
            return Ok(collection.clone());
        }
        let http = trust.http().and_then(|http| http.build_async());
        let collection = trust.future(http.map_err(|error| reason(error.code(), &error))?).build();
        if collections.len() >= MOST_COLLECTIONS {
            collections.pop_first();
        }
        collections.insert(trust.gun().clone(), collection.clone());
        Ok(collection)
    }
}

fn reason(code: &str, error: impl Display) -> String {
    format!("{code}: {error}")
}
