"""python-socketio, version 4 or 5, whichever is installed, against the Socket.IO conformance server."""

import sys
import time
import unittest

from client import OLD, REVISION, VERSION, Client, until
from server import Server

# Version 4 wants the answer to a ping before it is time for the next one: not too often, then, on a busy machine.
PATIENT = {'PING_INTERVAL': 2_000, 'PING_TIMEOUT': 10_000}
HEARTBEATS = {'PING_INTERVAL': 400, 'PING_TIMEOUT': 1_000}
RECONNECTION = {'reconnection_delay': 0.05, 'reconnection_delay_max': 0.05, 'randomization_factor': 0,
                'reconnection_attempts': 200}

MODES = {'polling': ['polling'], 'websocket': ['websocket'], 'upgrade': None}


class Matrix:
    """The cases, for one number of shards and one mode."""

    shards: int
    mode: str

    @classmethod
    def setUpClass(cls):
        cls.server = cls.start(**PATIENT)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    @classmethod
    def start(cls, port=None, **settings):
        return Server(port, SHARDS=cls.shards, ALLOW_EIO3=int(OLD), **settings)

    def client(self, *namespaces, server=None, **options):
        client = Client((server or self.server).url, MODES[self.mode], namespaces or ('/',), **options)
        self.addCleanup(client.close)
        return client

    def assert_echo(self, client, *args, namespace='/'):
        client.emit('message', *args, namespace=namespace)
        self.assertEqual(client.inbox('message-back', namespace).take(), args)

    def heard(self, client):
        """The next broadcast of this test; one of a former test may reach a client that has come since."""
        while True:
            test, *args = client.inbox('broadcast-back').take()
            if test == self.id():
                return tuple(args)

    def test_a_client_is_greeted_with_what_it_brought(self):
        client = self.client('/', '/custom', credentials={'token': 'abc'})
        self.assertEqual(client.inbox('auth', '/custom').take(), ({'token': 'abc'},))
        self.assertEqual(client.inbox('auth').take(), ({} if OLD else {'token': 'abc'},))

    def test_the_transport_is_the_one_wanted(self):
        client = self.client().connected()
        self.assertEqual(client.transport, 'polling' if self.mode == 'polling' else 'websocket')

    def test_arguments_of_every_kind_come_back(self):
        client = self.client().connected()
        self.assert_echo(client)
        self.assert_echo(client, 'text', '', 'žluťoučký kůň', '👍🏽 𝒳𐍈', '\u2028\x00\x1e"\\\n')
        self.assert_echo(client, 0, -1, 1.5, 2**53 - 1, None, True, False)
        self.assert_echo(client, [], {}, [[{'deep': [None, {'👍': [1]}]}]])

    def test_binary_comes_back_from_any_depth(self):
        client = self.client('/', '/custom').connected()
        self.assert_echo(client, b'\x00\x01\x7f\x80\xff')
        # Version 4 takes an attachment without bytes for none.
        first = b'first' if OLD else b''
        self.assert_echo(client, first, {'deep': [b'x', {'er': bytes(range(256)) * 200}]}, namespace='/custom')
        self.assert_echo(client, 'text again')

    def test_messages_of_700_kilobytes_come_back(self):
        client = self.client().connected()
        self.assert_echo(client, 'x' * 700_000)
        self.assert_echo(client, bytes(range(256)) * 2_700)

    def test_the_server_acknowledges(self):
        client = self.client('/', '/custom').connected()
        for args in [(), ('one',), (1, [None], {'two': 'grüß'}), (b'\x01\x02', {'in': b'\x03'})]:
            self.assertEqual(client.request('message-with-ack', *args), args)
            self.assertEqual(client.request('message-with-ack', *args, namespace='/custom'), args)

    def test_the_client_acknowledges(self):
        client = self.client().connected()
        for answer in [(), ('yes',), (1, {'a': [None, '👍']}), (b'\x09', [b'\x08'])]:
            client.answer('ack-request', lambda *args: (*answer, *args))
            client.emit('ack-me', 'asked', b'with')
            self.assertEqual(client.inbox('ack-response').take(), (*answer, 'asked', b'with'))

    def test_namespaces_know_nothing_of_one_another(self):
        client = self.client('/', '/custom').connected()
        client.emit('message', 'main')
        client.emit('message', 'custom', namespace='/custom')
        self.assertEqual(client.inbox('message-back').take(), ('main',))
        self.assertEqual(client.inbox('message-back', '/custom').take(), ('custom',))
        self.assertTrue(client.inbox('message-back').empty())

    def test_an_unknown_namespace_is_refused(self):
        client = self.client('/', '/unknown')
        client.inbox('connect').take()
        self.assertEqual(client.inbox('connect_error', '/unknown').take(), ({'message': 'Invalid namespace'},))
        self.assert_echo(client, 'still here')

    def test_a_broadcast_reaches_every_client_of_the_namespace(self):
        a, b, stranger = [self.client(name).connected() for name in ['/', '/', '/custom']]
        a.emit('broadcast', self.id(), {'bytes': b'\x01'})
        for client in [a, b]:
            self.assertEqual(self.heard(client), ({'bytes': b'\x01'},))
        self.assert_echo(stranger, 'marker', namespace='/custom')
        self.assertTrue(stranger.inbox('broadcast-back', '/custom').empty())

    def test_a_room_is_its_members_but_the_sender(self):
        sender, member, outsider = clients = [self.client().connected() for _ in range(3)]
        for client in [sender, member]:
            client.emit('join', 'room')
        for client in clients:
            self.assert_echo(client, 'joined')
        sender.emit('to-room', 'room', 'hello', b'\x01')
        self.assertEqual(member.inbox('room-back').take(), ('hello', b'\x01'))
        sender.emit('broadcast', self.id(), 'marker')
        for client in clients:
            self.assertEqual(self.heard(client), ('marker',))
            self.assertTrue(client.inbox('room-back').empty())

    def test_a_thousand_events_come_back_in_order(self):
        client = self.client().connected()
        for number in range(1_000):
            client.emit('message', number, b'\x01' if number % 10 == 0 else 'text')
        numbers = [client.inbox('message-back').take()[0] for _ in range(1_000)]
        self.assertEqual(numbers, list(range(1_000)))

    def test_bye_ends_one_namespace(self):
        client = self.client('/', '/custom').connected()
        client.emit('bye', namespace='/custom')
        client.inbox('disconnect', '/custom').take()
        self.assert_echo(client, 'still here')

    def test_bye_all_ends_the_connection(self):
        client = self.client('/', '/custom').connected()
        session = client.session
        client.emit('bye-all', namespace='/custom')
        for namespace in ['/', '/custom']:
            client.inbox('disconnect', namespace).take()
        until(lambda: not self.server.knows(REVISION, session), 'the session is forgotten')

    def test_a_client_that_leaves_is_forgotten(self):
        # Version 4 says no farewell when it leaves with a POST under way: then the session ends for want of heartbeats.
        settings = HEARTBEATS if OLD and self.mode == 'polling' else PATIENT
        with self.start(**settings) as server:
            client = self.client(server=server).connected()
            session = client.session
            self.assertTrue(server.knows(REVISION, session))
            client.close()
            until(lambda: not server.knows(REVISION, session), 'the session is forgotten')

    def test_heartbeats_keep_a_silent_client(self):
        with self.start(**HEARTBEATS) as server:
            client = self.client(server=server).connected()
            session = client.session
            # Without its heartbeats a session ends after 1.4 s; what it says meanwhile is none.
            end = time.monotonic() + 3
            while time.monotonic() < end:
                self.assert_echo(client, 'still here')
                time.sleep(0.1)
            self.assertEqual(client.session, session)
            client.close()

    def test_a_client_comes_back_when_the_server_does(self):
        first = self.start(**PATIENT)
        client = self.client(server=first, **RECONNECTION).connected()
        self.assert_echo(client, 'before')
        first.stop()
        client.inbox('disconnect').take()
        with self.start(first.port, **PATIENT):
            client.connected()
            self.assert_echo(client, 'after')
            client.close()


def load_tests(loader, _tests, _pattern):
    """The cases for each number of shards in each mode."""
    suite = unittest.TestSuite()
    for shards in [1, 4]:
        for mode in MODES:
            name = f'{mode}, SHARDS={shards}'
            case = type(name, (Matrix, unittest.TestCase), {'shards': shards, 'mode': mode, '__qualname__': name})
            suite.addTests(loader.loadTestsFromTestCase(case))
    return suite


if __name__ == '__main__':
    result = unittest.main(exit=False, verbosity=2).result
    failed = len(result.failures) + len(result.errors)
    print(f'python-socketio {VERSION}: {result.testsRun} tests, {failed} failed', flush=True)
    sys.exit(failed != 0)
