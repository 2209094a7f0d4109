"""Starts the Socket.IO server under test as a child process on a free port of the loopback interface.

SIOMIO_BIN_DIR     where the release binaries are; default: target/release at the repository's root
SIOMIO_REFERENCE   a Node script started as `node <script> sio` in place of the binary
"""

import os
import pathlib
import select
import socket
import subprocess
import urllib.error
import urllib.request

START_DEADLINE_S = 10
STOP_DEADLINE_S = 5
ATTEMPTS = 3

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Server:
    """One child process that listens; a context manager."""

    def __init__(self, port=None, **settings):
        """Settings are what the program takes from the environment. Without a port it gets a free one; as another
        process may take that one in between, a start that fails is tried again."""
        self._settings = {name: str(value) for name, value in settings.items()}
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._start(port or free_port())
                return
            except ServerError:
                if port or attempt == ATTEMPTS:
                    raise

    def _start(self, port):
        self.port = port
        self.url = f'http://127.0.0.1:{port}'
        environment = {**os.environ, **self._settings, 'PORT': str(port)}
        self._child = subprocess.Popen(command(), env=environment, stdout=subprocess.PIPE)
        readable, _, _ = select.select([self._child.stdout], [], [], START_DEADLINE_S)
        if not readable or not self._child.stdout.readline():
            self._child.kill()
            self._child.wait()
            raise ServerError(f'the server on port {port} does not say that it listens')

    def stop(self):
        """Ends it with SIGTERM; fails when it was gone already, does not go, or goes badly."""
        ended = self._child.poll()
        if ended is not None:
            raise ServerError(f'the server on port {self.port} ended by itself, with {ended}')
        self._child.terminate()
        try:
            status = self._child.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
            raise ServerError(f'the server on port {self.port} does not end upon SIGTERM') from None
        finally:
            self._child.stdout.close()
        if status not in (0, -15):
            raise ServerError(f'the server on port {self.port} ended badly, with {status}')

    def knows(self, revision, sid):
        """Whether it has that session. Asks with a method that no session serves, so as to disturb none."""
        url = f'{self.url}/socket.io/?EIO={revision}&transport=polling&sid={sid}'
        try:
            urllib.request.urlopen(urllib.request.Request(url, method='PUT'), timeout=START_DEADLINE_S).close()
        except urllib.error.HTTPError as error:
            with error:
                return error.read() != b'{"code":1,"message":"Session ID unknown"}'
        return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class ServerError(Exception):
    """A server that does not start, or does not end as it should."""


def command():
    reference = os.environ.get('SIOMIO_REFERENCE')
    if reference:
        return ['node', reference, 'sio']
    folder = pathlib.Path(os.environ.get('SIOMIO_BIN_DIR', ROOT / 'target' / 'release'))
    program = folder / 'sio_conformance'
    if not program.exists():
        raise SystemExit(f'{program} is missing: build it with `cargo build --release -p siomio-conformance`')
    return [str(program)]


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]
