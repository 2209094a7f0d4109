use serde_json::{Value, json};

use super::{Client, Example, programs::chat::server};

/// Enters; the answer to it comes behind what the room is told.
fn enter(example: &Example, nickname: &str, room: &str) -> Client {
    let mut client = example.join();
    let answer = ask(&mut client, json!(["enter", { "nickname": nickname, "room": room }]));
    assert_eq!((&answer["ok"], &answer["nickname"]), (&true.into(), &nickname.into()));
    client
}

/// Emits an event and waits for its answer, past all else.
fn ask(client: &mut Client, event: Value) -> Value {
    client.send(&format!("421{event}"));
    loop {
        if let Some(answer) = client.next().strip_prefix("431") {
            return serde_json::from_str::<Value>(answer).unwrap()[0].take();
        }
    }
}

/// Waits for an event, past all others.
fn hear(client: &mut Client, event: &str) -> Value {
    loop {
        let mut got = client.expect_start("42[");
        if got[0] == event {
            return got[1].take();
        }
    }
}

#[test]
fn guests_see_hear_and_find_each_other() {
    for shards in [1, 3] {
        let example = Example::start(server(shards));
        let mut ann = enter(&example, "ann", "lobby");
        let mut bob = enter(&example, "bob", "lobby");
        assert_eq!(hear(&mut ann, "note"), "bob joined");
        assert_eq!(hear(&mut ann, "people"), json!(["ann", "bob"]));

        ann.send("42[\"message\",\"hello\"]");
        for guest in [&mut ann, &mut bob] {
            let message = hear(guest, "message");
            assert_eq!((&message["from"], &message["text"]), (&"ann".into(), &"hello".into()));
        }
        bob.send("42[\"typing\",true]");
        assert_eq!(hear(&mut ann, "typing"), json!({ "from": "bob", "typing": true }));

        let whisper = |to| json!(["whisper", { "to": to, "text": "psst" }]);
        assert_eq!(ask(&mut ann, whisper("bob")), json!({ "ok": true }));
        assert_eq!(hear(&mut bob, "whisper")["from"], "ann");
        assert_eq!(
            ask(&mut ann, whisper("cyd")),
            json!({ "ok": false, "error": "cyd is not here" })
        );

        let moved = ask(&mut bob, json!(["move", "garden"]));
        assert_eq!((&moved["room"], &moved["people"]), (&"garden".into(), &json!(["bob"])));
        assert_eq!(hear(&mut ann, "note"), "bob left");
        assert_eq!(hear(&mut ann, "people"), json!(["ann"]));
    }
}

#[test]
fn a_nickname_is_free_again_when_its_guest_has_gone() {
    let example = Example::start(server(2));
    let (ann, mut bob) = (enter(&example, "ann", "lobby"), enter(&example, "bob", "lobby"));
    let mut other = example.join();
    let as_ann = || json!(["enter", { "nickname": "ann", "room": "" }]);
    assert_eq!(ask(&mut other, as_ann()), json!({ "ok": false, "error": "ann is taken" }));
    ann.lose();
    while hear(&mut bob, "note") != "ann left" {}
    // The room is told before the name is free.
    while ask(&mut other, as_ann())["ok"] == false {}
    assert_eq!(hear(&mut bob, "note"), "ann joined");
}

#[test]
fn who_has_not_entered_says_nothing() {
    let example = Example::start(server(1));
    let mut ann = enter(&example, "ann", "lobby");
    let mut stranger = example.join();
    stranger.send("42[\"message\",\"hello\"]");
    let bad = ["", "  ", "longer than a nickname can be"];
    for nickname in bad {
        let answer = ask(&mut stranger, json!(["enter", { "nickname": nickname, "room": "" }]));
        assert_eq!(answer["ok"], false, "{nickname:?}");
    }
    ann.send("42[\"message\",\"to myself\"]");
    assert_eq!(hear(&mut ann, "message")["text"], "to myself");
}
