//! Packets as `socket.io-msgpack-parser` 3.0.2 writes them, and what JavaScript's
//! `JSON.stringify` makes of their data.

use crate::kind::Kind::{self, Ack, Connect, ConnectError, Disconnect, Event};

/// Kind, namespace, id, payload, attachments in hex, message in hex.
pub(super) type Vector =
    (Kind, &'static str, Option<u64>, &'static str, &'static [&'static str], &'static str);

/// Read and written alike.
#[rustfmt::skip]
pub(super) const BOTH_WAYS: &[Vector] = &[
    (Connect, "/", None, r#"{"sid":"wZX3oN0bSVIhsaknAAAI"}"#, &[],
        "83a47479706500a46461746182a3736964b4775a58336f4e30625356496873616b6e41414149a3706964d40000a36e7370a12f"),
    (Connect, "/admin", None, r#"{"sid":"wZX3oN0bSVIhsaknAAAI","pid":"Sl2gZ5Pb"}"#, &[],
        "83a47479706500a46461746182a3736964b4775a58336f4e30625356496873616b6e41414149a3706964a8536c32675a355062a36e7370a62f61646d696e"),
    (Connect, "/admin", None, "", &[], "82a47479706500a36e7370a62f61646d696e"),
    (Connect, "/", None, r#"{}"#, &[], "83a47479706500a46461746180a36e7370a12f"),
    (Connect, "/", None, r#"{"token":"abc","n":1}"#, &[],
        "83a47479706500a46461746182a5746f6b656ea3616263a16e01a36e7370a12f"),
    (Disconnect, "/", None, "", &[], "82a47479706501a36e7370a12f"),
    (Disconnect, "/admin", None, "", &[], "82a47479706501a36e7370a62f61646d696e"),
    (ConnectError, "/x", None, r#"{"message":"Invalid namespace"}"#, &[],
        "83a47479706504a46461746181a76d657373616765b1496e76616c6964206e616d657370616365a36e7370a22f78"),
    (ConnectError, "/x", None, r#"{"message":"no","data":{"code":7,"list":[1,null]}}"#, &[],
        "83a47479706504a46461746182a76d657373616765a26e6fa46461746182a4636f646507a46c6973749201c0a36e7370a22f78"),
    (ConnectError, "/", None, r#""no""#, &[], "83a47479706504a464617461a26e6fa36e7370a12f"),
    (Ack, "/", Some(0), r#"[]"#, &[], "84a47479706503a46461746190a2696400a36e7370a12f"),
    (Ack, "/admin", Some(456), r#"[true,"x"]"#, &[],
        "84a47479706503a46461746192c3a178a26964cd01c8a36e7370a62f61646d696e"),
    (Event, "/", None, r#"["message",1,"2",{"3":[true]}]"#, &[],
        "83a47479706502a46461746194a76d65737361676501a13281a13391c3a36e7370a12f"),
    (Event, "/admin", Some(13), r#"["a"]"#, &[],
        "84a47479706502a46461746191a161a269640da36e7370a62f61646d696e"),
    (Event, "/", Some(4294967296), r#"["a"]"#, &[],
        "84a47479706502a46461746191a161a26964cf0000000100000000a36e7370a12f"),
    (Event, "/", None, r#"[1,"numbers are names too"]"#, &[],
        "83a47479706502a4646174619201b56e756d6265727320617265206e616d657320746f6fa36e7370a12f"),
    (Event, "/", None, r#"["",null,true,false]"#, &[],
        "83a47479706502a46461746194a0c0c3c2a36e7370a12f"),
    (Event, "/", None, r#"["i",0,1,127,128,255,256,65535,65536,4294967295,4294967296,9007199254740991]"#, &[],
        "83a47479706502a4646174619ca16900017fcc80ccffcd0100cdffffce00010000ceffffffffcf0000000100000000cf001fffffffffffffa36e7370a12f"),
    (Event, "/", None, r#"["i",-1,-32,-33,-128,-129,-32768,-32769,-2147483648,-2147483649,-9007199254740991]"#, &[],
        "83a47479706502a4646174619ba169ffe0d0dfd080d1ff7fd18000d2ffff7fffd280000000d3ffffffff7fffffffd3ffe0000000000001a36e7370a12f"),
    (Event, "/", None, r#"["f",0.5,-0.1,1e-7,3.141592653589793,5e-324]"#, &[],
        "83a47479706502a46461746196a166cb3fe0000000000000cbbfb999999999999acb3e7ad7f29abcaf48cb400921fb54442d18cb0000000000000001a36e7370a12f"),
    (Event, "/", None, r#"["s","é","日本","😀","\u0000\u001f\"\\/","\n\r\t\b\f"]"#, &[],
        "83a47479706502a46461746196a173a2c3a9a6e697a5e69caca4f09f9880a5001f225c2fa60a0d09080c7fa36e7370a12f"),
    (Event, "/", None, r#"["31","xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]"#, &[],
        "83a47479706502a46461746192a23331bf78787878787878787878787878787878787878787878787878787878787878a36e7370a12f"),
    (Event, "/", None, r#"["32","xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]"#, &[],
        "83a47479706502a46461746192a23332d9207878787878787878787878787878787878787878787878787878787878787878a36e7370a12f"),
    (Event, "/", None, r#"["15",0,0,0,0,0,0,0,0,0,0,0,0,0,0]"#, &[],
        "83a47479706502a4646174619fa231350000000000000000000000000000a36e7370a12f"),
    (Event, "/", None, r#"["16",0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]"#, &[],
        "83a47479706502a464617461dc0010a23136000000000000000000000000000000a36e7370a12f"),
    (Event, "/", None, r#"["o",{"k0":0,"k1":1,"k2":2,"k3":3,"k4":4,"k5":5,"k6":6,"k7":7,"k8":8,"k9":9,"k10":10,"k11":11,"k12":12,"k13":13,"k14":14}]"#, &[],
        "83a47479706502a46461746192a16f8fa26b3000a26b3101a26b3202a26b3303a26b3404a26b3505a26b3606a26b3707a26b3808a26b3909a36b31300aa36b31310ba36b31320ca36b31330da36b31340ea36e7370a12f"),
    (Event, "/", None, r#"["o",{"k0":0,"k1":1,"k2":2,"k3":3,"k4":4,"k5":5,"k6":6,"k7":7,"k8":8,"k9":9,"k10":10,"k11":11,"k12":12,"k13":13,"k14":14,"k15":15}]"#, &[],
        "83a47479706502a46461746192a16fde0010a26b3000a26b3101a26b3202a26b3303a26b3404a26b3505a26b3606a26b3707a26b3808a26b3909a36b31300aa36b31310ba36b31320ca36b31330da36b31340ea36b31350fa36e7370a12f"),
    (Event, "/", None, r#"["deep",[[[{"a":{"b":[{}]}}]],[]]]"#, &[],
        "83a47479706502a46461746192a46465657092919181a16181a162918090a36e7370a12f"),
    (Event, "/", None, r#"["b",{"_placeholder":true,"num":0}]"#, &["010203"],
        "83a47479706502a46461746192a162c403010203a36e7370a12f"),
    (Event, "/", None, r#"["b",{"_placeholder":true,"num":0},{"x":[{"_placeholder":true,"num":1}],"y":{"_placeholder":true,"num":2}},7]"#, &["", "ff", "616263"],
        "83a47479706502a46461746194a162c40082a17891c401ffa179c40361626307a36e7370a12f"),
    (Ack, "/", Some(7), r#"[{"_placeholder":true,"num":0},"x"]"#, &["01"],
        "84a47479706503a46461746192c40101a178a2696407a36e7370a12f"),
    (Event, "/", None, r#"["look",{"_placeholder":true,"num":0},{"_placeholder":false}]"#, &[],
        "83a47479706502a46461746193a46c6f6f6b82ac5f706c616365686f6c646572c3a36e756d0081ac5f706c616365686f6c646572c2a36e7370a12f"),
    (Event, "/", None, r#"["__proto__",{"constructor":1,"toString":null}]"#, &[],
        "83a47479706502a46461746192a95f5f70726f746f5f5f82ab636f6e7374727563746f7201a8746f537472696e67c0a36e7370a12f"),
    (Connect, "/", None, r#"{"secret":{"_placeholder":true,"num":0}}"#, &["09"],
        "83a47479706500a46461746181a6736563726574c40109a36e7370a12f"),
];

/// Read only: other orders of members, members that mean nothing, and values JSON does not have.
#[rustfmt::skip]
pub(super) const INWARD: &[Vector] = &[
    (Event, "/", Some(5), r#"["a",null,1]"#, &[],
        "85a47479706502a46461746193a161d4000001a76f7074696f6e7381a8636f6d7072657373c3a2696405a36e7370a12f"),
    (Connect, "/", None, "", &[], "83a47479706500a464617461d40000a36e7370a12f"),
    (Ack, "/chat", Some(3), r#"[1]"#, &[],
        "84a2696403a47479706503a4646174619101a36e7370a52f63686174"),
    (Event, "/chat", None, r#"["x"]"#, &[],
        "84a36e7370a52f63686174a26964d40000a46461746191a178a47479706502"),
    (Event, "/", None, r#"["a",null,[null],{"y":1},{}]"#, &[],
        "83a47479706502a46461746195a161d4000091d4000083a178d40000a17901a17ad4000081a178d40000a36e7370a12f"),
    (Event, "/", None, r#"["d","1970-01-01T00:00:00.000Z","2023-11-14T22:13:20.123Z","1969-12-31T23:59:59.999Z","-000001-01-01T00:00:00.000Z","+010000-01-01T00:00:00.000Z","+275760-09-13T00:00:00.000Z","-271821-04-20T00:00:00.000Z"]"#, &[],
        "83a47479706502a46461746198a164d7000000000000000000d7000000018bcfe5687bd700ffffffffffffffffd700ffffc76e394a7400d7000000e677d21fdc00d700001eb208c2dc0000d700ffe14df73d240000a36e7370a12f"),
    (Event, "/", None, r#"["ab",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1},{"_placeholder":true,"num":2},{"_placeholder":true,"num":3}]"#, &["010203", "04", "0000000000000000", ""],
        "83a47479706502a46461746195a26162c70300010203c7010004c708000000000000000000c70000a36e7370a12f"),
];
