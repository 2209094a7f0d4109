use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const MAIN: NamespaceId = NamespaceId::from_bits(0);

fn socket(index: u64) -> SocketKey {
    SocketKey::from_bits(index)
}

fn id(index: u64) -> Arc<str> {
    format!("id{index}").into()
}

fn rooms_with(count: u64) -> Rooms {
    let shared = Rooms::shared(1);
    let mut rooms = Arc::into_inner(shared).unwrap().into_inner().unwrap();
    rooms.declare(MAIN);
    for index in 0..count {
        rooms.insert(socket(index), index, MAIN, id(index));
        rooms.set_present(socket(index), true);
    }
    rooms
}

fn selected(rooms: &mut Rooms, to: &Selector) -> Vec<u64> {
    selected_in(rooms, MAIN, to)
}

fn selected_in(rooms: &mut Rooms, namespace: NamespaceId, to: &Selector) -> Vec<u64> {
    let mut tags = Vec::new();
    rooms.select(namespace, to, &mut tags, |_, tag| tag);
    tags.sort_unstable();
    tags
}

#[test]
fn a_member_of_two_rooms_is_selected_once() {
    let mut rooms = rooms_with(4);
    for (member, room) in [(0, "a"), (1, "a"), (1, "b"), (2, "b")] {
        assert!(rooms.join(socket(member), room));
        assert!(!rooms.join(socket(member), room), "joining twice changes nothing");
    }
    let to = Selector::all();
    assert_eq!(selected(&mut rooms, &to), [0, 1, 2, 3]);
    assert_eq!(selected(&mut rooms, &to.clone().room("a").room("b")), [0, 1, 2]);
    assert_eq!(selected(&mut rooms, &to.clone().room("a").except("b")), [0]);
    assert_eq!(selected(&mut rooms, &to.clone().except("b")), [0, 3]);
    assert_eq!(selected(&mut rooms, &to.clone().room("nobody")), [] as [u64; 0]);
    assert_eq!(
        selected(&mut rooms, &to.clone().room("id3").room("a").except("id0")),
        [1, 3],
        "an id is a room"
    );
}

#[test]
fn a_room_may_bear_the_name_of_a_socket() {
    let mut rooms = rooms_with(3);
    assert!(rooms.join(socket(1), "id0"));
    assert!(!rooms.join(socket(0), "id0"), "everyone is in their own room already");
    assert_eq!(selected(&mut rooms, &Selector::all().room("id0")), [0, 1]);
    rooms.remove(socket(0));
    assert_eq!(selected(&mut rooms, &Selector::all().room("id0")), [1]);
}

#[test]
fn who_is_not_present_is_not_selected() {
    let mut rooms = rooms_with(2);
    rooms.join(socket(0), "a");
    rooms.set_present(socket(0), false);
    assert_eq!(selected(&mut rooms, &Selector::all()), [1]);
    assert_eq!(selected(&mut rooms, &Selector::all().room("a").room("id0")), [] as [u64; 0]);
    assert_eq!(rooms.rooms_of(socket(0)).len(), 2, "but its rooms can still be read");
}

#[test]
fn namespaces_do_not_share_rooms() {
    let mut rooms = rooms_with(1);
    let other = NamespaceId::from_bits(1);
    rooms.insert(socket(1), 1, other, id(1));
    rooms.set_present(socket(1), true);
    rooms.join(socket(0), "a");
    rooms.join(socket(1), "a");
    assert_eq!(selected(&mut rooms, &Selector::all().room("a")), [0]);
    assert_eq!(selected_in(&mut rooms, other, &Selector::all().room("a")), [1]);
    let nowhere = NamespaceId::from_bits(7);
    assert_eq!(selected_in(&mut rooms, nowhere, &Selector::all().room("a")), [] as [u64; 0]);
}

#[test]
fn empty_rooms_are_gone() {
    let mut rooms = rooms_with(2);
    rooms.join(socket(0), "a");
    rooms.join(socket(1), "a");
    assert!(rooms.leave(socket(0), "a"));
    assert!(!rooms.leave(socket(0), "a"));
    assert_eq!(rooms.names(MAIN), ["a".into()]);
    rooms.remove(socket(1));
    assert!(rooms.names(MAIN).is_empty());
    assert_eq!(rooms.rooms.len(), 0);
}

proptest! {
    #[test]
    fn agrees_with_a_plain_model(steps in prop::collection::vec((0..4u8, 0..8u64, 0..5u8), 0..200)) {
        let mut rooms = rooms_with(0);
        let mut model: BTreeMap<u64, BTreeSet<u8>> = BTreeMap::new();
        for (action, member, room) in steps {
            let name = format!("r{room}");
            match action {
                0 => {
                    if let std::collections::btree_map::Entry::Vacant(entry) = model.entry(member) {
                        entry.insert(BTreeSet::new());
                        rooms.insert(socket(member), member, MAIN, id(member));
                        rooms.set_present(socket(member), true);
                    }
                }
                1 => { let joined = rooms.join(socket(member), &name);
                    prop_assert_eq!(joined, model.get_mut(&member).is_some_and(|own| own.insert(room))); }
                2 => { let left = rooms.leave(socket(member), &name);
                    prop_assert_eq!(left, model.get_mut(&member).is_some_and(|own| own.remove(&room))); }
                _ => { rooms.remove(socket(member)); model.remove(&member); }
            }
            let everyone: Vec<u64> = model.keys().copied().collect();
            prop_assert_eq!(selected(&mut rooms, &Selector::all()), everyone);
            for room in 0..5u8 {
                let members: Vec<u64> = model.iter().filter(|(_, own)| own.contains(&room)).map(|(m, _)| *m).collect();
                prop_assert_eq!(selected(&mut rooms, &Selector::all().room(format!("r{room}"))), members);
            }
            let union: Vec<u64> = model.iter().filter(|(_, own)| (own.contains(&0) || own.contains(&1)) && !own.contains(&2)).map(|(m, _)| *m).collect();
            prop_assert_eq!(selected(&mut rooms, &Selector::all().room("r0").room("r1").except("r2")), union);
        }
    }
}
