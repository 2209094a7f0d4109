//! Events that servers send each other.

use std::{
    sync::{Mutex, mpsc},
    time::Duration,
};

use siomio::{Ack, Args, Binary, Dropped, EncodeError, Namespace, Sent, Server};
use siomio_testkit::PATIENCE;

use crate::{
    LONG, Site,
    cluster::{joined, joined_with},
    served,
};

/// What servers have received: by whom, and what.
type Heard = (usize, String);

#[test]
fn it_reaches_the_others_in_order_and_nobody_else() {
    let heard = Mutex::new(None);
    let (tell, told) = mpsc::channel::<Heard>();
    *heard.lock().unwrap() = Some(told);
    let handlers = |place, server: &Server| {
        let tell = tell.clone();
        server.on_server_side("news", move |namespace: &Namespace, args: Args| {
            tell.send((place, format!("{} {}", namespace.name(), args.json()))).unwrap();
        });
        let other = server.of("/other");
        other.on_server_side("news", |_: &Namespace, _: Args| panic!("that is another namespace"));
    };
    joined(handlers, |_, sites| {
        let heard = heard.lock().unwrap();
        let told = heard.as_ref().unwrap();
        let mut guests: Vec<_> = sites.iter().map(Site::guest).collect();
        for n in 0..20 {
            assert_eq!(sites[1].io.server_side_emit("news", (n, "x")), Sent::Queued);
        }
        assert_eq!(sites[1].io.server_side_emit("nobody listens", ()), Sent::Queued);
        let (mut first, mut third) = (0, 0);
        for _ in 0..40 {
            let (place, what) = told.recv_timeout(PATIENCE).unwrap();
            let next = match place {
                0 => &mut first,
                2 => &mut third,
                _ => panic!("that was its own"),
            };
            assert_eq!(what, format!("/ {next},\"x\""));
            *next += 1;
        }
        // Clients are told nothing.
        assert_eq!(sites[1].who_heard("", &mut guests), [0; 0]);
        assert!(told.try_recv().is_err());
    });
}

#[test]
fn each_of_the_others_answers_once() {
    let handlers = |place: usize, server: &Server| {
        server.on_server_side("who", move |_: &Namespace, data: Binary, ack: Ack| {
            assert!(ack.is_wanted());
            ack.send((place, data));
        });
        // A second handler of the same event does not answer again, and one may answer later.
        server.on_server_side("who", |_: &Namespace, _: Binary, ack: Ack| ack.send(99));
        server.on_server_side("later", move |_: &Namespace, ack: Ack| {
            std::thread::spawn(move || ack.send(place));
        });
        server.of("/other").on_server_side("who", move |_: &Namespace, ack: Ack| {
            ack.send(place + 10);
        });
    };
    joined(handlers, |_, sites| {
        for (place, site) in sites.iter().enumerate() {
            let others: Vec<_> = (0..3).filter(|other| *other != place).collect();
            let answers = site
                .io
                .server_side_emit_with_ack("who", Binary::from(vec![1, 2]), LONG)
                .wait()
                .unwrap();
            let mut places: Vec<usize> = Vec::new();
            for args in &answers {
                assert_eq!(args.get::<Binary>(1).unwrap().as_ref(), [1, 2]);
                places.push(args.get(0).unwrap());
            }
            places.sort_unstable();
            assert_eq!(places, others);
            let later = site.io.server_side_emit_with_ack("later", (), LONG).wait().unwrap();
            assert_eq!(later.len(), 2);
            let elsewhere =
                site.io.of("/other").server_side_emit_with_ack("who", (), LONG).wait().unwrap();
            assert!(elsewhere.iter().all(|args| args.get::<usize>(0).unwrap() >= 10));
        }
    });
}

#[test]
fn who_does_not_answer_is_missed() {
    let handlers = |place, server: &Server| {
        server.on_server_side("who", move |_: &Namespace, ack: Ack| {
            if place == 1 {
                ack.send("one");
            }
        });
    };
    joined_with(
        Duration::ZERO,
        |_, builder| builder,
        handlers,
        |cluster, sites| {
            let time = Duration::from_millis(200);
            let incomplete =
                sites[0].io.server_side_emit_with_ack("who", (), time).wait().unwrap_err();
            assert_eq!((incomplete.answers.len(), incomplete.missing), (1, 1));
            assert_eq!(incomplete.answers[0].json(), "\"one\"");
            cluster.cut_off(1);
            cluster.haunt(1);
            let incomplete =
                sites[0].io.server_side_emit_with_ack("who", (), time).wait().unwrap_err();
            assert_eq!((incomplete.answers.len(), incomplete.missing), (0, 3));
        },
    );
}

#[test]
fn arguments_that_do_not_fit_and_handlers_that_panic_harm_nobody() {
    let handlers = |_, server: &Server| {
        server.on_server_side("typed", |_: &Namespace, _: u8, ack: Ack| ack.send(1));
        server.on_server_side("panics", |_: &Namespace| panic!("of the test"));
        server.on_server_side("fine", |_: &Namespace, ack: Ack| ack.send(2));
    };
    joined_with(
        Duration::ZERO,
        |_, builder| builder,
        handlers,
        |_, sites| {
            let time = Duration::from_millis(100);
            let io = &sites[0].io;
            assert_eq!(
                io.server_side_emit_with_ack("typed", "x", time).wait().unwrap_err().missing,
                2
            );
            io.server_side_emit("panics", ());
            assert_eq!(io.server_side_emit_with_ack("fine", (), LONG).wait().unwrap().len(), 2);
        },
    );
}

#[test]
fn names_that_servers_need_themselves_are_refused() {
    joined_with(
        Duration::ZERO,
        |_, builder| builder,
        |_, _| {},
        |cluster, sites| {
            let before = cluster.published(0);
            for name in ["connect", "connection", "new_namespace"] {
                let refused =
                    Sent::Dropped(Dropped::Encode(EncodeError::ReservedName(name.into())));
                assert_eq!(sites[0].io.server_side_emit(name, ()), refused);
                let error =
                    sites[0].io.server_side_emit_with_ack(name, (), LONG).wait().unwrap_err();
                assert_eq!((error.answers.len(), error.missing), (0, 0));
            }
            assert_eq!(cluster.published(0), before);
            // Those that only clients must not use are free.
            assert_eq!(sites[0].io.server_side_emit("disconnect", ()), Sent::Queued);
        },
    );
}

#[test]
fn a_server_that_is_alone_is_answered_by_nobody_at_once() {
    let handlers = |server: &Server| {
        server.on_server_side("who", |_: &Namespace| panic!("not to itself"));
    };
    served(handlers, |site| {
        assert_eq!(site.io.server_count(), 1);
        assert_eq!(site.io.server_side_emit("who", ()), Sent::Queued);
        let answers = site.io.server_side_emit_with_ack("who", (), LONG).wait();
        assert_eq!(answers.map(|answers| answers.len()), Ok(0));
    });
}
