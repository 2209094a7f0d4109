//! Acknowledgements between the server and one client.

use std::{sync::mpsc, thread, time::Duration};

use siomio::{Ack, AckError, Binary, Dropped, Socket, SocketHandle};
use siomio_testkit::PATIENCE;

use crate::{
    SHORT, Tell, assert_alive, client, common::Client, join, joined, joined_on_both, on_both,
    served,
};

#[test]
fn an_acknowledgement_is_sent_once_at_once_or_later_from_anywhere() {
    served(
        |server, _: Tell<()>| {
            server.on("now", |_: &Socket, ack: Ack| ack.send((1, "two")));
            server.on("nothing", |_: &Socket, ack: Ack| ack.send(()));
            server.on("bytes", |_: &Socket, ack: Ack| ack.send(Binary(vec![1, 2, 3].into())));
            server.on("later", |socket: &Socket, ack: Ack| {
                socket.after(Duration::from_millis(1), |socket| {
                    socket.emit("first", ());
                });
                thread::spawn(move || {
                    thread::sleep(Duration::from_millis(10));
                    ack.send("later");
                });
            });
            server.on("never", |_: &Socket, _ack: Ack| {});
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["427[\"now\"]"]);
                client.expect(&["437[1,\"two\"]"]);
                client.send(&["428[\"nothing\"]"]);
                client.expect(&["438[]"]);
                client.send(&["429[\"bytes\"]"]);
                client.expect(&["461-9[{\"_placeholder\":true,\"num\":0}]", "bAQID"]);
                client.send(&["420[\"never\"]", "4210[\"later\"]"]);
                client.expect(&["42[\"first\"]", "4310[\"later\"]"]);
                // Who wants none gets none.
                client.send(&["42[\"now\"]"]);
                assert_alive(&mut client);
            });
        },
    );
}

#[test]
fn of_several_handlers_the_first_that_acknowledges_does() {
    served(
        |server, _: Tell<()>| {
            server.on("x", |_: &Socket, _ack: Ack| {});
            server.on("x", |_: &Socket| {});
            server.on("x", |_: &Socket, ack: Ack| ack.send("third"));
            server.on_blocking("x", |_: &SocketHandle, ack: Ack| ack.send("fourth"));
            server.on_connect(|socket| {
                socket.on("x", |_: &Socket, ack: Ack| ack.send("fifth"));
            });
            server.on("y", |_: &Socket, ack: Ack| {
                thread::spawn(move || ack.send("late"));
            });
            server.on("y", |_: &Socket, _: u8, ack: Ack| ack.send("does not fit"));
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["421[\"x\"]", "422[\"y\"]"]);
                client.expect(&["431[\"third\"]", "432[\"late\"]"]);
                assert_alive(&mut client);
            });
        },
    );
}

#[test]
fn the_numbers_of_the_server_are_those_of_the_namespace() {
    served(
        |server, tell| {
            for name in ["/", "/a"] {
                let tell = tell.clone();
                server.of(name).on("ask", move |socket: &Socket, n: u32| {
                    let tell = tell.clone();
                    socket.emit_with_ack("asked", n, PATIENCE).on_reply(move |answer| {
                        tell.say((n, answer.map(|args| args.get::<u32>(0).unwrap_or(0))));
                    });
                });
            }
        },
        |stage| {
            on_both(stage.address, |mut client| {
                join(&mut client, "/");
                join(&mut client, "/a");
                client.send(&["42[\"ask\",1]", "42/a,[\"ask\",2]", "42[\"ask\",3]"]);
                let number = |packet: String, prefix: &str, n: u32| {
                    let rest = packet.strip_prefix(prefix).map(str::to_owned);
                    let rest = rest.unwrap_or_else(|| panic!("{packet}"));
                    let id = rest.strip_suffix(&format!("[\"asked\",{n}]")).map(str::to_owned);
                    id.and_then(|id| id.parse::<u64>().ok()).unwrap_or_else(|| panic!("{packet}"))
                };
                let one = number(client.next(), "42", 1);
                let two = number(client.next(), "42/a,", 2);
                let three = number(client.next(), "42", 3);
                assert_eq!(three, one + 1);
                assert!(two <= one, "a number of its own");
                // An answer in the wrong namespace is none, and the second one neither.
                client.send(&[
                    &format!("43{three}[30]"),
                    &format!("43{three}[31]"),
                    &format!("43/a,{three}[32]"),
                    &format!("43{one}[10]"),
                    &format!("43/a,{two}[20]"),
                ]);
                stage.said.expect([(3, Ok(30)), (1, Ok(10)), (2, Ok(20))]);
                stage.said.assert_silent();
                assert_alive(&mut client);
            });
        },
    );
}

#[test]
fn what_is_not_answered_is_an_error_for_whoever_waits() {
    served(
        |server, tell| {
            server.on_connect(move |socket| tell.say(socket.handle()));
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                let handle = stage.said.next();
                let late = handle.emit_with_ack("ask", (), SHORT);
                let packet = client.next();
                assert_eq!(late.wait(), Err(AckError::Timeout));
                // Its answer comes too late, and does no harm.
                let id = packet.trim_start_matches("42").trim_end_matches("[\"ask\"]").to_owned();
                client.send(&[&format!("43{id}[]")]);
                assert_alive(&mut client);

                let wrong = handle.emit_with_ack("disconnect", (), PATIENCE).wait();
                assert!(matches!(wrong, Err(AckError::NotSent(Dropped::Encode(_)))), "{wrong:?}");

                let pending = handle.emit_with_ack("ask", (), PATIENCE);
                client.next();
                client.send(&["41"]);
                assert_eq!(pending.wait(), Err(AckError::Disconnected));
                let gone = handle.emit_with_ack("ask", (), PATIENCE);
                assert_eq!(gone.wait(), Err(AckError::Disconnected));
                assert_alive(&mut client);
            });
        },
    );
}

#[test]
fn a_lost_connection_answers_everything_that_is_pending() {
    served(
        |server, tell| {
            server.on_connect(move |socket| tell.say(socket.handle()));
        },
        |stage| {
            on_both(stage.address, |mut client| {
                join(&mut client, "/");
                let handle = stage.said.next();
                let pending: Vec<_> =
                    (0..3).map(|n| handle.emit_with_ack("ask", n, PATIENCE)).collect();
                client.next();
                crate::hang_up(client);
                for reply in pending {
                    assert_eq!(reply.wait(), Err(AckError::Disconnected));
                }
            });
        },
    );
}

#[test]
fn nobody_answers_for_somebody_else() {
    served(
        |server, tell| {
            server.on_connect(move |socket| tell.say(socket.handle()));
        },
        |stage| {
            let (mut asked, mut other) = (client(stage.address), client(stage.address));
            join(&mut asked, "/");
            let handle = stage.said.next();
            join(&mut other, "/");
            let reply = handle.emit_with_ack("ask", (), PATIENCE);
            let packet = asked.next();
            let id = packet.trim_start_matches("42").trim_end_matches("[\"ask\"]").to_owned();
            other.send(&[&format!("43{id}[\"mine\"]")]);
            assert_alive(&mut other);
            asked.send(&[&format!("43{id}[\"right\"]")]);
            assert_eq!(reply.wait().expect("an answer").get::<String>(0), Ok("right".to_owned()));
        },
    );
}

#[test]
fn an_answer_to_who_has_left_meanwhile_is_not_sent() {
    let (give, take) = mpsc::channel::<Ack>();
    served(
        |server, _: Tell<()>| {
            let give = give.clone();
            server.on("x", move |_: &Socket, ack: Ack| drop(give.send(ack)));
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["421[\"x\"]"]);
                let ack = take.recv_timeout(PATIENCE).expect("an acknowledgement");
                client.send(&["41"]);
                assert_alive(&mut client);
                join(&mut client, "/");
                ack.send("late");
                assert_alive(&mut client);
            });
        },
    );
}

#[test]
fn a_handler_may_answer_with_what_it_asks_the_client() {
    served(
        |server, _: Tell<()>| {
            server.on("ask back", |socket: &Socket, ack: Ack| {
                socket
                    .emit_with_ack("and you?", 1, PATIENCE)
                    .on_reply(move |answer| ack.send(answer.unwrap_or_default()));
            });
        },
        |stage| {
            joined_on_both(stage.address, |mut client| {
                client.send(&["427[\"ask back\"]"]);
                let packet = client.next();
                let id = packet.trim_start_matches("42").trim_end_matches("[\"and you?\",1]");
                client.send(&[&format!("43{id}[\"x\",{{\"b\":1}}]")]);
                client.expect(&["437[\"x\",{\"b\":1}]"]);
            });
        },
    );
}

#[test]
fn waiting_on_a_thread_of_the_server_is_refused() {
    served(
        |server, tell| {
            server.on("wait", move |socket: &Socket| {
                let reply = socket.emit_with_ack("ask", (), PATIENCE);
                let waiting = std::panic::AssertUnwindSafe(|| reply.wait());
                tell.say(std::panic::catch_unwind(waiting).is_err());
            });
            server.on_blocking("block", |socket: &SocketHandle, ack: Ack| {
                let answer = socket.emit_with_ack("ask", (), PATIENCE).wait();
                ack.send(answer.unwrap_or_default());
            });
        },
        |stage| {
            let mut client = joined(stage.address);
            client.send(&["42[\"wait\"]"]);
            stage.said.expect([true]);
            assert!(client.next().ends_with("[\"ask\"]"));
            // In a blocking handler it is fine: acknowledgements do not wait behind it.
            client.send(&["421[\"block\"]"]);
            let packet = client.next();
            let id = packet.trim_start_matches("42").trim_end_matches("[\"ask\"]").to_owned();
            client.send(&[&format!("43{id}[\"here\"]")]);
            client.expect(&["431[\"here\"]"]);
            let Client::WebSocket { .. } = client else { unreachable!() };
        },
    );
}
