//! Connections that carry the requests of many sessions, as those of a proxy do. With several shards the sessions live on
//! different ones, and the connection moves after them.

use std::{collections::HashSet, net::SocketAddr};

use siomio_engine::Sid;
use siomio_testkit::{http::Http, polling::Polling};

use crate::{PATH, assert_gone, echo, open_ws, status_and_text};

/// Sessions on every shard there is, two on each.
fn sessions(address: SocketAddr) -> Vec<Polling> {
    // A new session goes to the shard with the fewest connections, so these are kept while the sessions open.
    let mut connections: Vec<_> = (0..8).map(|_| Http::connect(address)).collect();
    let sessions: Vec<_> =
        connections.iter_mut().map(|http| Polling::open_on(http, address, PATH)).collect();
    let shards: HashSet<_> =
        sessions.iter().map(|session| Sid::parse(&session.sid).expect("an id").shard()).collect();
    assert!(shards.len() == 1 || shards.len() == 4, "{shards:?}");
    sessions
}

/// A request as bytes, for sending several in one piece.
fn request(method: &str, session: &Polling, body: &str) -> String {
    let (target, length) = (&session.target, body.len());
    format!(
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

#[test]
fn one_connection_alternates_between_sessions() {
    echo(|address| {
        let sessions = sessions(address);
        let mut http = Http::connect(address);
        for round in 0..20 {
            for session in &sessions {
                let message = format!("4{round} {}", session.sid);
                assert_eq!(status_and_text(&http.post(&session.target, &message)), (200, "ok"));
            }
            for session in sessions.iter().rev() {
                let message = format!("4{round} {}", session.sid);
                assert_eq!(status_and_text(&http.get(&session.target)), (200, &*message));
            }
        }
    });
}

#[test]
fn of_several_ids_the_last_counts_wherever_the_others_live() {
    echo(|address| {
        let sessions = sessions(address);
        let mut http = Http::connect(address);
        for (turn, session) in sessions.iter().enumerate() {
            let other = &sessions[(turn + 3) % sessions.len()];
            let target = session.target.replace("&sid=", &format!("&sid={}&%73id=", other.sid));
            for http in [&mut http, &mut Http::connect(address)] {
                assert_eq!(http.post(&target, "4x").text(), "ok");
                session.expect("4x");
            }
            // And an empty one is none.
            let response = http.get(&format!("{}&sid=", session.target));
            assert!(response.text().starts_with("0{"), "{response:?}");
        }
    });
}

#[test]
fn several_connections_take_turns_with_several_sessions() {
    echo(|address| {
        let sessions = sessions(address);
        let mut connections: Vec<_> = (0..3).map(|_| Http::connect(address)).collect();
        for turn in 0..120 {
            let session = &sessions[turn % sessions.len()];
            let message = format!("4{turn}");
            let http = &mut connections[turn % 3];
            assert_eq!(http.post(&session.target, &message).text(), "ok");
            let http = &mut connections[(turn + 1) % 3];
            assert_eq!(http.get(&session.target).text(), message);
        }
    });
}

#[test]
fn requests_of_many_sessions_may_come_in_one_piece() {
    echo(|address| {
        let sessions = sessions(address);
        let mut http = Http::connect(address);
        for round in 0..10 {
            let requests = sessions.iter().map(|session| {
                request("POST", session, &format!("4{round} {}", session.sid))
                    + &request("GET", session, "")
            });
            http.send(requests.collect::<String>());
            for session in &sessions {
                assert_eq!(status_and_text(&http.response()), (200, "ok"));
                assert_eq!(http.response().text(), format!("4{round} {}", session.sid));
            }
        }
    });
}

#[test]
fn a_request_of_another_session_waits_behind_a_get_and_is_answered() {
    echo(|address| {
        let sessions = sessions(address);
        let mut http = Http::connect(address);
        for (turn, first) in sessions.iter().enumerate() {
            let second = &sessions[(turn + 3) % sessions.len()];
            http.send(request("GET", first, "") + &request("POST", second, "4second"));
            first.send(&["4first"]);
            assert_eq!(status_and_text(&http.response()), (200, "4first"));
            assert_eq!(status_and_text(&http.response()), (200, "ok"));
            second.expect("4second");
        }
    });
}

#[test]
fn gets_of_all_sessions_wait_behind_each_other() {
    echo(|address| {
        let sessions = sessions(address);
        let mut http = Http::connect(address);
        http.send(sessions.iter().map(|session| request("GET", session, "")).collect::<String>());
        // Answered in the order asked, whoever has something to say first.
        for session in sessions.iter().rev() {
            session.send(&[&format!("4{}", session.sid)]);
        }
        for session in &sessions {
            assert_eq!(http.response().text(), format!("4{}", session.sid));
        }
    });
}

#[test]
fn a_body_may_be_torn_where_its_connection_moves() {
    echo(|address| {
        let sessions = sessions(address);
        let mut http = Http::connect(address);
        let message = format!("4{}", "x".repeat(300_000));
        for session in &sessions {
            let whole = request("POST", session, &message);
            // The head alone, and then the rest in pieces.
            let (head, body) = whole.split_at(whole.len() - message.len());
            http.send(head);
            for piece in body.as_bytes().chunks(70_000) {
                http.send(piece);
            }
            assert_eq!(http.response().text(), "ok");
            assert!(http.get(&session.target).text() == message);
        }
    });
}

#[test]
fn a_connection_may_carry_refused_and_foreign_requests_in_between() {
    echo(|address| {
        let sessions = sessions(address);
        let mut http = Http::connect(address);
        for session in &sessions {
            assert_eq!(http.post(&session.target, "4x").text(), "ok");
            assert_eq!(http.get("/elsewhere").status, 404);
            assert_eq!(http.get(&format!("{}x", session.target)).status, 400);
            let fresh = Polling::open_on(&mut http, address, PATH);
            assert_eq!(http.post(&fresh.target, "4fresh").text(), "ok");
            assert_eq!(http.get(&session.target).text(), "4x");
            assert_eq!(http.get(&fresh.target).text(), "4fresh");
        }
    });
}

#[test]
fn a_connection_that_has_moved_about_may_become_a_websocket() {
    echo(|address| {
        for session in sessions(address) {
            let mut http = Http::connect(address);
            for other in sessions(address) {
                assert_eq!(http.post(&other.target, "4x").text(), "ok");
            }
            let target = session.upgrade_target();
            let mut ws = siomio_testkit::ws::Ws::upgrade(http, &target, &[]).expect("a WebSocket");
            ws.send("2probe");
            assert_eq!(ws.text(), "3probe");
            ws.send("5");
            ws.send("4x");
            assert_eq!(ws.text(), "4x");
        }
    });
}

#[test]
fn a_connection_that_leaves_takes_only_the_sessions_that_wait_on_it() {
    echo(|address| {
        let sessions = sessions(address);
        let mut http = Http::connect(address);
        for session in &sessions {
            assert_eq!(http.post(&session.target, "4x").text(), "ok");
        }
        http.request("GET", &sessions[0].target, &[], b"");
        assert_eq!(http.response().text(), "4x");
        http.request("GET", &sessions[0].target, &[], b"");
        drop(http);
        assert_eq!(sessions[0].get().status, 400);
        assert_gone(&sessions[0]);
        for session in &sessions[1..] {
            session.expect("4x");
        }
    });
}

#[test]
fn websockets_of_all_shards_work_beside_each_other() {
    echo(|address| {
        let mut all: Vec<_> = (0..12).map(|_| open_ws(address)).collect();
        for (n, ws) in all.iter_mut().enumerate() {
            ws.send(&format!("4{n}"));
        }
        for (n, ws) in all.iter_mut().enumerate().rev() {
            assert_eq!(ws.text(), format!("4{n}"));
        }
    });
}
