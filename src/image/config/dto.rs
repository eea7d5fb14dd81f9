//! The file as it is written. Keys that do not exist are refused, and so are wrong types (TP-09).

use std::path::PathBuf;

use serde::Deserialize;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    pub(super) trust_dir: Option<PathBuf>,
    #[serde(default)]
    pub(super) image: Vec<Image>,
    #[serde(default)]
    pub(super) mirror: Vec<Mirror>,
}

/// Whom to believe about the images at and below a name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Image {
    #[serde(rename = "match")]
    pub(super) prefix: String,
    pub(super) server: Option<String>,
    pub(super) tls_ca: Option<Vec<PathBuf>>,
    #[serde(default)]
    pub(super) dangerous_plain_http: bool,
    pub(super) root_keys: Option<Vec<String>>,
    pub(super) root_ca: Option<Vec<PathBuf>>,
    pub(super) root_file: Option<PathBuf>,
    #[serde(default)]
    pub(super) first_use: bool,
    pub(super) roles: Option<Vec<String>>,
    pub(super) required_roles: Option<Vec<String>>,
    pub(super) required_signers: Option<Vec<Signers>>,
    pub(super) freshness: Option<String>,
    pub(super) max_age_seconds: Option<u64>,
}

/// So many of these.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Signers {
    pub(super) at_least: Option<usize>,
    pub(super) of: Vec<String>,
}

/// Another name of the same images.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Mirror {
    pub(super) from: String,
    pub(super) to: String,
}
