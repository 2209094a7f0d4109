"""python-socketio of either version with an inbox for each event, and deadlines for everything."""

import importlib.metadata
import queue
import threading
import time

import engineio
import socketio

DEADLINE_S = 10
EVENTS = ['connect', 'connect_error', 'disconnect']
EVENTS += ['auth', 'message-back', 'ack-response', 'broadcast-back', 'room-back']

VERSION = importlib.metadata.version('python-socketio')
# Version 4 speaks Engine.IO 3: it is put into the namespace `/` by the server, and brings a query to any other.
OLD = VERSION.startswith('4.')
REVISION = 3 if OLD else 4


# How many packets the client takes in one answer to a poll. By default it gives up at 17, with whatever server; its
# documentation advises to set this where more are to be expected.
engineio.payload.Payload.max_decode_packets = 10_000


class Client:
    """A connection in some namespaces. Events are told by the inbox of their name and namespace."""

    def __init__(self, url, transports, namespaces=('/',), credentials=None, **options):
        self._inboxes = {}
        self._sio = socketio.Client(reconnection=bool(options), **options)
        handle_in_order(self._sio.eio)
        for namespace in namespaces:
            for event in EVENTS:
                self._sio.on(event, self.inbox(event, namespace).put_args, namespace=namespace)
        self._connect(url, transports, list(namespaces), credentials)

    def _connect(self, url, transports, namespaces, credentials):
        if OLD:
            query = '?' + '&'.join(f'{name}={value}' for name, value in credentials.items()) if credentials else ''
            asked = [name + query for name in namespaces if name != '/']
            self._sio.connect(url, transports=transports, namespaces=asked)
        else:
            self._sio.connect(url, transports=transports, namespaces=namespaces, auth=credentials, wait=False)

    def connected(self):
        """Waits until each namespace has been entered."""
        for (event, _), inbox in self._inboxes.items():
            if event == 'connect':
                inbox.take()
        return self

    def inbox(self, event, namespace='/'):
        return self._inboxes.setdefault((event, namespace), Inbox(f'{event} in {namespace}'))

    def emit(self, event, *args, namespace='/'):
        self._sio.emit(event, args, namespace=namespace)

    def request(self, event, *args, namespace='/'):
        """The arguments of the acknowledgement."""
        answer = Inbox(f'acknowledgement of {event}')
        self._sio.emit(event, args, namespace=namespace, callback=answer.put_args)
        return answer.take()

    def answer(self, event, handler):
        """What `handler` returns, a tuple, is the acknowledgement."""
        self._sio.on(event, handler)

    @property
    def transport(self):
        return self._sio.transport()

    @property
    def session(self):
        return self._sio.eio.sid

    def close(self):
        if self._sio.eio.state == 'connected':
            self._sio.disconnect()


class Inbox:
    """What has come and was not taken so far."""

    def __init__(self, name):
        self._name = name
        self._queue = queue.Queue()

    def put_args(self, *args):
        self._queue.put(args)

    def take(self):
        try:
            return self._queue.get(timeout=DEADLINE_S)
        except queue.Empty:
            raise AssertionError(f'no {self._name} within {DEADLINE_S} s') from None

    def empty(self):
        return self._queue.empty()


def handle_in_order(eio):
    """The library starts a thread for each message, so that they overtake each other; here one thread handles them all."""
    messages = queue.Queue()
    trigger = eio._trigger_event

    def handle():
        while True:
            trigger('message', messages.get(), run_async=False)

    def trigger_in_order(event, *args, **options):
        if event == 'message' and options.get('run_async'):
            return messages.put(*args)
        return trigger(event, *args, **options)

    threading.Thread(target=handle, daemon=True).start()
    eio._trigger_event = trigger_in_order


def until(condition, what):
    """Asks again and again until it holds."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f'not within {DEADLINE_S} s: {what}')
        time.sleep(0.01)
