//! Pins images by what their collections say. One handle a collection serves all requests: questions
//! that come together become one, and an answer is served again as long as the file allows.

use std::{collections::BTreeMap, fmt::Display, num::NonZeroUsize, sync::Arc};

use tokio::task::JoinSet;
use tuf_notary::{
    Error, Gun,
    future::{Collection, Collections},
    image::{ConfigError, Reference, TrustConfig},
    transport::TransportError,
};

use crate::review::Place;

/// Requests name the collections, so their number is bounded.
const MOST_COLLECTIONS: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

/// Whom to believe, and the collections that were asked so far.
#[derive(Debug)]
pub struct Judge {
    config: Arc<TrustConfig>,
    collections: Collections,
}

impl Judge {
    pub fn new(config: TrustConfig) -> Self {
        let config = Arc::new(config);
        let of = Arc::clone(&config);
        let collections = Collections::new(MOST_COLLECTIONS, move |gun| collection(&of, gun));
        Self { config, collections }
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
        let collection = self.collections.get(trust.gun()).map_err(|error| reason(error.code(), &error))?;
        let view = collection.refresh().await.map_err(|error| reason(error.code(), &error))?;
        let pinned = trust.judge(&view).map_err(|error| reason(error.code(), &error))?;
        Ok(pinned.reference.to_string())
    }
}

/// A collection as the file describes it.
fn collection(config: &TrustConfig, gun: &Gun) -> Result<Collection, Error> {
    let wrong = |error: ConfigError| TransportError::Config(error.to_string());
    let trust = config.for_collection(gun).map_err(wrong)?;
    Ok(trust.future(trust.http()?.build_async()?).build())
}

fn reason(code: &str, error: impl Display) -> String {
    format!("{code}: {error}")
}
