//! Tokens that the real notary-server judges.

use tuf_notary::{
    edit::Rotation,
    transport::{Transport, Upload, auth::Credentials},
};
use zeroize::Zeroizing;

use crate::{
    common::{
        notary_server::NotaryServer,
        token_server::{ALICE, BOB, REFRESH, TokenServer},
    },
    lab::*,
};

fn start(test: &str) -> Option<(TokenServer, NotaryServer)> {
    let tokens = TokenServer::start();
    let server = NotaryServer::start_with_tokens(test, &tokens, &tokens.realm())?;
    Some((tokens, server))
}

#[test]
fn who_may_publish_publishes_and_who_may_read_reads() {
    let Some((tokens, server)) = start("who_may_publish_publishes_and_who_may_read_reads") else { return };
    let as_whom = |credentials| collection(GUN, transport(&server.url(), GUN, credentials));
    let alice = as_whom(Some(login(ALICE)));
    initialise(&alice).unwrap();
    alice.publish(&changes("v2")).unwrap();
    let scope = |actions| format!("repository:{GUN}:{actions}");
    let asked = tokens.asked();
    assert!(asked.contains(&format!("alice: {}", scope("push,pull"))), "{asked:?}");
    assert!(asked.iter().all(|asked| !asked.ends_with('*')), "{asked:?}");

    let bob = as_whom(Some(login(BOB)));
    assert!(bob.refresh().unwrap().target("v2").is_ok());
    let bobs = format!("bob: {}", scope("pull"));
    assert_eq!(tokens.asked(), [format!(": {}", scope("pull")), bobs], "as nobody first");
    let upload = transport(&server.url(), GUN, Some(login(BOB))).publish(&Upload::default());
    assert_unauthorized(upload.map_err(Into::into));
    assert_unauthorized(bob.delete_remote());

    assert_unauthorized(as_whom(None).refresh());
    assert_unauthorized(initialise(&as_whom(None)));
    let eve = as_whom(Some(login(("eve", "dropper"))));
    assert_unauthorized(eve.refresh());
    assert!(alice.refresh().unwrap().target("v2").is_ok(), "nothing was deleted");
}

#[test]
fn ta_14_a_refusal_does_not_begin_a_collection_anew() {
    let Some((_tokens, server)) = start("ta_14_a_refusal_does_not_begin_a_collection_anew") else { return };
    let alice = collection(GUN, transport(&server.url(), GUN, Some(login(ALICE))));
    initialise(&alice).unwrap();
    // Bob may not; that there is nothing is said to those who may ask.
    let bob = collection(GUN, transport(&server.url(), GUN, Some(login(BOB))));
    let refused = initialise(&bob).unwrap_err();
    assert!(matches!(refused.code(), "ALREADY_EXISTS" | "UNAUTHORIZED"), "{refused}");
    let nobody = collection(
        "registry.example.com/other",
        transport(&server.url(), "registry.example.com/other", None),
    );
    assert_unauthorized(initialise(&nobody));
    assert!(alice.refresh().unwrap().target("v1").is_ok());
}

#[test]
fn everybody_reads_what_is_public() {
    let Some((tokens, server)) = start("everybody_reads_what_is_public") else { return };
    initialise(&collection(PUBLIC, transport(&server.url(), PUBLIC, Some(login(ALICE))))).unwrap();
    tokens.asked();
    for credentials in [None, Some(login(ALICE)), Some(login(("eve", "dropper")))] {
        let reader = collection(PUBLIC, transport(&server.url(), PUBLIC, credentials));
        assert!(reader.refresh().unwrap().target("v1").is_ok());
        assert_eq!(tokens.asked(), [format!(": repository:{PUBLIC}:pull")], "nobody in particular");
    }
}

#[test]
fn an_identity_token_serves_as_well() {
    let Some((tokens, server)) = start("an_identity_token_serves_as_well") else { return };
    let credentials = Credentials::identity_token(Zeroizing::new(REFRESH.to_owned())).unwrap();
    let alice = collection(GUN, transport(&server.url(), GUN, Some(credentials)));
    initialise(&alice).unwrap();
    assert!(tokens.asked().contains(&format!("alice: repository:{GUN}:push,pull")));
    let stolen = Credentials::identity_token(Zeroizing::new("other".to_owned())).unwrap();
    assert_unauthorized(collection(GUN, transport(&server.url(), GUN, Some(stolen))).refresh());
    let made =
        Credentials::registry_token(Zeroizing::new(tokens.grant("bob", &format!("repository:{GUN}:pull"))));
    let reader = collection(GUN, transport(&server.url(), GUN, Some(made.unwrap())));
    assert!(reader.refresh().unwrap().target("v1").is_ok());
}

#[test]
fn rotating_a_servers_key_and_deleting_ask_for_all() {
    let Some((tokens, server)) = start("rotating_a_servers_key_and_deleting_ask_for_all") else { return };
    let alice = collection(GUN, transport(&server.url(), GUN, Some(login(ALICE))));
    initialise(&alice).unwrap();
    alice.rotate(&Rotation::new().snapshot_to_server()).unwrap();
    let admin = format!("alice: repository:{GUN}:*");
    assert!(tokens.asked().contains(&admin));
    alice.delete_remote().unwrap();
    let gone = collection(GUN, transport(&server.url(), GUN, Some(login(ALICE))));
    assert!(gone.refresh().unwrap_err().is_not_found());
}

#[test]
fn ta_10_a_token_that_ends_early_is_replaced_and_a_real_server_takes_the_next() {
    let test = "ta_10_a_token_that_ends_early_is_replaced_and_a_real_server_takes_the_next";
    // They end sooner than the token server says.
    let tokens = TokenServer::with_life(2);
    let Some(server) = NotaryServer::start_with_tokens(test, &tokens, &tokens.realm()) else { return };
    let alice = collection(GUN, transport(&server.url(), GUN, Some(login(ALICE))));
    initialise(&alice).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(3500));
    tokens.asked();
    alice.publish(&changes("v2")).unwrap();
    assert!(!tokens.asked().is_empty(), "new ones were asked for");
}
