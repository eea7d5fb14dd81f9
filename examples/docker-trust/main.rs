//! `docker trust` without Docker: the same commands, files, variables and texts.
//!
//! Runs on its own (`docker-trust inspect IMAGE`) and, installed as `docker-trust` in
//! `~/.docker/cli-plugins`, as the plugin of Docker CLIs that have no `trust` built in.

mod arguments;
mod docker;
#[path = "../shared/docker_json.rs"]
mod docker_json;
mod failure;
mod key;
mod passphrases;
mod registry;
mod revoke;
mod show;
mod sign;
mod signer;
mod terminal;

use std::{env, process::ExitCode};

use arguments::{Arguments, Command, Key, Signer, Trust};
use clap::{
    CommandFactory, FromArgMatches,
    error::{ContextKind, ContextValue, ErrorKind},
};
use docker::Docker;
use failure::Failure;
use terminal::{say, tell};

fn main() -> ExitCode {
    let outcome = parse().and_then(|arguments| arguments.map_or(Ok(()), run));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.text.is_empty() {
                tell(&failure.text);
            }
            ExitCode::from(failure.code)
        }
    }
}

/// The arguments; none when help was asked for and given.
fn parse() -> Result<Option<Arguments>, Failure> {
    let is_plugin = env::args_os().any(|argument| argument == "trust");
    let mut command = Arguments::command();
    if is_plugin {
        command = command.bin_name("docker");
    }
    match command.try_get_matches_from_mut(env::args_os()).and_then(|it| Arguments::from_arg_matches(&it)) {
        Ok(arguments) => Ok(Some(arguments)),
        Err(error) => {
            let text = error.render().to_string();
            let text = text.trim_end();
            match error.kind() {
                ErrorKind::DisplayHelp
                | ErrorKind::DisplayVersion
                | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => say(text).map(|()| None),
                // Docker counts what is too much as it counts what is missing.
                ErrorKind::UnknownArgument if !names_a_flag(&error) => Err(Failure::new(text)),
                ErrorKind::UnknownArgument | ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
                    Err(Failure { code: 125, text: text.to_owned() })
                }
                _ => Err(Failure::new(text)),
            }
        }
    }
}

/// Whether what is wrong is a flag, and not one argument too many.
fn names_a_flag(error: &clap::Error) -> bool {
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => argument.starts_with('-'),
        _ => true,
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let command = match arguments.command {
        Command::DockerCliPluginMetadata => return say(METADATA),
        Command::Direct(command) | Command::Trust { command } => command,
    };
    let docker = Docker::new(arguments.global.config)?;
    match command {
        Trust::Inspect { pretty: true, images } => show::pretty(&docker, &images),
        Trust::Inspect { pretty: false, images } => show::json(&docker, &images),
        Trust::View { image } => show::pretty(&docker, &[image]),
        Trust::Sign { local, image } => sign::sign(&docker, &image, local),
        Trust::Revoke { yes, image } => revoke::revoke(&docker, &image, yes),
        Trust::Key(Key::Generate { dir, name }) => key::generate(&docker, &name, dir.as_deref()),
        Trust::Key(Key::Load { name, file }) => key::load(&docker, &file, name.as_deref()),
        Trust::Signer(Signer::Add { keys, name, repositories }) => {
            signer::add(&docker, &name, &keys, &repositories)
        }
        Trust::Signer(Signer::Remove { force, keep_tags, name, repositories }) => {
            signer::Removal { docker: &docker, force, keep_tags }.run(&name, &repositories)
        }
    }
}

/// What the Docker CLI asks of its plugins.
const METADATA: &str = concat!(
    r#"{"SchemaVersion":"0.1.0","Vendor":"tuf-notary","Version":""#,
    env!("CARGO_PKG_VERSION"),
    r#"","ShortDescription":"Manage trust on Docker images"}"#
);
