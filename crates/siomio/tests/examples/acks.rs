use super::{Client, Example, programs::acks::server};

/// Joins, and leaves the server's question unanswered.
fn join(example: &Example) -> Client {
    let mut client = example.join();
    client.expect(&["420[\"language?\"]"]);
    client
}

#[test]
fn the_server_answers_at_once_and_later() {
    let example = Example::start(server());
    let mut page = join(&example);
    page.send("421[\"later\",\"hello\"]");
    page.send("422[\"add\",1,2]");
    page.expect(&["432[3.0]", "431[\"HELLO\"]"]);
}

#[test]
fn the_server_tells_what_it_was_answered() {
    let example = Example::start(server());
    let mut page = join(&example);
    page.send("430[\"fr\"]");
    page.expect(&["42[\"heard\",\"you speak fr\"]"]);
}

#[test]
fn all_pages_are_asked_and_the_silent_are_counted() {
    let example = Example::start(server());
    let (mut ann, mut bob) = (join(&example), join(&example));
    for page in [&mut ann, &mut bob] {
        page.send("430[\"en\"]");
        page.expect(&["42[\"heard\",\"you speak en\"]"]);
    }
    ann.send("421[\"everybody\"]");
    for page in [&mut ann, &mut bob] {
        page.expect(&["421[\"number?\"]"]);
        page.send("431[7]");
    }
    ann.expect(&["431[\"[7, 7], and 0 did not answer\"]"]);

    ann.send("422[\"everybody\"]");
    for page in [&mut ann, &mut bob] {
        page.expect(&["422[\"number?\"]"]);
    }
    ann.send("432[5]");
    ann.expect(&["432[\"[5], and 1 did not answer\"]"]);
}
