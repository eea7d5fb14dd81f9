//! The command line, as Docker's.

use std::path::PathBuf;

use clap::{
    ArgAction, Args, Parser, Subcommand,
    builder::{OsStringValueParser, TypedValueParser},
};

/// Manage trust on Docker images
#[derive(Debug, Parser)]
#[command(name = "docker-trust", version, disable_help_subcommand = true, arg_required_else_help = true)]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that the Docker CLI hands on to its plugins.
#[derive(Args, Debug)]
pub struct Global {
    /// Location of client config files (default: $DOCKER_CONFIG, otherwise ~/.docker)
    #[arg(long, value_name = "DIR")]
    pub config: Option<PathBuf>,
    /// For the Docker CLI: no engine is asked.
    #[arg(short = 'c', long, hide = true)]
    context: Option<String>,
    #[arg(short = 'D', long, hide = true)]
    debug: bool,
    #[arg(short = 'H', long, hide = true)]
    host: Vec<String>,
    #[arg(short = 'l', long, hide = true)]
    log_level: Option<String>,
    #[arg(long, hide = true)]
    tls: bool,
    #[arg(long, hide = true)]
    tlscacert: Option<String>,
    #[arg(long, hide = true)]
    tlscert: Option<String>,
    #[arg(long, hide = true)]
    tlskey: Option<String>,
    #[arg(long, hide = true)]
    tlsverify: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    #[command(flatten)]
    Direct(Trust),
    /// As the Docker CLI calls its plugin
    #[command(hide = true, arg_required_else_help = true)]
    Trust {
        #[command(subcommand)]
        command: Trust,
    },
    #[command(hide = true)]
    DockerCliPluginMetadata,
}

#[derive(Debug, Subcommand)]
pub enum Trust {
    /// Return low-level information about keys and signatures
    Inspect {
        /// Print the information in a human friendly format
        #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, value_parser = go_bool,
              default_value = "false", default_missing_value = "true", hide_default_value = true, value_name = "BOOL")]
        pretty: bool,
        /// Image with a tag, or without for all tags
        #[arg(required = true, value_name = "IMAGE[:TAG]")]
        images: Vec<String>,
    },
    /// Display keys and signatures in a human friendly format
    View {
        /// Image with a tag, or without for all tags
        #[arg(value_name = "IMAGE[:TAG]")]
        image: String,
    },
    /// Sign an image
    ///
    /// Digest and size are those of the image in the registry. A tag that is signed and that has
    /// moved since is refused, unless --local says that the image of now is meant.
    Sign {
        /// Sign the image that the tag names now, even if another one is signed
        #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, value_parser = go_bool,
              default_value = "false", default_missing_value = "true", hide_default_value = true, value_name = "BOOL")]
        local: bool,
        /// Image with its tag
        #[arg(value_name = "IMAGE:TAG")]
        image: String,
    },
    /// Remove trust for an image
    Revoke {
        /// Do not prompt for confirmation
        #[arg(short, long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, value_parser = go_bool,
              default_value = "false", default_missing_value = "true", hide_default_value = true, value_name = "BOOL")]
        yes: bool,
        /// Image with a tag, or without for all tags
        #[arg(value_name = "IMAGE[:TAG]")]
        image: String,
    },
    /// Manage keys for signing Docker images
    #[command(subcommand, arg_required_else_help = true)]
    Key(Key),
    /// Manage entities who can sign Docker images
    #[command(subcommand, arg_required_else_help = true)]
    Signer(Signer),
}

#[derive(Debug, Subcommand)]
pub enum Key {
    /// Generate and load a signing key-pair
    Generate {
        /// Directory to generate key in, defaults to current directory
        #[arg(long, value_name = "DIR", value_parser = OsStringValueParser::new().map(PathBuf::from))]
        dir: Option<PathBuf>,
        /// The signer whose key it will be; also the name of the public key's file
        name: String,
    },
    /// Load a private key file for signing
    Load {
        /// Name for the loaded key (default "signer")
        #[arg(long)]
        name: Option<String>,
        /// File with a private key in PEM, closed to other users
        #[arg(value_name = "KEYFILE")]
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum Signer {
    /// Add a signer
    Add {
        /// Path to the signer's public key file; may be given more than once
        #[arg(long = "key", value_name = "FILE")]
        keys: Vec<PathBuf>,
        /// Name of the signer
        name: String,
        /// Images whose signer it becomes
        #[arg(required = true, value_name = "REPOSITORY")]
        repositories: Vec<String>,
    },
    /// Remove a signer
    ///
    /// What another signer vouches for stays signed; the rest of the released tags is not, unless
    /// --keep-tags lets a remaining signer take it over.
    Remove {
        /// Do not prompt for confirmation before removing the most recent signer
        #[arg(short, long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, value_parser = go_bool,
              default_value = "false", default_missing_value = "true", hide_default_value = true, value_name = "BOOL")]
        force: bool,
        /// Keep the tags that this signer alone has signed, under a remaining signer's name
        #[arg(long)]
        keep_tags: bool,
        /// Name of the signer
        name: String,
        /// Images whose signer it stops being
        #[arg(required = true, value_name = "REPOSITORY")]
        repositories: Vec<String>,
    },
}

/// Truth as Docker's flags spell it.
fn go_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("true or false expected".to_owned()),
    }
}
