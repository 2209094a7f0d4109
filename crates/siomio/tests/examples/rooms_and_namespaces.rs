use super::{Client, Example, programs::rooms_and_namespaces::server};

#[test]
fn what_is_said_in_a_room_is_heard_by_those_who_have_joined_it() {
    let example = Example::start(server());
    let (mut ann, mut bob, mut cyd) = (example.join(), example.join(), example.join());
    ann.send("421[\"join\",\"lobby\"]");
    let rooms = ann.expect_start("431[[");
    assert_eq!((rooms[0].as_array().unwrap().len(), &rooms[0][1]), (2, &"lobby".into()));
    bob.send("421[\"join\",\"lobby\"]");
    let rooms = bob.expect_start("431[[");
    let greeting = format!("{} is here", rooms[0][0].as_str().unwrap());
    assert_eq!(ann.expect_start("42[\"said\",\"lobby\",")[2], *greeting);

    // Nobody in the room is left out, not even the one who speaks; who is outside may speak, and hears nothing.
    ann.send("42[\"say\",\"lobby\",\"hello\"]");
    cyd.send("42[\"say\",\"lobby\",\"from outside\"]");
    for member in [&mut ann, &mut bob] {
        let mut heard = [said(member), said(member)];
        heard.sort();
        assert_eq!(heard, ["from outside", "hello"]);
    }
    cyd.send("421[\"leave\",\"lobby\"]");
    assert_eq!(cyd.expect_start("431[[")[0].as_array().unwrap().len(), 1);

    bob.send("422[\"leave\",\"lobby\"]");
    assert_eq!(bob.expect_start("432[[")[0].as_array().unwrap().len(), 1);
    ann.send("42[\"say\",\"lobby\",\"are you there?\"]");
    ann.expect(&["42[\"said\",\"lobby\",\"are you there?\"]"]);
    // The next that he hears is no word of that.
    bob.send("423[\"leave\",\"lobby\"]");
    bob.expect_start("433[[");
}

#[test]
fn all_tabs_hear_the_news() {
    let example = Example::start(server());
    let (mut ann, mut bob) = (example.join(), example.connect());
    ann.send("40/news,");
    ann.expect_start("40/news,");
    ann.expect(&["42/news,[\"headline\",\"1 read the news\"]"]);
    bob.send("40/news,");
    bob.expect_start("40/news,");
    for tab in [&mut ann, &mut bob] {
        tab.expect(&["42/news,[\"headline\",\"2 read the news\"]"]);
    }
}

#[test]
fn tabs_with_the_same_game_share_a_namespace_that_is_made_for_them() {
    let example = Example::start(server());
    let mut tabs = ["chess", "chess", "go"].map(|game| {
        let mut tab = example.connect();
        tab.send(&format!("40/game-{game},"));
        tab.expect_start(&format!("40/game-{game},"));
        tab
    });
    tabs[0].send("42/game-chess,[\"move\",\"e4\"]");
    tabs[2].send("42/game-go,[\"move\",\"d16\"]");
    for tab in &mut tabs[..2] {
        tab.expect(&["42/game-chess,[\"moved\",\"chess\",\"e4\"]"]);
    }
    tabs[2].expect(&["42/game-go,[\"moved\",\"go\",\"d16\"]"]);

    let mut lost = example.connect();
    lost.send("40/gam-chess,");
    lost.expect(&["44/gam-chess,{\"message\":\"Invalid namespace\"}"]);
}

/// What is said next. A greeting may still be on its way to those who have joined after it.
fn said(member: &mut Client) -> String {
    loop {
        let said = member.expect_start("42[\"said\",\"lobby\",");
        let text = said[2].as_str().unwrap();
        if !text.ends_with(" is here") {
            return text.to_owned();
        }
    }
}
