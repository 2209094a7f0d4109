//! Events that many are to acknowledge.

use std::{sync::mpsc, time::Duration};

use siomio::{Args, Binary, Dropped, EncodeError, Incomplete, Replies, Server, Socket};
use siomio_testkit::PATIENCE;

use crate::{Guest, LONG, served, wait_until};

/// What the first arguments are, in order.
fn firsts(answers: &[Args]) -> Vec<i64> {
    let mut firsts: Vec<i64> = answers.iter().map(|args| args.get(0).expect("a number")).collect();
    firsts.sort_unstable();
    firsts
}

/// Lets some of those who were asked answer with their places.
fn answer(guests: &mut [Guest], payload: &str, who: impl Fn(usize) -> bool) -> Vec<String> {
    let mut ids = Vec::new();
    for (place, guest) in guests.iter_mut().enumerate() {
        let id = guest.asked(payload);
        if who(place) {
            guest.client.send(&[&format!("43{id}[{place},\"more\"]")]);
        }
        ids.push(id);
    }
    ids
}

/// Waits as long as a test may take.
fn get(replies: Replies<Args>) -> Result<Vec<Args>, Incomplete<Args>> {
    let (told, hear) = mpsc::channel();
    replies.on_reply(move |result| told.send(result).unwrap());
    hear.recv_timeout(PATIENCE).expect("an answer")
}

#[test]
fn all_answers_come_together() {
    served(
        |_| {},
        |site| {
            let mut guests = site.guests(8);
            let replies = site.io.emit_with_ack("ready", 1, LONG);
            answer(&mut guests, "[\"ready\",1]", |_| true);
            let answers = replies.wait().unwrap();
            assert_eq!(firsts(&answers), [0, 1, 2, 3, 4, 5, 6, 7]);
            // All arguments of each.
            assert!(answers.iter().all(|args| args.get::<String>(1).unwrap() == "more"));
        },
    );
}

#[test]
fn all_on_one_shard_are_asked_under_one_number() {
    served(
        |_| {},
        |site| {
            let mut guests = site.guests(8);
            for round in 0..3 {
                let replies = site.io.emit_with_ack("ready", (), LONG);
                let mut ids = answer(&mut guests, "[\"ready\"]", |_| true);
                assert_eq!(get(replies).unwrap().len(), 8);
                ids.sort_unstable();
                ids.dedup();
                if site.shards == 1 {
                    assert_eq!(ids, [round.to_string()]);
                }
                assert!(ids.len() <= site.shards.into(), "{ids:?}");
            }
        },
    );
}

#[test]
fn what_came_in_time_comes_with_the_error() {
    served(
        |_| {},
        |site| {
            let mut guests = site.guests(8);
            let replies = site.io.emit_with_ack("ready", (), Duration::from_millis(300));
            answer(&mut guests, "[\"ready\"]", |place| place < 5);
            let incomplete = get(replies).unwrap_err();
            assert_eq!((firsts(&incomplete.answers), incomplete.missing), (vec![0, 1, 2, 3, 4], 3));
        },
    );
}

#[test]
fn answers_that_come_late_or_twice_or_from_elsewhere_are_ignored() {
    served(
        |_| {},
        |site| {
            let mut guests = site.guests(4);
            site.io.to(&*guests[3].id).sockets_join("outside");
            let inside = site.io.except("outside");
            let replies = inside.emit_with_ack("ready", (), Duration::from_millis(200));
            let ids: Vec<_> =
                guests[..3].iter_mut().map(|guest| guest.asked("[\"ready\"]")).collect();
            for guest in [0, 0, 3] {
                guests[guest].client.send(&[&format!("43{}[1]", ids[0])]);
            }
            let incomplete = get(replies).unwrap_err();
            assert_eq!((incomplete.answers.len(), incomplete.missing), (1, 2));
            for (guest, id) in guests.iter_mut().zip(&ids) {
                guest.client.send(&[&format!("43{id}[2]")]);
            }
            // Nobody minds, and the next round is not confused by it.
            let replies = site.io.emit_with_ack("again", (), LONG);
            answer(&mut guests, "[\"again\"]", |_| true);
            assert_eq!(firsts(&get(replies).unwrap()), [0, 1, 2, 3]);
        },
    );
}

#[test]
fn whoever_leaves_is_missing_at_once() {
    served(
        |_| {},
        |site| {
            let mut guests = site.guests(6);
            let replies = site.io.emit_with_ack("ready", (), LONG);
            answer(&mut guests, "[\"ready\"]", |place| place >= 4);
            // By itself, by the server, by a lost connection.
            guests[0].client.send(&["41"]);
            guests[1].client.send(&["1"]);
            site.io.to(&*guests[2].id).disconnect_sockets(false);
            site.io.to(&*guests[3].id).disconnect_sockets(true);
            let incomplete = get(replies).unwrap_err();
            assert_eq!((firsts(&incomplete.answers), incomplete.missing), (vec![4, 5], 4));
        },
    );
}

#[test]
fn where_nobody_is_asked_it_is_over_at_once() {
    let handlers = |server: &Server| {
        server.of("/empty");
        server.on("ask", |socket: &Socket| {
            let own = socket.handle();
            let replies = socket.to("nobody's").emit_with_ack("ready", (), LONG);
            replies.on_reply(move |result| {
                own.emit("asked", result.map(|answers| answers.len()).ok());
            });
        });
    };
    served(handlers, |site| {
        assert_eq!(get(site.io.emit_with_ack("ready", (), LONG)), Ok(vec![]));
        let mut guests = site.guests(2);
        assert_eq!(get(site.io.to("nobody's").emit_with_ack("ready", (), LONG)), Ok(vec![]));
        assert_eq!(get(site.io.of("/empty").emit_with_ack("ready", (), LONG)), Ok(vec![]));
        let parent = site.io.of_pattern("/never-{n}");
        assert_eq!(get(parent.emit_with_ack("ready", (), LONG)), Ok(vec![]));
        // What cannot be sent is no success.
        let not_sent = Some(Dropped::Encode(EncodeError::ReservedName("connect".to_owned())));
        let refused = Incomplete { answers: vec![], missing: 0, not_sent };
        assert_eq!(get(site.io.emit_with_ack("connect", (), LONG)), Err(refused));
        guests[0].ask("[\"ask\"]");
        guests[0].client.expect(&["42[\"asked\",0]"]);
        assert_eq!(site.who_heard("", &mut guests), [0; 0]);
    });
}

#[test]
fn a_parent_asks_all_of_its_children() {
    served(
        |_| {},
        |site| {
            let parent = site.io.of_pattern("/game-{id}");
            let mut one = site.guests_in("/game-1", 4);
            let mut two = site.guests_in("/game-2", 4);
            for timeout in [LONG, Duration::from_millis(200)] {
                let replies = parent.emit_with_ack("ready", (), timeout);
                let mut asked = 0;
                for (name, guests) in [("/game-1", &mut one), ("/game-2", &mut two)] {
                    for guest in guests {
                        let packet = guest.client.next();
                        let id = packet.strip_prefix(&format!("42{name},")).unwrap();
                        let id = id.strip_suffix("[\"ready\"]").unwrap();
                        // The second time the last one does not answer.
                        if timeout == LONG || asked < 7 {
                            guest.client.send(&[&format!("43{name},{id}[{asked}]")]);
                        }
                        asked += 1;
                    }
                }
                let answers = match get(replies) {
                    Ok(answers) => answers,
                    Err(incomplete) => {
                        assert_eq!((timeout, incomplete.missing), (Duration::from_millis(200), 1));
                        incomplete.answers
                    }
                };
                assert_eq!(firsts(&answers)[..7], [0, 1, 2, 3, 4, 5, 6]);
            }
        },
    );
}

#[test]
fn answers_may_have_attachments_and_so_may_questions() {
    let place = r#"{"_placeholder":true,"num":0}"#;
    served(
        |_| {},
        |site| {
            let mut guests = site.guests(4);
            let replies = site.io.emit_with_ack("data", Binary::from(vec![1, 2, 3]), LONG);
            for guest in &mut guests {
                let head = guest.client.next();
                let id = head.strip_prefix("451-").unwrap();
                let id = id.strip_suffix(&format!("[\"data\",{place}]")).unwrap();
                guest.client.expect(&["bAQID"]);
                guest.client.send(&[&format!("461-{id}[{place}]"), "bBAUG"]);
            }
            for args in get(replies).unwrap() {
                assert_eq!(args.get::<Binary>(0).unwrap().as_ref(), [4, 5, 6]);
            }
        },
    );
}

#[test]
fn one_that_takes_no_event_at_once_is_not_asked_for_what_is_volatile() {
    served(
        |_| {},
        |site| {
            let (mut ws, polling) = (site.guest(), site.polling_guest());
            // Nobody polls for the second one.
            let replies = site.io.volatile().emit_with_ack("ready", (), LONG);
            let id = ws.asked("[\"ready\"]");
            ws.client.send(&[&format!("43{id}[7]")]);
            assert_eq!(firsts(&get(replies).unwrap()), [7]);
            assert_eq!(site.who_heard("", &mut [ws, polling]), [0; 0]);
        },
    );
}

#[test]
fn for_ever_is_a_timeout_like_any_other() {
    served(
        |_| {},
        |site| {
            let mut guests = site.guests(4);
            let replies = site.io.emit_with_ack("ready", (), Duration::MAX);
            answer(&mut guests, "[\"ready\"]", |_| true);
            assert_eq!(get(replies).unwrap().len(), 4);
        },
    );
}

#[test]
fn who_waits_is_told_when_the_server_ends() {
    served(
        |_| {},
        |site| {
            let mut guests = site.guests(4);
            let (told, hear) = mpsc::channel();
            site.io.emit_with_ack("ready", (), LONG).on_reply(move |result| {
                told.send(result.map_err(|incomplete| incomplete.answers.len())).unwrap();
            });
            answer(&mut guests, "[\"ready\"]", |place| place == 0);
            wait_until("the server has ended", || {
                site.io.close(Duration::ZERO);
                matches!(hear.try_recv(), Ok(Err(_)))
            });
        },
    );
}
