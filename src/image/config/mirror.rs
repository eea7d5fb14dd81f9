//! Images that carry another name than the collection that signs them.
//!
//! The rule: no name is guessed. A mapping stands in the file, is used once and never chained, and
//! every use of it is logged.

use super::{ConfigError, dto, prefix::Prefix};
use crate::image::Reference;

/// `mirror.example/proxy/library/* -> docker.io/library/*`
#[derive(Clone, Debug)]
pub(super) struct Mirror {
    from: Prefix,
    to: Prefix,
    below: bool,
}

impl Mirror {
    pub(super) fn new(entry: &dto::Mirror) -> Result<Self, String> {
        let split = |text: &str| match text.strip_suffix("/*") {
            Some(prefix) => Prefix::parse(prefix).map(|prefix| (prefix, true)),
            None => Prefix::parse(text).map(|prefix| (prefix, false)),
        };
        let (from, below) = split(&entry.from).map_err(|why| format!("from: {why}"))?;
        let (to, to_below) = split(&entry.to).map_err(|why| format!("to: {why}"))?;
        if below != to_below {
            return Err(format!("{} and {}: both or neither end with /*", entry.from, entry.to));
        }
        let whole = |prefix: &Prefix| !below && !prefix.as_str().contains('/');
        if whole(&from) || whole(&to) {
            return Err(format!("{} and {}: an image's name, or a prefix and /*", entry.from, entry.to));
        }
        Ok(Self { from, to, below })
    }

    /// Whether two mappings are about the same names.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        (&self.from, self.below) == (&other.from, other.below)
    }

    fn rest<'n>(&self, name: &'n str) -> Option<&'n str> {
        self.from.rest(name).filter(|rest| self.below != rest.is_empty())
    }
}

/// The image under the name that it is signed under.
pub(super) fn map(mirrors: &[Mirror], image: &Reference) -> Result<Reference, ConfigError> {
    let name = image.gun().as_str();
    let matching = mirrors.iter().filter_map(|mirror| Some((mirror, mirror.rest(name)?)));
    let Some((mirror, rest)) = matching.max_by_key(|(mirror, _)| (mirror.from.length(), !mirror.below))
    else {
        return Ok(image.clone());
    };
    let to = mirror.to.as_str();
    let mapped = if mirror.below { format!("{to}/{rest}") } else { to.to_owned() };
    let mapped = Reference::parse(&mapped)
        .map_err(|error| ConfigError::Unmapped { image: image.to_string(), reason: error.to_string() })?;
    tracing::info!(%image, signed_as = %mapped.gun(), from = mirror.from.as_str(), to, "a mirror's image");
    Ok(mapped)
}
